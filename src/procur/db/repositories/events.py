"""Facts, written in the transaction that makes them true."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from procur.db import tenancy
from procur.db.models import EventRecord
from procur.db.repositories.base import Repository, bounded
from procur.db.wake import announce


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
        trace: str | None = None,
        occurred_at: datetime | None = None,
    ) -> EventRecord:
        """Write a fact, and tell who waits; a version that the aggregate already has is a Conflict."""
        announce(self.session)
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
            trace=trace,
            occurred_at=occurred_at or tenancy.clock_of(self.session).now(),
        )

    def after(
        self,
        position: int = 0,
        limit: int = 1000,
        *,
        types: list[str] | None = None,
        aggregate_id: str | None = None,
    ) -> list[EventRecord]:
        """Return the organisation's facts behind a position, in order; those just committed follow soon."""
        statement = self._numbered(types, aggregate_id).where(EventRecord.position > position)
        return self._all(statement.order_by(EventRecord.position).limit(bounded(limit)))

    def latest(
        self, limit: int = 20, *, types: list[str] | None = None, aggregate_id: str | None = None
    ) -> list[EventRecord]:
        """Return the organisation's last facts, in order."""
        statement = self._numbered(types, aggregate_id).order_by(EventRecord.position.desc())
        return self._all(statement.limit(bounded(limit)))[::-1]

    def _numbered(self, types: list[str] | None, aggregate_id: str | None) -> Select[Any]:
        owner = tenancy.required_organization_id(self.session)
        statement = select(EventRecord).where(
            EventRecord.organization_id == owner, EventRecord.position.is_not(None)
        )
        if types:
            statement = statement.where(EventRecord.type.in_(types))
        if aggregate_id is not None:
            statement = statement.where(EventRecord.aggregate_id == aggregate_id)
        return statement

    def for_aggregate(self, aggregate_type: str, aggregate_id: object) -> list[EventRecord]:
        """Return the facts about one thing, oldest first."""
        equals = {"aggregate_type": aggregate_type, "aggregate_id": str(aggregate_id)}
        statement = select(EventRecord).where(*self._equal(equals))
        return self._all(statement.order_by(EventRecord.occurred_at, *self._oldest()))

    def correlated(self, correlation_id: str) -> list[EventRecord]:
        """Return the facts of one chain of causes, oldest first."""
        statement = select(EventRecord).where(*self._equal({"correlation_id": correlation_id}))
        return self._all(statement.order_by(EventRecord.occurred_at, *self._oldest()))
