"""What a monitor wants to know of all work and all facts together: numbers and ages, no names of tenants."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, String, Table, and_, case, column, func, select, values
from sqlalchemy.orm import Session

from procur.core.errors import NotAllowed
from procur.db import tenancy
from procur.db.arguments import Checked
from procur.db.models import (
    AuditUnsealedRecord,
    EventDelivery,
    EventHead,
    EventOffset,
    EventRecord,
    JobRecord,
    Organization,
)
from procur.db.moments import database_time

_JOBS: Table = JobRecord.__table__  # type: ignore[assignment]
_EVENTS: Table = EventRecord.__table__  # type: ignore[assignment]
_HEADS: Table = EventHead.__table__  # type: ignore[assignment]
_OFFSETS: Table = EventOffset.__table__  # type: ignore[assignment]
_DELIVERIES: Table = EventDelivery.__table__  # type: ignore[assignment]
_ORGANIZATIONS: Table = Organization.__table__  # type: ignore[assignment]
_UNSEALED: Table = AuditUnsealedRecord.__table__  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """One queue: jobs waiting for their time or a worker, those due, the age of the oldest of these (s)."""

    queue: str
    ready: int = 0
    due: int = 0
    oldest: float = 0.0
    running: int = 0
    expired: int = 0


@dataclass(frozen=True, slots=True)
class GroupFigures:
    """One consumer group: facts it has not read, the age of the oldest of these in seconds, dead letters."""

    group: str
    facts: int = 0
    seconds: float = 0.0
    dead: int = 0


class FigureRepository(Checked):
    """Counts over all organisations that are not deleted, so it needs a system session; a statement each.

    Nobody works for those that are: what they left would be counted for ever.
    """

    def __init__(self, session: Session) -> None:
        if not tenancy.crosses_organizations(session):
            raise NotAllowed("these figures are of all organisations", hint="system_session()")
        self.session = session

    def queues(self) -> list[QueueFigures]:
        """Return every queue that has jobs which are ready or running, by name."""
        now = database_time()
        ready, running = _JOBS.c.state == "ready", _JOBS.c.state == "running"
        due = and_(ready, _JOBS.c.run_at <= now)
        statement = (
            select(
                _JOBS.c.queue,
                _counted(ready),
                _counted(due),
                func.min(case((due, _JOBS.c.run_at))),
                _counted(running),
                _counted(and_(running, _JOBS.c.lease_until <= now)),
                now,
            )
            .where(_of_open_ones(_JOBS), _JOBS.c.state.in_(("ready", "running")))
            .group_by(_JOBS.c.queue)
            .order_by(_JOBS.c.queue)
        )
        return [
            QueueFigures(name, ready, due, _seconds(oldest, now), running, expired)
            for name, ready, due, oldest, running, expired, now in self.session.execute(statement)
        ]

    def stuck(self) -> dict[tuple[str, str], int]:
        """Return how many jobs of each kind are failed or dead: {(kind, state): number}."""
        statement = (
            select(_JOBS.c.kind, _JOBS.c.state, func.count())
            .where(_of_open_ones(_JOBS), _JOBS.c.state.in_(("failed", "dead")))
            .group_by(_JOBS.c.kind, _JOBS.c.state)
        )
        return {(kind, state): number for kind, state, number in self.session.execute(statement)}

    def groups(self, names: Collection[str]) -> list[GroupFigures]:
        """Return how far each of these consumer groups is behind, by name; all of it where it never began."""
        if not names:
            return []
        dead = self._dead_letters()
        return [
            GroupFigures(name, facts, seconds, dead.get(name, 0))
            for name, (facts, seconds) in sorted(self._behind(names).items())
        ]

    def unsealed(self) -> int:
        """Return how many audit entries wait for their seal."""
        statement = select(func.count()).select_from(_UNSEALED).where(_of_open_ones(_UNSEALED))
        return self.session.execute(statement).scalar_one()

    def unnumbered(self) -> int:
        """Return how many committed facts wait for their position."""
        waits = and_(_of_open_ones(_EVENTS), _EVENTS.c.position.is_(None))
        statement = select(func.count()).select_from(_EVENTS).where(waits)
        return self.session.execute(statement).scalar_one()

    def _behind(self, names: Collection[str]) -> dict[str, tuple[int, float]]:
        """Return {group: (facts not read, age of the oldest of them in seconds)}."""
        wanted = values(column("name", String), name="wanted").data([(name,) for name in set(names)]).cte()
        read = func.coalesce(_OFFSETS.c.position, 0)
        behind = _HEADS.c.position - read
        its_offset = and_(
            _OFFSETS.c.organization_id == _HEADS.c.organization_id, _OFFSETS.c.consumer == wanted.c.name
        )
        next_fact = and_(
            _EVENTS.c.organization_id == _HEADS.c.organization_id, _EVENTS.c.position == read + 1
        )
        now = database_time()
        statement = (
            select(
                wanted.c.name,
                func.sum(case((behind > 0, behind), else_=0)),
                func.min(_EVENTS.c.created_at),
                now,
            )
            .select_from(wanted)
            .outerjoin(_HEADS, _of_open_ones(_HEADS))
            .outerjoin(_OFFSETS, its_offset)
            .outerjoin(_EVENTS, next_fact)
            .group_by(wanted.c.name)
        )
        rows = self.session.execute(statement)
        return {name: (int(facts or 0), _seconds(oldest, now)) for name, facts, oldest, now in rows}

    def _dead_letters(self) -> dict[str, int]:
        statement = (
            select(_DELIVERIES.c.consumer, func.count())
            .where(_of_open_ones(_DELIVERIES), _DELIVERIES.c.state == "dead")
            .group_by(_DELIVERIES.c.consumer)
        )
        return {str(name): number for name, number in self.session.execute(statement)}


def _of_open_ones(table: Table) -> ColumnElement[bool]:
    """By a list, not by a join: SQLite then looks into the indices instead of through the tables."""
    return table.c.organization_id.in_(
        select(_ORGANIZATIONS.c.id).where(_ORGANIZATIONS.c.deleted_at.is_(None))
    )


def _counted(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))


def _seconds(since: Any, now: Any) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())
