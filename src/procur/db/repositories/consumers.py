"""How consumer groups read an organisation's log: offsets, the inbox, and what has to be tried again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    Select,
    String,
    Table,
    and_,
    case,
    func,
    literal,
    select,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.orm import Session

from procur.db import tenancy
from procur.db.arguments import Checked
from procur.db.models import EventDelivery, EventHead, EventOffset, EventRecord, InboxEntry, Organization
from procur.db.moments import database_time
from procur.db.repositories.base import bounded
from procur.db.repositories.upserts import insert_into
from procur.db.values import checked

_DELIVERIES: Table = EventDelivery.__table__  # type: ignore[assignment]
_EVENTS: Table = EventRecord.__table__  # type: ignore[assignment]
_HEADS: Table = EventHead.__table__  # type: ignore[assignment]
_INBOX: Table = InboxEntry.__table__  # type: ignore[assignment]
_OFFSETS: Table = EventOffset.__table__  # type: ignore[assignment]
_ORGANIZATIONS: Table = Organization.__table__  # type: ignore[assignment]
_ABOUT = (_EVENTS.c.aggregate_type, _EVENTS.c.aggregate_id)
_DELIVERED = and_(
    _EVENTS.c.organization_id == _DELIVERIES.c.organization_id, _EVENTS.c.id == _DELIVERIES.c.event_id
)

About = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Due:
    """A fact that is to be tried again: its delivery, and how often it was tried."""

    event: EventRecord
    delivery_id: UUID
    attempts: int


class ConsumerRepository(Checked):
    """What a consumer group does in one organisation. A system session may only ask where work waits."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def waiting(self, consumers: Iterable[str]) -> list[tuple[str, UUID]]:
        """Return (consumer, organisation) where facts are to be read or to be tried again now."""
        names = sorted(set(consumers))
        if not names:
            return []
        wanted = named(names)
        live = _ORGANIZATIONS.c.deleted_at.is_(None)
        fresh = (
            select(wanted.c.consumer, _HEADS.c.organization_id)
            .select_from(wanted)
            .join(_HEADS, literal(value=True))
            .join(_ORGANIZATIONS, and_(_ORGANIZATIONS.c.id == _HEADS.c.organization_id, live))
            .outerjoin(
                _OFFSETS,
                and_(
                    _OFFSETS.c.organization_id == _HEADS.c.organization_id,
                    _OFFSETS.c.consumer == wanted.c.consumer,
                ),
            )
            .where(_HEADS.c.position > func.coalesce(_OFFSETS.c.position, 0))
        )
        again = (
            select(_DELIVERIES.c.consumer, _DELIVERIES.c.organization_id)
            .join(_ORGANIZATIONS, and_(_ORGANIZATIONS.c.id == _DELIVERIES.c.organization_id, live))
            .where(_DELIVERIES.c.consumer.in_(names), *_due())
        )
        own = tenancy.organization_id(self.session)
        if own is not None:
            fresh = fresh.where(_HEADS.c.organization_id == own)
            again = again.where(_DELIVERIES.c.organization_id == own)
        return [(name, key) for name, key in self.session.execute(fresh.union(again))]

    def hold(self, consumer: str, *, from_beginning: bool = True, wait: bool = False) -> int | None:
        """Lock the consumer's offset and return it; None when another reader has it (unless we `wait`).

        A new consumer starts at the organisation's first fact; without `from_beginning` at its next one.
        """
        found = self._locked(consumer, wait=wait)
        if found is not None:
            return found
        owner, now = tenancy.required_organization_id(self.session), tenancy.clock_of(self.session).now()
        start = 0 if from_beginning else self._start(consumer, owner)
        row = {"organization_id": owner, "id": tenancy.new_id(self.session), "consumer": consumer}
        checked(EventOffset, row)
        statement = insert_into(self.session, _OFFSETS).values(
            **row, position=start, created_at=now, updated_at=now
        )
        self.session.execute(statement.on_conflict_do_nothing(index_elements=["organization_id", "consumer"]))
        return self._locked(consumer, wait=wait)

    def move(self, consumer: str, position: int) -> None:
        """Note that the consumer has read up to here; call it with the offset held."""
        owner = tenancy.required_organization_id(self.session)
        checked(EventOffset, {"position": position})
        self.session.execute(
            update(_OFFSETS)
            .where(_OFFSETS.c.organization_id == owner, _OFFSETS.c.consumer == consumer)
            .values(position=position, updated_at=tenancy.clock_of(self.session).now())
        )

    def after(self, position: int, limit: int = 200) -> list[EventRecord]:
        """Return the facts behind a position, in order."""
        statement = (
            select(EventRecord)
            .where(EventRecord.organization_id == self._owner(), EventRecord.position > position)
            .order_by(EventRecord.position)
            .limit(bounded(limit))
        )
        return list(self.session.scalars(statement))

    def ask(self) -> None:
        """Ask the database for nothing: it raises when the transaction is over."""
        self.session.execute(select(1))

    def has_pending(self, consumer: str) -> bool:
        """Say whether any fact is to be tried again, now or later."""
        return bool(
            self.session.scalar(select(select(_DELIVERIES.c.id).where(*self._pending(consumer)).exists()))
        )

    def due(self, consumer: str, limit: int = 100) -> list[Due]:
        """Return the facts that are to be tried again now, in order of position."""
        statement = (
            select(EventRecord, _DELIVERIES.c.id, _DELIVERIES.c.attempts)
            .join(_DELIVERIES, _DELIVERED)
            .where(_DELIVERIES.c.organization_id == self._owner(), _DELIVERIES.c.consumer == consumer)
            .where(*_due())
            .order_by(EventRecord.position)
            .limit(bounded(limit))
        )
        return [Due(event, key, attempts) for event, key, attempts in self.session.execute(statement)]

    def held_up(self, consumer: str, events: Sequence[EventRecord]) -> dict[About, datetime]:
        """Return which of these facts' aggregates wait for an earlier fact of theirs, and until when."""
        about = {(event.aggregate_type, event.aggregate_id) for event in events}
        if not about:
            return {}
        statement: Select[Any] = (
            select(*_ABOUT, func.max(_DELIVERIES.c.next_attempt_at))
            .join(_DELIVERIES, _DELIVERED)
            .where(*self._pending(consumer), tuple_(*_ABOUT).in_(sorted(about)))
            .group_by(*_ABOUT)
        )
        return {(kind, key): until for kind, key, until in self.session.execute(statement)}

    def taken_in(self, consumer: str, event_ids: Iterable[UUID]) -> set[UUID]:
        """Return which of these facts the consumer has taken in already."""
        names = [str(key) for key in event_ids]
        if not names:
            return set()
        statement = select(_INBOX.c.event_id).where(
            _INBOX.c.organization_id == self._owner(),
            _INBOX.c.consumer == consumer,
            _INBOX.c.event_id.in_(names),
        )
        return {UUID(name) for name in self.session.scalars(statement)}

    def take_in(self, consumer: str, event_ids: Iterable[UUID]) -> None:
        """Note that the consumer has taken these facts in: in the transaction of their effects."""
        rows = [self._new(consumer=consumer, event_id=str(key)) for key in event_ids]
        if rows:
            self._add(_INBOX, rows)

    def delivered(self, delivery_ids: Iterable[UUID]) -> None:
        """Note that what was to be tried again has been taken in."""
        keys = list(delivery_ids)
        if not keys:
            return
        now = tenancy.clock_of(self.session).now()
        done = {"state": "done", "delivered_at": now, "updated_at": now, "error": None}
        self.session.execute(
            update(_DELIVERIES)
            .where(_DELIVERIES.c.organization_id == self._owner(), _DELIVERIES.c.id.in_(keys))
            .values(**done, attempts=_DELIVERIES.c.attempts + 1)
        )

    def set_aside(self, consumer: str, event_id: UUID, *, error: str, seconds: float | None) -> None:
        """Note a failed attempt and after how many seconds comes the next; None gives up: a dead letter."""
        tried = {
            "state": "dead" if seconds is None else "pending",
            "next_attempt_at": database_time(seconds or 0.0),
            "error": error,
        }
        row = self._new(consumer=consumer, event_id=event_id, attempts=1) | tried
        statement = insert_into(self.session, _DELIVERIES).values(row)
        self.session.execute(
            statement.on_conflict_do_update(
                index_elements=["organization_id", "consumer", "event_id"],
                set_={
                    **tried,
                    "attempts": _DELIVERIES.c.attempts + 1,
                    "updated_at": tenancy.clock_of(self.session).now(),
                },
            )
        )

    def park(self, consumer: str, waiting: Mapping[UUID, datetime]) -> None:
        """Let facts wait behind an earlier one of their aggregate, until the given time."""
        rows = [
            self._new(consumer=consumer, event_id=key, attempts=0, state="pending", next_attempt_at=until)
            for key, until in waiting.items()
        ]
        if rows:
            self._add(_DELIVERIES, rows)

    def put_off(self, consumer: str, event: EventRecord) -> None:
        """Let what waits behind this fact wait as long as this fact does."""
        until = (
            select(_DELIVERIES.c.next_attempt_at)
            .where(*self._pending(consumer), _DELIVERIES.c.event_id == event.id)
            .scalar_subquery()
        )
        behind = select(_EVENTS.c.id).where(
            _EVENTS.c.organization_id == self._owner(),
            _EVENTS.c.aggregate_type == event.aggregate_type,
            _EVENTS.c.aggregate_id == event.aggregate_id,
            _EVENTS.c.position > event.position,
        )
        later = func.coalesce(until, _DELIVERIES.c.next_attempt_at)
        self.session.execute(
            update(_DELIVERIES)
            .where(*self._pending(consumer), _DELIVERIES.c.event_id.in_(behind))
            .values(
                next_attempt_at=case(
                    (_DELIVERIES.c.next_attempt_at < later, later), else_=_DELIVERIES.c.next_attempt_at
                ),
                updated_at=tenancy.clock_of(self.session).now(),
            )
        )

    # ------------------------------------------------------------------------------------------------------

    def _owner(self) -> UUID:
        return tenancy.required_organization_id(self.session)

    def _pending(self, consumer: str) -> tuple[Any, ...]:
        return (
            _DELIVERIES.c.organization_id == self._owner(),
            _DELIVERIES.c.consumer == consumer,
            _DELIVERIES.c.state == "pending",
        )

    def _locked(self, consumer: str, *, wait: bool) -> int | None:
        statement = select(_OFFSETS.c.position).where(
            _OFFSETS.c.organization_id == self._owner(), _OFFSETS.c.consumer == consumer
        )
        return self.session.scalar(statement.with_for_update(skip_locked=not wait))

    def _start(self, consumer: str, owner: UUID) -> int:
        """Return where a consumer that leaves out the past begins: at the first fact since there is one."""
        first = select(func.min(_OFFSETS.c.created_at)).where(_OFFSETS.c.consumer == consumer)
        with tenancy.across(self.session.connection()):
            began = self.session.scalar(first)
        if began is not None:
            since = select(func.min(_EVENTS.c.position)).where(
                _EVENTS.c.organization_id == owner, _EVENTS.c.created_at >= began
            )
            if found := self.session.scalar(since):
                return int(found) - 1
        head = self.session.scalar(select(_HEADS.c.position).where(_HEADS.c.organization_id == owner))
        return head or 0

    def _new(self, **row: Any) -> dict[str, Any]:
        now = tenancy.clock_of(self.session).now()
        keys = {"organization_id": self._owner(), "id": tenancy.new_id(self.session)}
        return {**keys, **row, "created_at": now, "updated_at": now}

    def _add(self, table: Table, rows: list[dict[str, Any]]) -> None:
        insert = insert_into(self.session, table).on_conflict_do_nothing(
            index_elements=["organization_id", "consumer", "event_id"]
        )
        self.session.connection().execute(insert, rows)


def named(consumers: Iterable[str]) -> CTE:
    """Return a table of one column, `consumer` (VALUES would be compiled anew each time: milliseconds)."""
    rows = [select(literal(name, String).label("consumer")) for name in consumers]
    return union_all(*rows).cte("wanted")


def _due() -> tuple[Any, Any]:
    # A subquery is asked once, so that the index of due deliveries can be used.
    now = select(database_time()).scalar_subquery()
    return _DELIVERIES.c.state == "pending", _DELIVERIES.c.next_attempt_at <= now
