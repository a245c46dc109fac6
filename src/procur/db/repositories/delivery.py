"""Facts on their way to consumer groups: each once per group, retried, set aside when nothing helps."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Table, and_, func, select, update

from procur.core.errors import Conflict, NotFound
from procur.db import tenancy
from procur.db.models import EventDelivery, EventOffset, EventRecord, InboxEntry
from procur.db.moments import database_time
from procur.db.repositories.base import Key, Repository, bounded
from procur.db.repositories.upserts import insert_into
from procur.db.values import checked

_DELIVERIES: Table = EventDelivery.__table__  # type: ignore[assignment]
_INBOX: Table = InboxEntry.__table__  # type: ignore[assignment]
_OFFSETS: Table = EventOffset.__table__  # type: ignore[assignment]
_BATCH = 500


class EventDeliveryRepository(Repository[EventDelivery]):
    """What each consumer group has yet to get, has got, or could not take."""

    model = EventDelivery

    def ensure(self, consumer: str, event_ids: Iterable[Key]) -> int:
        """Put facts on their way to a consumer; those that are there already stay as they are.

        Returns how many were new. An unknown fact is NotFound, and nothing is written.
        """
        checked(EventDelivery, {"consumer": consumer})
        keys = list(dict.fromkeys(self._key(one) for one in event_ids))
        self.session.flush()
        owners = self._owners(keys)
        now = tenancy.clock_of(self.session).now()
        plain = {"consumer": consumer, "state": "pending", "attempts": 0, "next_attempt_at": now}
        plain |= {"created_at": now, "updated_at": now}
        created = 0
        for start in range(0, len(keys), _BATCH):
            rows = [
                {"organization_id": owners[key], "id": tenancy.new_id(self.session), "event_id": key, **plain}
                for key in keys[start : start + _BATCH]
            ]
            insert = insert_into(self.session, _DELIVERIES).values(rows)
            statement = insert.on_conflict_do_nothing(
                index_elements=["organization_id", "consumer", "event_id"]
            ).returning(_DELIVERIES.c.id)
            created += len(self.session.execute(statement).all())
        return created

    def due(self, consumer: str, now: datetime, limit: int = 100) -> list[EventDelivery]:
        """Return what is to be tried now, longest waiting first, locked past other workers."""
        moment = checked(EventDelivery, {"next_attempt_at": now})["next_attempt_at"]
        statement = (
            select(EventDelivery)
            .where(
                *self._equal({"consumer": consumer, "state": "pending"}),
                EventDelivery.next_attempt_at <= moment,
            )
            .order_by(EventDelivery.next_attempt_at, EventDelivery.id)
            .limit(bounded(limit))
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        )
        return self._all(statement)

    def done(self, ids: Iterable[Key]) -> int:
        """Note that these were taken; return how many were not before."""
        keys = [self._key(one) for one in ids]
        now = tenancy.clock_of(self.session).now()
        values = {"state": "done", "delivered_at": now, "error": None, "attempts": EventDelivery.attempts + 1}
        return self._set([EventDelivery.id.in_(keys), EventDelivery.state == "pending"], values)

    def failed(self, id: Key, *, error: str, next_attempt_at: datetime | None) -> EventDelivery:  # noqa: A002
        """Note a failed attempt and when to try again; None gives up: the delivery is dead."""
        values = checked(EventDelivery, {"error": error})
        values["attempts"] = EventDelivery.attempts + 1
        if next_attempt_at is None:
            values["state"] = "dead"
        else:
            values |= checked(EventDelivery, {"next_attempt_at": next_attempt_at})
        changed = self._set([EventDelivery.id == self._key(id), EventDelivery.state == "pending"], values)
        row = self._fresh(id)
        if changed != 1:
            raise Conflict(f"this delivery is {row.state}", field="state", details={"state": row.state})
        return row

    def dead_letters(self, consumer: str | None = None, limit: int = 100) -> list[EventDelivery]:
        """Return what could not be delivered, newest first."""
        equals = {"state": "dead"} if consumer is None else {"state": "dead", "consumer": consumer}
        statement = select(EventDelivery).where(*self._equal(equals)).order_by(*self._newest())
        return self._all(statement.limit(bounded(limit)))

    def redrive(self, ids: Iterable[Key]) -> int:
        """Put dead letters on their way again with all their attempts; return how many.

        One behind an earlier fact of its aggregate that waits for its next try waits as long.
        """
        keys = [self._key(one) for one in ids]
        self._hold_offsets(keys)
        values = {
            "state": "pending",
            "attempts": 0,
            "next_attempt_at": func.coalesce(_until(), database_time()),
        }
        return self._set([EventDelivery.id.in_(keys), EventDelivery.state == "dead"], values)

    def drop(self, ids: Iterable[Key], *, reason: str) -> int:
        """Give dead letters up for good, and note why; return how many."""
        keys = [self._key(one) for one in ids]
        values = {"state": "done", **checked(EventDelivery, {"error": f"dropped: {reason}"})}
        return self._set([EventDelivery.id.in_(keys), EventDelivery.state == "dead"], values)

    def counts(self, consumer: str) -> dict[str, int]:
        """Return how many of a consumer's deliveries are in each state; every state has an entry."""
        statement = select(EventDelivery.state, func.count()).group_by(EventDelivery.state)
        statement = statement.where(*self._equal({"consumer": consumer}))
        return {"pending": 0, "done": 0, "dead": 0} | {
            str(state): number for state, number in self.session.execute(statement)
        }

    def _hold_offsets(self, keys: Sequence[UUID]) -> None:
        """Keep the readers of these deliveries' groups from setting facts aside meanwhile."""
        groups = select(EventDelivery.consumer).where(*self._equal({}), EventDelivery.id.in_(keys))
        held = select(EventOffset.id).where(
            EventOffset.organization_id == tenancy.required_organization_id(self.session),
            EventOffset.consumer.in_(groups),
        )
        self.session.execute(held.order_by(EventOffset.consumer).with_for_update())

    def _owners(self, keys: Sequence[UUID]) -> dict[UUID, UUID]:
        found: dict[UUID, UUID] = {}
        for start in range(0, len(keys), _BATCH):
            columns = select(EventRecord.id, EventRecord.organization_id)
            rows = self.session.execute(columns.where(EventRecord.id.in_(keys[start : start + _BATCH])))
            found.update((key, owner) for key, owner in rows)
        for key in keys:
            if key not in found:
                raise NotFound(f"no Event {str(key)!r}", field="event_ids")
        return found

    def _set(self, which: list[Any], values: dict[str, Any]) -> int:
        now = tenancy.clock_of(self.session).now()
        statement = (
            update(EventDelivery)
            .where(*which)
            .values(**values, updated_at=now)
            .execution_options(synchronize_session="fetch")
        )
        changed: Any = self.session.execute(statement)
        return int(changed.rowcount)


def _until() -> Any:
    """Return when the earlier facts of a dead letter's aggregate are tried again, null if none is."""
    own, earlier, before = EventRecord.__table__.alias(), EventRecord.__table__.alias(), _DELIVERIES.alias()
    return (
        select(func.max(before.c.next_attempt_at))
        .select_from(own)
        .join(
            earlier,
            and_(
                earlier.c.organization_id == own.c.organization_id,
                earlier.c.aggregate_type == own.c.aggregate_type,
                earlier.c.aggregate_id == own.c.aggregate_id,
                earlier.c.position < own.c.position,
            ),
        )
        .join(
            before,
            and_(
                before.c.organization_id == earlier.c.organization_id,
                before.c.event_id == earlier.c.id,
                before.c.consumer == _DELIVERIES.c.consumer,
                before.c.state == "pending",
            ),
        )
        .where(own.c.organization_id == _DELIVERIES.c.organization_id, own.c.id == _DELIVERIES.c.event_id)
        .correlate(_DELIVERIES)
        .scalar_subquery()
    )


class InboxRepository(Repository[InboxEntry]):
    """What consumers have taken in, from us or from outside."""

    model = InboxEntry

    def take_in(self, consumer: str, event_id: object) -> bool:
        """Say whether the consumer sees this for the first time; call it in the transaction of the effect."""
        row = self._prepared({"consumer": consumer, "event_id": str(event_id)})
        now = tenancy.clock_of(self.session).now()
        insert = insert_into(self.session, _INBOX).values(**row, created_at=now, updated_at=now)
        statement = insert.on_conflict_do_nothing(
            index_elements=["organization_id", "consumer", "event_id"]
        ).returning(_INBOX.c.id)
        return self.session.execute(statement).scalar() is not None

    def forget_before(self, moment: datetime) -> int:
        """Remove entries older than this; return how many."""
        return self._remove_before(moment)


class EventOffsetRepository(Repository[EventOffset]):
    """How far each consumer has read the organisation's facts."""

    model = EventOffset

    def position(self, consumer: str) -> int | None:
        """Return where the consumer goes on, None at the beginning."""
        row = self.find(consumer=consumer)
        return None if row is None else self._fresh(row.id).position

    def move(self, consumer: str, to: int, *, expected: int | None) -> None:
        """Move a consumer on from where it is expected; Conflict when another reader moved it meanwhile."""
        row = self._prepared({"consumer": consumer, "position": to})
        now = tenancy.clock_of(self.session).now()
        insert = insert_into(self.session, _OFFSETS).values(**row, created_at=now, updated_at=now)
        keys = ["organization_id", "consumer"]
        statement = (
            insert.on_conflict_do_nothing(index_elements=keys)
            if expected is None
            else insert.on_conflict_do_update(
                index_elements=keys,
                set_={"position": to, "updated_at": now},
                where=_OFFSETS.c.position == expected,
            )
        )
        if self.session.execute(statement.returning(_OFFSETS.c.id)).scalar() is None:
            raise Conflict("another reader has moved this consumer", field="position")
