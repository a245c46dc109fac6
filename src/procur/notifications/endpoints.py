"""What administrators do to webhooks and Slack channels: permitted, audited, told."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

from procur.audit.trail import record
from procur.core.actor import Actor
from procur.core.errors import Conflict, InvalidInput
from procur.db import Session
from procur.db.models import Notification, WebhookEndpoint
from procur.db.repositories import NotificationRepository, OrganizationRepository, WebhookRepository
from procur.db.tenancy import new_id
from procur.events import facts
from procur.events.facts import Fact
from procur.notifications.channels.addresses import masked
from procur.notifications.handlers import message_id, send_again, send_all
from procur.notifications.messages import Message, tidy
from procur.notifications.render import as_text
from procur.notifications.telling import TELL

MANAGE = "webhook.manage"
GRACE = timedelta(hours=24)  # in which a rotated key still signs
PING = "Ping"
MOST_AT_ONCE = 1000
UNSENT = ("failed", "suppressed")
_SLACK = ("hooks.slack.com", "hooks.slack-gov.com")


def fact_types() -> list[str]:
    """Return the names of all facts that endpoints can hear of."""
    return sorted(
        name
        for name, kind in vars(facts).items()
        if isinstance(kind, type) and issubclass(kind, Fact) and kind is not Fact
    )


def add(
    session: Session,
    actor: Actor,
    *,
    url: str,
    kind: str,
    event_types: Sequence[str],
    description: str | None,
    now: datetime,
) -> tuple[WebhookEndpoint, str]:
    """Let an address hear of facts from now on; return it and its signing key, which is shown once."""
    actor.require(MANAGE)
    if kind == "json" and urlsplit(url).hostname in _SLACK:
        raise InvalidInput(
            "this is an address of Slack, which takes messages only and is a secret",
            field="url",
            hint="add it with --slack",
        )
    known = fact_types() if kind == "json" else sorted(TELL)
    for name in event_types:
        if name not in known:
            raise InvalidInput(
                f"there is no fact {name[:60]!r} to tell this kind of endpoint",
                field="event_types",
                hint=", ".join(known),
            )
    row, key = WebhookRepository(session).add(
        url, event_types, kind=kind, description=description, created_by=actor.user_id
    )
    told = facts.WebhookAdded(str(row.id), address(row), row.kind, tuple(row.event_types))
    _record(session, actor, told, now, f"The webhook {address(row)} was added")
    return row, key


def rotate(
    session: Session, actor: Actor, endpoint_id: str, *, grace: timedelta = GRACE, now: datetime
) -> tuple[WebhookEndpoint, str]:
    """Give an endpoint a new signing key, which is shown once; the old one signs beside it for `grace`."""
    actor.require(MANAGE)
    until = now + grace if grace else None
    key = WebhookRepository(session).rotate_key(endpoint_id, until=until)
    row = WebhookRepository(session).get(endpoint_id)
    told = facts.WebhookKeyRotated(str(row.id), address(row), None if until is None else until.isoformat())
    _record(session, actor, told, now, f"The webhook {address(row)} has a new signing key")
    return row, key


def disable(
    session: Session, actor: Actor, endpoint_id: str, *, reason: str, now: datetime
) -> WebhookEndpoint:
    """Stop telling an endpoint anything; what is on its way to it is not sent any more."""
    actor.require(MANAGE)
    why = tidy(reason, 300)
    if not WebhookRepository(session).switch_off(endpoint_id, why):
        raise Conflict("this webhook is switched off already", field="webhook")
    row = WebhookRepository(session).get(endpoint_id)
    told = facts.WebhookDisabled(str(row.id), address(row), why)
    _record(session, actor, told, now, f"The webhook {address(row)} was switched off: {why}")
    return row


def enable(session: Session, actor: Actor, endpoint_id: str, *, now: datetime) -> WebhookEndpoint:
    """Tell an endpoint again what it wants to hear, from now on."""
    actor.require(MANAGE)
    if not WebhookRepository(session).switch_on(endpoint_id):
        raise Conflict("this webhook is on already", field="webhook")
    row = WebhookRepository(session).get(endpoint_id)
    told = facts.WebhookEnabled(str(row.id), address(row))
    _record(session, actor, told, now, f"The webhook {address(row)} is on again")
    return row


def remove(session: Session, actor: Actor, endpoint_id: str, *, now: datetime) -> WebhookEndpoint:
    """Forget an endpoint; its deliveries stay readable."""
    actor.require(MANAGE)
    row = WebhookRepository(session).get(endpoint_id)
    WebhookRepository(session).soft_delete(row.id)
    told = facts.WebhookRemoved(str(row.id), address(row))
    _record(session, actor, told, now, f"The webhook {address(row)} was removed")
    return row


def replay(
    session: Session,
    actor: Actor,
    endpoint_id: str,
    *,
    deliveries: Iterable[str] = (),
    since: datetime | None = None,
    everything: bool = False,
    now: datetime,
) -> list[Notification]:
    """Deliver once more, under the same event ids: the named deliveries, or what did not get through.

    With `everything` also what did get through; with `since` only what was written from then on. At most a
    thousand at once.
    """
    actor.require(MANAGE)
    row = WebhookRepository(session).get(endpoint_id)
    if not row.is_active:
        raise Conflict(
            "this webhook is switched off", field="webhook", hint=f"procur webhooks enable {row.id}"
        )
    log = NotificationRepository(session)
    states = ("sent", *UNSENT) if everything else UNSENT
    wanted = set(map(str, deliveries))
    found = (
        [each for each in log.get_many(wanted).values() if each.endpoint_id == row.id]
        if wanted
        else log.in_states(states, since=since, limit=MOST_AT_ONCE, endpoint_id=row.id)
    )
    if len(wanted) > len(found):
        missing = sorted(wanted - {str(each.id) for each in found})
        raise InvalidInput(f"no delivery {missing[0][:60]!r} of this webhook", field="deliveries")
    again = send_again(session, found)
    if again:
        told = facts.WebhookReplayed(str(row.id), address(row), len(again))
        _record(session, actor, told, now, f"{len(again)} deliveries to {address(row)} are made once more")
    return again


def ping(session: Session, actor: Actor, endpoint_id: str, *, now: datetime) -> Notification:
    """Ask for a delivery that tells nothing but that deliveries work; return it."""
    actor.require(MANAGE)
    row = WebhookRepository(session).get(endpoint_id)
    if not row.is_active:
        raise Conflict(
            "this webhook is switched off", field="webhook", hint=f"procur webhooks enable {row.id}"
        )
    key = new_id(session)
    message = Message("Procur can reach this address", (f"{actor.name} has asked for this test.",))
    slack = row.kind == "slack"
    return send_all(
        session,
        [
            {
                "recipient": address(row),
                "endpoint_id": row.id,
                "channel": "slack" if slack else "webhook",
                "message_id": message_id(key, "ping", row.id),
                "topic": PING,
                "event_id": key,
                "subject": PING,
                "body": as_text(message) if slack else _ping_body(session, row, key, now),
                "content": message.as_json(),
            }
        ],
    )[0]


def address(row: WebhookEndpoint) -> str:
    """Return an endpoint's address as it may be shown."""
    return masked(row.url)


def _ping_body(session: Session, row: WebhookEndpoint, key: UUID, now: datetime) -> str:
    return json.dumps(
        {
            "id": str(key),
            "type": PING,
            "occurred_at": now.isoformat(),
            "organization": OrganizationRepository(session).own().slug,
            "subject": {"type": "webhook", "id": str(row.id)},
            "data": {},
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _record(session: Session, actor: Actor, fact: Fact, now: datetime, description: str) -> None:
    record(session, actor, fact, now=now, description=description, category="system")
