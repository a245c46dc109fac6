"""What is handed on once: facts to consumers, their inboxes, the answers to repeated requests."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, Integer, String, Text, UniqueConstraint, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from procur.db.base import Base, TenantRow, Times, belongs_to, check, newest_first
from procur.db.types import UtcDateTime, choice, json_object

_PENDING = text("state = 'pending'")


class EventDelivery(TenantRow, Times, Base):
    """One fact on its way to one consumer group; `dead` ones wait for somebody to redrive them."""

    __tablename__ = "event_deliveries"

    consumer: Mapped[str] = mapped_column(String(120))
    event_id: Mapped[UUID] = mapped_column(Uuid())
    state: Mapped[str] = mapped_column(choice("state", "pending", "done", "dead"), default="pending")
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_attempt_at: Mapped[datetime] = mapped_column(UtcDateTime())
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    error: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        belongs_to("events", "event_id", of="event_deliveries"),
        UniqueConstraint("organization_id", "consumer", "event_id", info={"field": "event_id"}),
        # A consumer drains all organisations together.
        Index(
            "ix_event_deliveries_due",
            "consumer",
            "next_attempt_at",
            postgresql_where=_PENDING,
            sqlite_where=_PENDING,
        ),
        Index("ix_event_deliveries_state", "organization_id", "state", "consumer", "created_at"),
        newest_first("event_deliveries"),
        check("attempts", "attempts >= 0", field="attempts"),
    )


class EventOffset(TenantRow, Times, Base):
    """How far a consumer has read an organisation's log; who reads on locks the row."""

    __tablename__ = "event_offsets"

    consumer: Mapped[str] = mapped_column(String(120))
    position: Mapped[int] = mapped_column(BigInteger, default=0)
    # The fact that a process was about to try when it was last heard of, how often that was noted without an
    # end, and until when the last one is left alone with it.
    trying: Mapped[int | None] = mapped_column(BigInteger)
    tries: Mapped[int] = mapped_column(Integer, default=0)
    trying_until: Mapped[datetime | None] = mapped_column(UtcDateTime())

    __table_args__ = (
        UniqueConstraint("organization_id", "consumer", info={"field": "consumer"}),
        check("position", "position >= 0", field="position"),
    )


class InboxEntry(TenantRow, Times, Base):
    """Something a consumer has taken in (a fact, a provider's webhook), so that it is not taken in twice."""

    __tablename__ = "inbox"

    consumer: Mapped[str] = mapped_column(String(120))
    # Text, because providers number their messages as they like.
    event_id: Mapped[str] = mapped_column(String(200))

    __table_args__ = (
        UniqueConstraint("organization_id", "consumer", "event_id", info={"field": "event_id"}),
        Index("ix_inbox_created_at", "organization_id", "created_at"),
    )


class IdempotencyKey(TenantRow, Times, Base):
    """A caller's name for one request, and the answer it got: asking again gives the same answer."""

    __tablename__ = "idempotency_keys"

    # What the key belongs to besides the organisation: a route, a person, or nothing.
    scope: Mapped[str] = mapped_column(String(200), default="")
    key: Mapped[str] = mapped_column(String(255))
    request_hash: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(choice("state", "in_flight", "done"), default="in_flight")
    # Who holds the key at the moment; changes when a crashed holder's key is taken over.
    claim: Mapped[UUID] = mapped_column(Uuid())
    response_status: Mapped[int | None] = mapped_column(Integer)
    response_body: Mapped[dict[str, Any] | None] = mapped_column(json_object())
    locked_until: Mapped[datetime] = mapped_column(UtcDateTime())
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime())

    __table_args__ = (
        UniqueConstraint("organization_id", "scope", "key", info={"field": "key"}),
        Index("ix_idempotency_keys_expires_at", "organization_id", "expires_at"),
        check("answered", "state <> 'done' OR response_status IS NOT NULL", field="response_status"),
        check("response_status", "response_status BETWEEN 100 AND 599", field="response_status"),
    )
