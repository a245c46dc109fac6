"""Facts become messages: to people over the channels they chose, to endpoints that want to hear them."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from procur.db import Session
from procur.db.models import Notification, UserAccount, WebhookEndpoint
from procur.db.repositories import NotificationRepository, OrganizationRepository, WebhookRepository
from procur.db.tenancy import clock_of, new_id
from procur.events.event import Event
from procur.events.handlers import on
from procur.notifications.channels.addresses import masked
from procur.notifications.kinds import SEND, SendNotification
from procur.notifications.messages import Message, switched_off
from procur.notifications.readers import CHANNEL, Reader
from procur.notifications.render import as_text
from procur.notifications.telling import TELL, Told, told_of
from procur.notifications.topics import channels_of

# Whoever starts listening late (a replay, a new installation of the workers) does not get old news.
STALE = timedelta(days=3)
# Our limits. An endpoint that asks for everything is not told them; one that names the fact is.
LIMITS = frozenset({"budget_max", "max_total", "max_yearly", "max_unit_price"})


@on(group="notifications")
def tell_people(session: Session, event: Event) -> None:
    """Write a message per person and channel, and ask for sending those that leave the house."""
    if event.type not in TELL or clock_of(session).now() - event.occurred_at > STALE:
        return
    told = told_of(session, event)
    if told is not None:
        send_all(session, list(_to_people(event, told)))


@on(group="webhooks")
def tell_endpoints(session: Session, event: Event) -> None:
    """Write a delivery per endpoint that wants the fact, and ask for it; those that are off can replay it."""
    wanting = [
        endpoint
        for endpoint in WebhookRepository(session).wanting(event.type)
        if event.occurred_at >= endpoint.created_at
    ]
    slack = [endpoint for endpoint in wanting if endpoint.kind == "slack"]
    told = told_of(session, event) if slack else None
    deliveries = [_to_slack(event, endpoint, told) for endpoint in slack if told is not None]
    if len(slack) < len(wanting):
        company = OrganizationRepository(session).own().slug
        deliveries += [_to_web(event, each, company) for each in wanting if each.kind == "json"]
    send_all(session, deliveries)


def send_all(session: Session, messages: list[dict[str, Any]]) -> list[Notification]:
    """Write messages that are new and ask for sending them; return them."""
    new = NotificationRepository(session).queue_all(messages)
    SEND.ask_all(session, {sending(row): SendNotification(row.id) for row in new if row.state == "pending"})
    return new


def send_again(session: Session, rows: Iterable[Notification]) -> list[Notification]:
    """Let messages that are finished be sent once more, with all their attempts; return them."""
    again = NotificationRepository(session).again([row.id for row in rows])
    asked = new_id(session)
    SEND.ask_all(session, {f"{row.id}:{asked}": SendNotification(row.id) for row in again})
    return again


def sending(row: Notification) -> str:
    """Return the dedupe key of the job that sends a message for the first time."""
    return f"{row.id}:0"


def message_id(event_id: object, channel: str, to: object) -> str:
    """Return the one name of a message about a fact over a channel to somebody."""
    digest = hashlib.sha256(f"{event_id} {channel} {to}".encode()).hexdigest()
    return f"{digest[:40]}@procur.notifications"


def fact_body(event: Event, company: str, *, limits: bool = True) -> str:
    """Return a fact as endpoints get it; `limits` says whether ours are told."""
    data = {name: value for name, value in event.payload.items() if limits or name not in LIMITS}
    return json.dumps(
        {
            "id": str(event.id),
            "type": event.type,
            "occurred_at": event.occurred_at.isoformat(),
            "organization": company,
            "subject": {"type": event.aggregate_type, "id": event.aggregate_id},
            "data": data,
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _to_people(event: Event, told: Told) -> Iterator[dict[str, Any]]:
    for person in told.people:
        if event.actor_type == "user" and event.actor_id == person.email:
            continue  # who has done it knows
        message = told.write(Reader(person.role))
        for channel in channels_of(person.preferences, told.topic):
            yield _row(event, told.topic, message) | _addressed(event, person, channel)


def _addressed(event: Event, person: UserAccount, channel: str) -> dict[str, Any]:
    return {
        "recipient": person.email,
        "user_id": person.id,
        "channel": channel,
        "state": "sent" if channel == "in_app" else "pending",
        "message_id": message_id(event.id, channel, person.id),
    }


def _to_slack(event: Event, endpoint: WebhookEndpoint, told: Told) -> dict[str, Any]:
    return _row(event, event.type, told.write(CHANNEL)) | _to_endpoint(event, endpoint, "slack")


def _to_web(event: Event, endpoint: WebhookEndpoint, company: str) -> dict[str, Any]:
    body = fact_body(event, company, limits=event.type in endpoint.event_types)
    row = {"topic": event.type, "event_id": event.id, "subject": event.type, "body": body}
    return row | _to_endpoint(event, endpoint, "webhook")


def _to_endpoint(event: Event, endpoint: WebhookEndpoint, channel: str) -> dict[str, Any]:
    return {
        "state": "pending" if endpoint.is_active else "suppressed",
        "error": None if endpoint.is_active else switched_off(endpoint.disabled_reason),
        "recipient": masked(endpoint.url),
        "endpoint_id": endpoint.id,
        "channel": channel,
        "message_id": message_id(event.id, channel, endpoint.id),
    }


def _row(event: Event, topic: str, message: Message) -> dict[str, Any]:
    return {
        "topic": topic,
        "event_id": event.id,
        "subject": message.title,
        "body": as_text(message),
        "content": message.as_json(),
    }
