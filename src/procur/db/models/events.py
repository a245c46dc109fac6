"""Facts that rooms tell one another: outbox and event store in one table."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column, synonym

from procur.db.base import Base, TenantRow, Times, utc_now
from procur.db.types import UtcDateTime, json_object


class EventRecord(TenantRow, Times, Base):
    """One fact; only `published_at` ever changes."""

    __tablename__ = "events"

    event_id = synonym("id")

    type: Mapped[str] = mapped_column(String(120))
    aggregate_type: Mapped[str] = mapped_column(String(64))
    aggregate_id: Mapped[str] = mapped_column(String(64))
    version: Mapped[int | None] = mapped_column(BigInteger)
    payload: Mapped[dict[str, Any]] = mapped_column(json_object(), default=dict)
    # "metadata" is reserved on SQLAlchemy's classes.
    event_metadata: Mapped[dict[str, Any]] = mapped_column("metadata", json_object(), default=dict)
    correlation_id: Mapped[str | None] = mapped_column(String(64))
    causation_id: Mapped[str | None] = mapped_column(String(64))
    actor_type: Mapped[str | None] = mapped_column(String(32))
    actor_id: Mapped[str | None] = mapped_column(String(200))
    priority: Mapped[int] = mapped_column(Integer, default=0)
    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime(), default=utc_now)
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime())

    __table_args__ = (
        Index("ix_events_page", "organization_id", "created_at", "id"),
        Index("ix_events_aggregate", "organization_id", "aggregate_type", "aggregate_id", "occurred_at"),
        Index("ix_events_correlation_id", "organization_id", "correlation_id"),
        Index(
            "ix_events_unpublished",
            "created_at",
            "id",
            postgresql_where=text("published_at IS NULL"),
            sqlite_where=text("published_at IS NULL"),
        ),
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
