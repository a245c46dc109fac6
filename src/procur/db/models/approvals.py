"""What the company allows, and who said yes."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Integer, String, Text, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from procur.db.base import Base, SoftDelete, TenantRow, Times, belongs_to, check, newest_first
from procur.db.types import Money, UtcDateTime, choice, json_object


class PolicyConfigRecord(TenantRow, SoftDelete, Times, Base):
    """One version of one policy."""

    __tablename__ = "policy_configs"

    policy_name: Mapped[str] = mapped_column(String(120))
    policy_type: Mapped[str] = mapped_column(String(64))
    policy_data: Mapped[dict[str, Any]] = mapped_column(json_object(), default=dict)
    version: Mapped[int] = mapped_column(Integer, default=1)
    priority: Mapped[int] = mapped_column(Integer, default=0)
    is_active: Mapped[bool] = mapped_column(default=True)
    description: Mapped[str | None] = mapped_column(Text)
    created_by: Mapped[UUID | None] = mapped_column(Uuid())

    __table_args__ = (
        belongs_to("user_accounts", "created_by", of="policy_configs"),
        # Versions are never reused, so deleted ones count too.
        UniqueConstraint("organization_id", "policy_name", "version", info={"field": "version"}),
        Index("ix_policy_configs_policy_type", "organization_id", "policy_type", "is_active"),
        newest_first("policy_configs"),
        check("version", "version > 0", field="version"),
    )


class ApprovalRecord(TenantRow, Times, Base):
    """One decision that a policy asks of a person."""

    __tablename__ = "approvals"

    subject_type: Mapped[str] = mapped_column(String(64))
    subject_id: Mapped[str] = mapped_column(String(64))
    step: Mapped[int] = mapped_column(Integer, default=1)
    required_role: Mapped[str | None] = mapped_column(String(64))
    required_permission: Mapped[str | None] = mapped_column(String(120))
    required_person_id: Mapped[UUID | None] = mapped_column(Uuid())
    requester_id: Mapped[UUID | None] = mapped_column(Uuid())
    amount: Mapped[Decimal | None] = mapped_column(Money())
    currency: Mapped[str | None] = mapped_column(String(3))
    decision: Mapped[str] = mapped_column(
        choice("decision", "pending", "approved", "rejected", "delegated", "expired"), default="pending"
    )
    decided_by: Mapped[UUID | None] = mapped_column(Uuid())
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    reason: Mapped[str | None] = mapped_column(Text)
    policy_trace: Mapped[dict[str, Any]] = mapped_column(json_object(), default=dict)

    __table_args__ = (
        belongs_to("user_accounts", "required_person_id", of="approvals"),
        belongs_to("user_accounts", "requester_id", of="approvals"),
        belongs_to("user_accounts", "decided_by", of="approvals"),
        Index("ix_approvals_subject", "organization_id", "subject_type", "subject_id", "step"),
        Index("ix_approvals_decision", "organization_id", "decision", "created_at"),
        newest_first("approvals"),
        check("own_request", "decided_by <> requester_id", field="decided_by"),
        check("step", "step > 0", field="step"),
        check(
            "decided_by_somebody",
            "decision NOT IN ('approved', 'rejected') OR decided_by IS NOT NULL",
            field="decided_by",
        ),
    )
