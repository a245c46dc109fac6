"""Facts, written in the transaction that makes them true."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, literal, select, tuple_, update

from procur.db import tenancy
from procur.db.models import EventRecord
from procur.db.repositories.base import Key, Repository, read_cursor
from procur.db.types import UtcDateTime


class EventRepository(Repository[EventRecord]):
    """The outbox and the event store."""

    model = EventRecord

    def append(
        self,
        *,
        type: str,  # noqa: A002 - the column's name
        aggregate_type: str,
        aggregate_id: object,
        payload: Mapping[str, Any] | None = None,
        event_metadata: Mapping[str, Any] | None = None,
        version: int | None = None,
        correlation_id: str | None = None,
        causation_id: object = None,
        actor_type: str | None = None,
        actor_id: object = None,
        priority: int = 0,
        occurred_at: datetime | None = None,
    ) -> EventRecord:
        """Write a fact; a version that the aggregate already has is a Conflict."""
        return self.create(
            type=type,
            aggregate_type=aggregate_type,
            aggregate_id=str(aggregate_id),
            payload=dict(payload or {}),
            event_metadata=dict(event_metadata or {}),
            version=version,
            correlation_id=correlation_id,
            causation_id=None if causation_id is None else str(causation_id),
            actor_type=actor_type,
            actor_id=None if actor_id is None else str(actor_id),
            priority=priority,
            occurred_at=occurred_at or tenancy.clock_of(self.session).now(),
        )

    def since(
        self, cursor: str | None = None, limit: int = 1000, *, types: list[str] | None = None
    ) -> list[EventRecord]:
        """Return facts after a cursor (see `cursor_of`), oldest first: to read history, not to deliver it.

        Transactions may commit out of order on PostgreSQL, so a reader that remembers a cursor can miss
        a fact; deliveries go by `unpublished`.
        """
        statement = select(EventRecord)
        if types is not None:
            statement = statement.where(EventRecord.type.in_(types))
        if cursor is not None:
            moment, key = read_cursor(cursor)
            statement = statement.where(
                tuple_(EventRecord.created_at, EventRecord.id)
                > tuple_(literal(moment, UtcDateTime()), literal(key, Uuid()))
            )
        return self._all(statement.order_by(*self._oldest()).limit(limit))

    def for_aggregate(self, aggregate_type: str, aggregate_id: object) -> list[EventRecord]:
        """Return the facts about one thing, oldest first."""
        equals = {"aggregate_type": aggregate_type, "aggregate_id": str(aggregate_id)}
        statement = select(EventRecord).where(*self._equal(equals))
        return self._all(statement.order_by(EventRecord.occurred_at, *self._oldest()))

    def correlated(self, correlation_id: str) -> list[EventRecord]:
        """Return the facts of one chain of causes, oldest first."""
        statement = select(EventRecord).where(*self._equal({"correlation_id": correlation_id}))
        return self._all(statement.order_by(EventRecord.occurred_at, *self._oldest()))

    def unpublished(self, limit: int = 100) -> list[EventRecord]:
        """Return facts not handed on yet, locked so that another relay passes them by."""
        statement = (
            select(EventRecord)
            .where(EventRecord.published_at.is_(None))
            .order_by(EventRecord.priority.desc(), *self._oldest())
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return self._all(statement)

    def mark_published(self, ids: Iterable[Key]) -> int:
        """Note that these facts were handed on; return how many were not before."""
        keys: list[UUID] = [self._key(one) for one in ids]
        now = tenancy.clock_of(self.session).now()
        statement = (
            update(EventRecord)
            .where(EventRecord.id.in_(keys), EventRecord.published_at.is_(None))
            .values(published_at=now, updated_at=now)
            .execution_options(synchronize_session="fetch")
        )
        done: Any = self.session.execute(statement)
        return int(done.rowcount)
