"""What an organisation has used: counters per period, and every call of a model with its cost."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from procur.db.base import Base, OfOrganization, TenantRow, Times, check, newest_first, utc_now
from procur.db.types import Cost, UtcDateTime


class UsageCounter(OfOrganization, Times, Base):
    """How much of a meter was used in a period: "2026-11", "2026-11-21", "2026-11-21T09:30" or "total"."""

    __tablename__ = "usage_counters"

    organization_id: Mapped[UUID] = mapped_column(Uuid(), ForeignKey("organizations.id"), primary_key=True)
    meter: Mapped[str] = mapped_column(String(64), primary_key=True)
    period: Mapped[str] = mapped_column(String(16), primary_key=True)
    used: Mapped[int] = mapped_column(BigInteger, default=0)

    __table_args__ = (
        Index("ix_usage_counters_period", "organization_id", "period"),
        check("used", "used >= 0", field="used"),
    )


class LlmCall(TenantRow, Base):
    """One call of a model. Calls are what costs are counted from, so they are never changed."""

    __tablename__ = "llm_calls"

    purpose: Mapped[str] = mapped_column(String(64))
    model: Mapped[str] = mapped_column(String(100))
    tokens_in: Mapped[int] = mapped_column(BigInteger, default=0)
    tokens_out: Mapped[int] = mapped_column(BigInteger, default=0)
    cost: Mapped[Decimal] = mapped_column(Cost(), default=Decimal(0))
    currency: Mapped[str] = mapped_column(String(3), default="USD")
    latency_ms: Mapped[int | None] = mapped_column(Integer)
    # What the call was for, such as ("tender", its id).
    subject_type: Mapped[str | None] = mapped_column(String(64))
    subject_id: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime(), default=utc_now, sort_order=90)

    __table_args__ = (
        newest_first("llm_calls"),
        Index("ix_llm_calls_subject", "organization_id", "subject_type", "subject_id"),
        check("tokens_in", "tokens_in >= 0", field="tokens_in"),
        check("tokens_out", "tokens_out >= 0", field="tokens_out"),
        check("cost", "cost >= 0", field="cost"),
        check("currency", "length(currency) = 3", field="currency"),
        check("latency_ms", "latency_ms >= 0", field="latency_ms"),
    )
