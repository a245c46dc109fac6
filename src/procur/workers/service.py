"""What people do to facts on their way: look, redrive, give up, replay; checked and on record."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from procur.audit.trail import record
from procur.core.actor import Actor
from procur.core.errors import InvalidInput, NotFound
from procur.db import Session
from procur.db.models import EventDelivery
from procur.db.repositories import EventDeliveryRepository
from procur.events.facts import DeadLettersDropped, DeadLettersRedriven, GroupReplayed
from procur.events.replay import replay

_MANAGE = "work.manage"
_MANY = 1000


def dead_letters(
    session: Session, actor: Actor, *, group: str | None = None, limit: int = 100
) -> list[EventDelivery]:
    """Return the facts that groups could not take in, newest first."""
    actor.require("work.read")
    return EventDeliveryRepository(session).dead_letters(group, limit)


def redrive_group(
    session: Session, actor: Actor, *, group: str, groups: Collection[str], now: datetime
) -> int:
    """Have all dead letters of a group, one of those that there are, delivered again; return how many."""
    actor.require(_MANAGE)
    _check_groups([group], groups)
    deliveries, total = EventDeliveryRepository(session), 0
    while rows := deliveries.dead_letters(group, _MANY):
        total += deliveries.redrive(row.id for row in rows)
        _on_record(session, actor, rows, now, reason=None)
        session.flush()
    return total


def redrive(
    session: Session, actor: Actor, *, ids: Iterable[UUID], groups: Collection[str], now: datetime
) -> int:
    """Have these dead letters (by delivery or fact) delivered again; return how many."""
    actor.require(_MANAGE)
    rows = _found(session, ids)
    _check_groups([row.consumer for row in rows], groups)
    total = EventDeliveryRepository(session).redrive(row.id for row in rows)
    _on_record(session, actor, rows, now, reason=None)
    return total


def drop(session: Session, actor: Actor, *, ids: Iterable[UUID], reason: str, now: datetime) -> int:
    """Give these dead letters (by delivery or fact) up for good; return how many."""
    actor.require(_MANAGE)
    if not reason.strip():
        raise InvalidInput("say why they are given up", field="reason")
    rows = _found(session, ids)
    total = EventDeliveryRepository(session).drop([row.id for row in rows], reason=reason)
    _on_record(session, actor, rows, now, reason=reason)
    return total


def replay_group(
    session: Session,
    actor: Actor,
    *,
    group: str,
    groups: Collection[str],
    now: datetime,
    position: int | None = None,
    since: datetime | None = None,
    event: UUID | None = None,
) -> tuple[int, int]:
    """Let a group read again from a place, moment or fact on; return the place and how many facts follow."""
    actor.require(_MANAGE)
    _check_groups([group], groups)
    place, number = replay(session, group, position=position, since=since, event=event)
    record(
        session,
        actor,
        GroupReplayed(group, place, number),
        now=now,
        description=f"{group} reads {number} facts again, from position {place}",
        category="system",
    )
    return place, number


def _check_groups(asked: Iterable[str], groups: Collection[str]) -> None:
    """Refuse groups that no handler is in (any more): nobody would take their facts."""
    for group in asked:
        if group not in groups:
            names = ", ".join(sorted(groups))
            raise NotFound(f"no handler is in a group {group[:64]!r}", field="group", hint=f"groups: {names}")


def _found(session: Session, ids: Iterable[UUID]) -> list[EventDelivery]:
    """Return the dead letters with these ids, or about the facts with these ids; every one must be known."""
    deliveries, rows = EventDeliveryRepository(session), []
    for key in dict.fromkeys(ids):
        own = deliveries.get_all(limit=_MANY, state="dead", id=key)
        about = deliveries.get_all(limit=_MANY, state="dead", event_id=key)
        if not own and not about:
            raise NotFound(f"no dead letter {str(key)!r}", field="id", hint="procur events dead")
        rows += [*own, *about]
    return rows


def _on_record(
    session: Session, actor: Actor, rows: Sequence[EventDelivery], now: datetime, *, reason: str | None
) -> None:
    by_group: dict[str, list[str]] = {}
    for row in rows:
        by_group.setdefault(row.consumer, []).append(str(row.event_id))
    for group, events in sorted(by_group.items()):
        fact: DeadLettersRedriven | DeadLettersDropped = DeadLettersRedriven(group, tuple(events))
        description = f"{len(events)} dead letters of {group} are delivered again"
        if reason is not None:
            fact = DeadLettersDropped(group, tuple(events), reason)
            description = f"{len(events)} dead letters of {group} are given up: {reason}"
        record(session, actor, fact, now=now, description=description, category="system")
