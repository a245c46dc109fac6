"""What goes out: the addresses that hear of facts, and every message with what became of it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Integer, String, Text, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from procur.db.base import Base, SoftDelete, TenantRow, Times, belongs_to, check, newest_first, unique_live
from procur.db.types import UtcDateTime, choice, json_list, json_object


class WebhookEndpoint(TenantRow, SoftDelete, Times, Base):
    """An address that wants to hear of facts: as signed JSON, or as a message in a Slack channel.

    `signing_key` is the HMAC key itself: signing needs it, so a hash would not do. The column has room for
    its encrypted form; until fields are encrypted, who reads the database can sign towards this one address.
    Whoever knows a Slack address can write to the channel, so the address itself is the secret there.
    """

    __tablename__ = "webhook_endpoints"

    url: Mapped[str] = mapped_column(String(2000))
    description: Mapped[str | None] = mapped_column(String(300))
    # Types of facts it wants; none means all.
    event_types: Mapped[list[str]] = mapped_column(json_list(), default=list)
    signing_key: Mapped[str] = mapped_column(String(512))
    is_active: Mapped[bool] = mapped_column(default=True)
    created_by: Mapped[UUID | None] = mapped_column(Uuid())
    kind: Mapped[str] = mapped_column(choice("kind", "json", "slack"), default="json", sort_order=93)
    # After a rotation both keys sign until this moment, so that the receiver can change over in peace.
    previous_key: Mapped[str | None] = mapped_column(String(512), sort_order=93)
    previous_key_until: Mapped[datetime | None] = mapped_column(UtcDateTime(), sort_order=93)
    # Since when nothing has got through; a success clears it.
    failing_since: Mapped[datetime | None] = mapped_column(UtcDateTime(), sort_order=93)
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime(), sort_order=93)
    disabled_reason: Mapped[str | None] = mapped_column(String(300), sort_order=93)

    __table_args__ = (
        belongs_to("user_accounts", "created_by", of="webhook_endpoints"),
        unique_live("webhook_endpoints", "url"),
        newest_first("webhook_endpoints"),
    )


class Notification(TenantRow, Times, Base):
    """A message over one channel and what became of it: all of them together are the delivery log.

    `message_id` names the message to the outside (the Message-ID of a mail) and never changes, so a retry is
    no second message. `suppressed` ones are not wanted any more; `error` says why.
    """

    __tablename__ = "notifications"

    recipient: Mapped[str] = mapped_column(String(254))
    user_id: Mapped[UUID | None] = mapped_column(Uuid())
    channel: Mapped[str] = mapped_column(choice("channel", "email", "slack", "webhook", "in_app"))
    subject: Mapped[str | None] = mapped_column(String(300))
    body: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(
        choice("state", "pending", "sent", "failed", "suppressed"), default="pending"
    )
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    message_id: Mapped[str] = mapped_column(String(255))
    error: Mapped[str | None] = mapped_column(Text)
    # What it is about: a topic that people choose channels for, or the type of the fact for endpoints.
    topic: Mapped[str | None] = mapped_column(String(120), sort_order=93)
    # Plain keys: the log outlives facts and jobs that retention removes.
    event_id: Mapped[UUID | None] = mapped_column(Uuid(), sort_order=93)
    job_id: Mapped[UUID | None] = mapped_column(Uuid(), sort_order=93)
    endpoint_id: Mapped[UUID | None] = mapped_column(Uuid(), sort_order=93)
    # The parts of the message, from which HTML and Slack's form are made.
    content: Mapped[dict[str, Any]] = mapped_column(json_object(), default=dict, sort_order=93)
    attempts: Mapped[int] = mapped_column(Integer, default=0, sort_order=93)
    # What the other side's server answered last (SMTP or HTTP).
    status_code: Mapped[int | None] = mapped_column(Integer, sort_order=93)
    last_attempt_at: Mapped[datetime | None] = mapped_column(UtcDateTime(), sort_order=93)
    next_attempt_at: Mapped[datetime | None] = mapped_column(UtcDateTime(), sort_order=93)

    __table_args__ = (
        belongs_to("user_accounts", "user_id", of="notifications"),
        belongs_to("webhook_endpoints", "endpoint_id", of="notifications"),
        UniqueConstraint("organization_id", "message_id", info={"field": "message_id"}),
        Index("ix_notifications_recipient", "organization_id", "recipient", "created_at", "id"),
        Index("ix_notifications_state", "organization_id", "state", "created_at", "id"),
        Index("ix_notifications_user_id", "organization_id", "user_id", "created_at", "id"),
        Index("ix_notifications_endpoint_id", "organization_id", "endpoint_id", "created_at", "id"),
        Index("ix_notifications_event_id", "organization_id", "event_id"),
        newest_first("notifications"),
        check("sent", "state <> 'sent' OR sent_at IS NOT NULL", field="sent_at"),
        check("attempts", "attempts >= 0", field="attempts"),
    )
