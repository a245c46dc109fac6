"""What people ask to have bought."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Date, Index, String, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from procur.db.base import Base, SoftDelete, TenantRow, Times, belongs_to, check, newest_first, unique_live
from procur.db.types import Money, UtcDateTime, choice, json_list, json_object

REQUEST_STATUSES = (
    "draft",
    "pending",
    "sourcing",
    "negotiating",
    "awaiting_approval",
    "approved",
    "rejected",
    "contracted",
    "cancelled",
)


class RequestRecord(TenantRow, SoftDelete, Times, Base):
    """A procurement request."""

    __tablename__ = "requests"

    request_id: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[UUID] = mapped_column(Uuid())
    title: Mapped[str | None] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text)
    request_type: Mapped[str] = mapped_column(
        choice("request_type", "saas", "hardware", "services", "goods"), default="goods"
    )
    category: Mapped[str | None] = mapped_column(String(120))
    budget_min: Mapped[Decimal | None] = mapped_column(Money())
    budget_max: Mapped[Decimal | None] = mapped_column(Money())
    currency: Mapped[str] = mapped_column(String(3), default="USD")
    quantity: Mapped[int] = mapped_column(BigInteger, default=1)
    billing_cadence: Mapped[str | None] = mapped_column(String(32))
    must_haves: Mapped[list[Any]] = mapped_column(json_list(), default=list)
    nice_to_haves: Mapped[list[Any]] = mapped_column(json_list(), default=list)
    compliance_requirements: Mapped[list[Any]] = mapped_column(json_list(), default=list)
    specs: Mapped[dict[str, Any]] = mapped_column(json_object(), default=dict)
    needed_by: Mapped[date | None] = mapped_column(Date)
    department: Mapped[str | None] = mapped_column(String(120))
    cost_center: Mapped[str | None] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(choice("status", *REQUEST_STATUSES), default="draft")
    approved_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    approved_by: Mapped[UUID | None] = mapped_column(Uuid())
    awarded_offer_id: Mapped[UUID | None] = mapped_column(Uuid())
    seed: Mapped[int | None] = mapped_column(BigInteger)

    __table_args__ = (
        belongs_to("user_accounts", "user_id", of="requests"),
        belongs_to("user_accounts", "approved_by", of="requests"),
        belongs_to("offers", "awarded_offer_id", of="requests", use_alter=True),
        unique_live("requests", "request_id"),
        newest_first("requests"),
        Index("ix_requests_status", "organization_id", "status", "created_at"),
        Index("ix_requests_user_id", "organization_id", "user_id"),
        Index("ix_requests_category", "organization_id", "category"),
        check("budget_order", "budget_min <= budget_max", field="budget_max"),
        check("budget_min", "budget_min >= 0", field="budget_min"),
        check("budget_max", "budget_max >= 0", field="budget_max"),
        check("quantity", "quantity > 0", field="quantity"),
        check("currency", "length(currency) = 3", field="currency"),
    )
