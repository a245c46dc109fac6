"""Who did what: a chain of rows that triggers keep from being edited or removed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, String, Text, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from procur.db.base import Base, TenantRow, utc_now
from procur.db.types import UtcDateTime, choice, json_object


class AuditLogRecord(TenantRow, Base):
    """One entry. People and subjects are named by plain values, because entries outlive them."""

    __tablename__ = "audit_logs"

    sequence: Mapped[int] = mapped_column(BigInteger)
    user_id: Mapped[str | None] = mapped_column(String(64))
    actor_type: Mapped[str] = mapped_column(choice("actor_type", "user", "system", "agent"), default="user")
    actor_id: Mapped[str | None] = mapped_column(String(200))
    action: Mapped[str] = mapped_column(String(120))
    event_category: Mapped[str] = mapped_column(
        choice("event_category", "security", "compliance", "access", "system", "general"), default="general"
    )
    severity: Mapped[str] = mapped_column(
        choice("severity", "debug", "info", "warning", "error", "critical"), default="info"
    )
    resource_type: Mapped[str | None] = mapped_column(String(64))
    resource_id: Mapped[str | None] = mapped_column(String(64))
    negotiation_session_id: Mapped[UUID | None] = mapped_column(Uuid())
    event_data: Mapped[dict[str, Any]] = mapped_column(json_object(), default=dict)
    changes: Mapped[dict[str, Any]] = mapped_column(json_object(), default=dict)
    description: Mapped[str | None] = mapped_column(Text)
    ip_address: Mapped[str | None] = mapped_column(String(64))
    user_agent: Mapped[str | None] = mapped_column(String(512))
    correlation_id: Mapped[str | None] = mapped_column(String(64))
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime(), default=utc_now, sort_order=90)

    __table_args__ = (
        UniqueConstraint("organization_id", "sequence"),
        Index("ix_audit_logs_action", "organization_id", "action", "sequence"),
        Index("ix_audit_logs_resource", "organization_id", "resource_type", "resource_id", "sequence"),
        # The trail of one thing: either index answers its half of the question.
        Index("ix_audit_logs_resource_id", "organization_id", "resource_id", "sequence"),
        Index("ix_audit_logs_correlation_id", "organization_id", "correlation_id", "sequence"),
        Index("ix_audit_logs_user_id", "organization_id", "user_id", "sequence"),
        Index("ix_audit_logs_negotiation_session_id", "organization_id", "negotiation_session_id"),
    )
