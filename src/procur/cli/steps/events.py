"""Facts: follow, show, replay, redrive."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from procur.app import handlers
from procur.cli.workspace import Workspace
from procur.core.errors import InvalidInput
from procur.db import Session
from procur.db.models import EventDelivery, EventRecord
from procur.db.repositories import EventDeliveryRepository, EventLogRepository, EventRepository
from procur.db.tenancy import as_uuid
from procur.events.groups import groups_of
from procur.events.numbering import number
from procur.events.standing import standing
from procur.workers import service

_PAGE = 500


def tail(
    workspace: Workspace,
    *,
    limit: int,
    after: int | None,
    types: tuple[str, ...],
    aggregate: str | None,
) -> dict[str, Any]:
    """Return the last facts, or those behind a position; `next` leads on from the last of them."""
    with workspace.session(read_only=True) as session:
        organization = workspace.actor(session, "events.read").organization_id
    number(workspace.database, organization)  # what no bus has given a place yet
    with workspace.session(read_only=True) as session:
        return _page(session, limit, after, types, aggregate)


def follow(
    workspace: Workspace, *, after: int, types: tuple[str, ...], aggregate: str | None
) -> Iterator[dict[str, Any] | None]:
    """Yield each fact behind a position as it is committed; None when there is none at the moment."""
    with workspace.session(read_only=True) as session:
        organization = workspace.actor(session, "events.read").organization_id
    while True:
        number(workspace.database, organization)
        with workspace.session(read_only=True) as session:
            told = _page(session, _PAGE, after, types, aggregate)
        yield from told["events"]
        if not told["events"]:
            yield None
        after = told["next"]


def show(workspace: Workspace, reference: str) -> dict[str, Any]:
    """Return one fact, by id or position, with what became of it at the groups that had trouble."""
    with workspace.session(read_only=True) as session:
        workspace.actor(session, "events.read")
        events = EventRepository(session)
        row = (
            events.find(position=int(reference)) if reference.isascii() and reference.isdigit() else None
        ) or events.get(reference)
        deliveries = EventDeliveryRepository(session).get_all(event_id=row.id)
        return {
            **_event(row),
            "metadata": dict(row.event_metadata),
            "trace": row.trace,
            "deliveries": [_delivery(one) for one in deliveries],
        }


def groups(workspace: Workspace) -> dict[str, Any]:
    """Return where every group stands in this organisation."""
    with workspace.session(read_only=True) as session:
        workspace.actor(session, "work.read")
        found = standing(session, groups_of(handlers()))
    return {
        "groups": [
            {
                "group": one.consumer,
                "behind": one.behind,
                "pending": one.pending,
                "dead": one.dead,
                "waiting_since": None if one.waiting_since is None else one.waiting_since.isoformat(),
            }
            for one in found
        ]
    }


def dead(workspace: Workspace, group: str | None, *, limit: int) -> dict[str, Any]:
    """Return the facts that groups could not take in, newest first."""
    with workspace.session(read_only=True) as session:
        actor = workspace.actor(session, "work.read")
        rows = service.dead_letters(session, actor, group=group, limit=limit)
        facts = EventRepository(session).get_many([row.event_id for row in rows])
        return {"dead": [{**_delivery(row), "event": _event(facts[row.event_id])} for row in rows]}


def redrive(workspace: Workspace, targets: tuple[str, ...]) -> dict[str, Any]:
    """Have dead letters delivered again: those with these ids, or all of one group."""
    keys = _keys(targets)
    with workspace.session() as session:
        actor, now = workspace.actor(session, "work.manage"), workspace.clock.now()
        if len(keys) == len(targets):
            return {"redriven": service.redrive(session, actor, ids=keys, groups=_groups(), now=now)}
        if len(targets) != 1:
            raise InvalidInput(
                "name one group, or the ids of dead letters", field="targets", hint="procur events dead"
            )
        return {
            "redriven": service.redrive_group(session, actor, group=targets[0], groups=_groups(), now=now)
        }


def drop(workspace: Workspace, ids: tuple[str, ...], *, reason: str) -> dict[str, Any]:
    """Give dead letters up for good."""
    keys = _keys(ids)
    if len(keys) != len(ids):
        raise InvalidInput("name dead letters by their ids", field="ids", hint="procur events dead")
    with workspace.session() as session:
        actor = workspace.actor(session, "work.manage")
        return {"dropped": service.drop(session, actor, ids=keys, reason=reason, now=workspace.clock.now())}


def replay(
    workspace: Workspace, group: str, *, position: int | None, since: datetime | None, event: str | None
) -> dict[str, Any]:
    """Let a group read again from a place on."""
    key = None if event is None else as_uuid(event)
    if event is not None and key is None:
        raise InvalidInput(f"{event[:64]!r} is not the id of a fact", field="event")
    with workspace.session() as session:
        actor, now = workspace.actor(session, "work.manage"), workspace.clock.now()
        place, facts = service.replay_group(
            session,
            actor,
            group=group,
            groups=_groups(),
            position=position,
            since=since,
            event=key,
            now=now,
        )
    return {"group": group, "position": place, "facts": facts}


def _page(
    session: Session, limit: int, after: int | None, types: tuple[str, ...], aggregate: str | None
) -> dict[str, Any]:
    events = EventRepository(session)
    wanted: dict[str, Any] = {"types": list(types) or None, "aggregate_id": aggregate}
    # Before looking: what comes meanwhile is for the next page.
    place = EventLogRepository(session).head() if after is None else after
    rows = events.latest(limit, **wanted) if after is None else events.after(after, limit, **wanted)
    return {"events": [_event(row) for row in rows], "next": (rows[-1].position if rows else place) or 0}


def _keys(given: tuple[str, ...]) -> list[UUID]:
    return [key for key in map(as_uuid, given) if key is not None]


def _groups() -> list[str]:
    return [group.name for group in groups_of(handlers())]


def _event(row: EventRecord) -> dict[str, Any]:
    return {
        "position": row.position,
        "id": str(row.id),
        "at": row.occurred_at.isoformat(),
        "type": row.type,
        "about": f"{row.aggregate_type} {row.aggregate_id}",
        "version": row.version,
        "by": row.actor_id,
        "actor_type": row.actor_type,
        "correlation_id": row.correlation_id,
        "causation_id": row.causation_id,
        "payload": dict(row.payload),
    }


def _delivery(row: EventDelivery) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "group": row.consumer,
        "state": row.state,
        "attempts": row.attempts,
        "error": row.error,
        "next_attempt_at": row.next_attempt_at.isoformat() if row.state == "pending" else None,
    }
