"""Who did what, and the seals that prove it: entries, what waits to be sealed, seals, head, checkpoints."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.orm import Mapped, mapped_column

from procur.db.base import Base, OfOrganization, TenantRow, check, newest_first, utc_now
from procur.db.types import UtcDateTime, choice, json_list, json_object

_HASH = String(64)  # SHA-256 in lower-case hexadecimal


class AuditLogRecord(TenantRow, Base):
    """One entry. People and subjects are named by plain values, because entries outlive them."""

    __tablename__ = "audit_logs"

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
    created_at: Mapped[datetime] = mapped_column(UtcDateTime(), default=utc_now, sort_order=90)

    __table_args__ = (
        newest_first("audit_logs"),
        Index("ix_audit_logs_action", "organization_id", "action", "created_at", "id"),
        Index(
            "ix_audit_logs_resource", "organization_id", "resource_type", "resource_id", "created_at", "id"
        ),
        # The trail of one thing: either index answers its half of the question.
        Index("ix_audit_logs_resource_id", "organization_id", "resource_id", "created_at", "id"),
        Index("ix_audit_logs_correlation_id", "organization_id", "correlation_id", "created_at", "id"),
        Index("ix_audit_logs_user_id", "organization_id", "user_id", "created_at", "id"),
        Index("ix_audit_logs_negotiation_session_id", "organization_id", "negotiation_session_id"),
    )


class AuditUnsealedRecord(OfOrganization, Base):
    """An entry that waits for its seal: written with it, taken away with the seal.

    `created_at` is the entry's, so that a long queue is walked in order without sorting it.
    """

    __tablename__ = "audit_unsealed"

    organization_id: Mapped[UUID] = mapped_column(Uuid(), primary_key=True, sort_order=-20)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime(), primary_key=True, sort_order=-19)
    id: Mapped[UUID] = mapped_column(Uuid(), primary_key=True, sort_order=-18)

    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "id"],
            ["audit_logs.organization_id", "audit_logs.id"],
            name="fk_audit_unsealed_id_audit_logs",
        ),
    )


class AuditSealRecord(OfOrganization, Base):
    """The place of an entry in the sealed trail.

    No foreign key to the entry: a seal has to outlast it, to say that it is missing.
    """

    __tablename__ = "audit_seals"

    organization_id: Mapped[UUID] = mapped_column(Uuid(), ForeignKey("organizations.id"), primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    audit_log_id: Mapped[UUID] = mapped_column(Uuid())
    # RFC 6962: SHA-256(0x00 || the entry's canonical bytes).
    leaf_hash: Mapped[str] = mapped_column(_HASH)
    # SHA-256(the chain hash before || the leaf hash).
    chain_hash: Mapped[str] = mapped_column(_HASH)
    sealed_at: Mapped[datetime] = mapped_column(UtcDateTime())

    __table_args__ = (UniqueConstraint("organization_id", "audit_log_id"),)


class AuditHeadRecord(OfOrganization, Base):
    """Where the sealed trail of an organisation ends. The sealer locks it: one at a time.

    `frontier` holds the roots of the complete subtrees, largest first: all that a Merkle tree needs to grow.
    """

    __tablename__ = "audit_heads"

    organization_id: Mapped[UUID] = mapped_column(Uuid(), ForeignKey("organizations.id"), primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    chain_hash: Mapped[str] = mapped_column(_HASH)
    frontier: Mapped[list[Any]] = mapped_column(json_list(), default=list)
    sealed_at: Mapped[datetime | None] = mapped_column(UtcDateTime())

    __table_args__ = (check("size", "size >= 0", field="size"),)


class AuditCheckpointRecord(OfOrganization, Base):
    """A signed statement that the trail had this size and this root; to be kept outside as well."""

    __tablename__ = "audit_checkpoints"

    organization_id: Mapped[UUID] = mapped_column(Uuid(), ForeignKey("organizations.id"), primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    root_hash: Mapped[str] = mapped_column(_HASH)
    chain_hash: Mapped[str] = mapped_column(_HASH)
    # Lets the next checkpoint be compared with this one without walking the trail from its beginning.
    frontier: Mapped[list[Any]] = mapped_column(json_list(), default=list)
    key_name: Mapped[str] = mapped_column(String(200))
    note: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime(), default=utc_now, sort_order=90)

    __table_args__ = (check("size", "size >= 0", field="size"),)
