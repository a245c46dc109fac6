"""A person's own messages and choices."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from procur.audit.trail import record
from procur.core.actor import Actor
from procur.core.errors import NotAllowed, NotFound
from procur.db import Session
from procur.db.models import Notification, UserAccount
from procur.db.repositories import NotificationRepository, Page, UserRepository
from procur.events.facts import NotificationsChosen
from procur.notifications.topics import TOPICS, channels_of, chosen_channels


def page(
    session: Session,
    actor: Actor,
    *,
    channel: str | None = "in_app",
    unread: bool = False,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[Notification]:
    """Return the person's messages, newest first; without a `channel` what went out to them as well."""
    equals: dict[str, Any] = {"user_id": _account(session, actor).id}
    if channel is not None:
        equals["channel"] = channel
    if unread:
        equals["read_at"] = None
    return NotificationRepository(session).page(limit=limit, cursor=cursor, **equals)


def unread(session: Session, actor: Actor) -> int:
    """Return how many messages the person has not read."""
    account = _account(session, actor)
    return NotificationRepository(session).count(user_id=account.id, channel="in_app", read_at=None)


def one(session: Session, actor: Actor, notification_id: str) -> Notification:
    """Return a message of the person's own; of others' there is none."""
    row = NotificationRepository(session).get_by_id(notification_id)
    if row is None or row.user_id != _account(session, actor).id:
        raise NotFound(f"no message {notification_id[:64]!r} of yours", field="id")
    return row


def read(session: Session, actor: Actor, ids: Iterable[str] = ()) -> int:
    """Note that the person has read these messages, or all; return how many were new to them."""
    log, wanted = NotificationRepository(session), list(ids)
    if not wanted:
        return log.mark_all_read(_account(session, actor).id)
    rows = [one(session, actor, each) for each in wanted]
    new = [row for row in rows if row.read_at is None]
    for row in new:
        log.mark_read(row.id)
    return len(new)


def choices(session: Session, actor: Actor) -> list[dict[str, Any]]:
    """Return every topic with its channels for this person, and whether they chose them."""
    account = _account(session, actor)
    own = account.preferences.get("notifications")
    chosen: Mapping[str, Any] = own if isinstance(own, Mapping) else {}
    return [
        {
            "topic": topic.name,
            "meaning": topic.meaning,
            "channels": list(channels_of(account.preferences, topic.name)),
            "chosen": topic.name in chosen,
            "mandatory": topic.mandatory,
        }
        for topic in TOPICS.values()
    ]


def choose(
    session: Session, actor: Actor, topic: str, channels: tuple[str, ...] | None, *, now: datetime
) -> list[dict[str, Any]]:
    """Choose the channels of a topic (None: the usual ones again); return all choices."""
    account = _account(session, actor, for_update=True)
    wanted = chosen_channels(
        topic, TOPICS[topic].channels if channels is None and topic in TOPICS else channels or ()
    )
    own = account.preferences.get("notifications")
    chosen = dict(own) if isinstance(own, Mapping) else {}
    if channels is None:
        chosen.pop(topic, None)
    else:
        chosen[topic] = wanted
    preferences = {**account.preferences, "notifications": chosen}
    UserRepository(session).update(account.id, preferences=preferences)
    told = None if channels is None else tuple(wanted)
    record(
        session,
        actor,
        NotificationsChosen(account.email, topic, told),
        now=now,
        description=f"{actor.name} chose how to hear of {topic}",
        category="system",
    )
    return choices(session, actor)


def _account(session: Session, actor: Actor, *, for_update: bool = False) -> UserAccount:
    if actor.user_id is None:
        raise NotAllowed("only people have messages", hint="procur notifications list --as E-MAIL")
    return UserRepository(session).get(actor.user_id, for_update=for_update)
