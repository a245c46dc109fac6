"""Facts that rooms tell one another: outbox and event store in one table, and how far it is numbered."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column, synonym

from procur.db.base import Base, OfOrganization, TenantRow, Times, check, utc_now
from procur.db.types import UtcDateTime, json_object


class EventRecord(TenantRow, Times, Base):
    """One fact. Its place in the organisation's log is given after the commit; nothing else ever changes.

    Transactions end in another order than they begin, so a reader that goes by ids or times misses facts.
    `position` is given, in one row of increasing numbers per organisation, to facts that are committed.
    """

    __tablename__ = "events"

    event_id = synonym("id")

    type: Mapped[str] = mapped_column(String(120))
    aggregate_type: Mapped[str] = mapped_column(String(64))
    aggregate_id: Mapped[str] = mapped_column(String(64))
    # Counts the facts of one aggregate from 1; given with the position unless the writer gave it.
    version: Mapped[int | None] = mapped_column(BigInteger)
    position: Mapped[int | None] = mapped_column(BigInteger, sort_order=93)
    payload: Mapped[dict[str, Any]] = mapped_column(json_object(), default=dict)
    # "metadata" is reserved on SQLAlchemy's classes.
    event_metadata: Mapped[dict[str, Any]] = mapped_column("metadata", json_object(), default=dict)
    correlation_id: Mapped[str | None] = mapped_column(String(64))
    causation_id: Mapped[str | None] = mapped_column(String(64))
    actor_type: Mapped[str | None] = mapped_column(String(32))
    actor_id: Mapped[str | None] = mapped_column(String(200))
    priority: Mapped[int] = mapped_column(Integer, default=0)
    trace: Mapped[str | None] = mapped_column(String(64), sort_order=93)
    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime(), default=utc_now)
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime())

    __table_args__ = (
        Index("ix_events_page", "organization_id", "created_at", "id"),
        Index("ix_events_aggregate", "organization_id", "aggregate_type", "aggregate_id", "occurred_at"),
        Index("ix_events_correlation_id", "organization_id", "correlation_id"),
        # What waits for its place, organisation by organisation.
        Index(
            "ix_events_unnumbered",
            "organization_id",
            "created_at",
            "id",
            postgresql_where=text("position IS NULL"),
            sqlite_where=text("position IS NULL"),
        ),
        Index("uq_events_position", "organization_id", "position", unique=True, info={"field": "position"}),
        Index(
            "uq_events_version",
            "organization_id",
            "aggregate_type",
            "aggregate_id",
            "version",
            unique=True,
            info={"field": "version"},
        ),
    )


class EventHead(OfOrganization, Base):
    """How far an organisation's log is numbered. Whoever numbers locks it: one at a time."""

    __tablename__ = "event_heads"

    organization_id: Mapped[UUID] = mapped_column(Uuid(), ForeignKey("organizations.id"), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, default=0)

    __table_args__ = (check("position", "position >= 0", field="position"),)
