"""How workers take jobs and give them back: leases by the database's clock, fenced by the lease's token.

Every write names the token under which the job was taken; where another one stands by now, or none, nothing
is written and the answer says so.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import zip_longest
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Table, bindparam, case, exists, func, select, update
from sqlalchemy.orm import Session

from procur.core.errors import NotAllowed
from procur.db import tenancy
from procur.db.arguments import Checked
from procur.db.models import JobRecord, Organization
from procur.db.moments import database_time
from procur.db.repositories.claim_sql import PLAN_BY_INDEX, claim_some, claim_sql
from procur.db.repositories.holding import hold_everywhere
from procur.db.session import DatabaseSession
from procur.db.values import checked

_JOBS: Table = JobRecord.__table__  # type: ignore[assignment]
_FIRST, _LAST = UUID(int=0), UUID(int=(1 << 128) - 1)
_ANY = (1 << 31) - 1  # jobs of a queue without a limit
_MOST_TEXT = 2000  # characters of an error that are kept
_KEY = (_JOBS.c.organization_id, _JOBS.c.id, _JOBS.c.lease_token)
_MINE = [column == bindparam(f"b_{column.name}", type_=column.type) for column in _KEY]
_MINE.append(_JOBS.c.state == "running")
_ORGANIZATIONS: Table = Organization.__table__  # type: ignore[assignment]
_OPEN = exists(
    select(_ORGANIZATIONS.c.id).where(
        _ORGANIZATIONS.c.id == _JOBS.c.organization_id, _ORGANIZATIONS.c.deleted_at.is_(None)
    )
)
_LET_GO: dict[str, Any] = {"lease_token": None, "lease_until": None, "updated_at": database_time()}


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """A job as the worker that took it knows it. `lease_token` is the right to write for it."""

    organization_id: UUID
    id: UUID
    kind: str
    queue: str
    priority: int
    payload: dict[str, Any]
    attempt: int
    max_attempts: int
    correlation_id: str | None
    causation_id: str | None
    trace: str | None
    run_at: datetime
    started_at: datetime
    lease_token: UUID


@dataclass(frozen=True, slots=True)
class DueJob:
    """A job that waits to be taken; `updated_at` changes each time that it begins to wait."""

    organization_id: UUID
    id: UUID
    kind: str
    queue: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Which jobs are wanted: of one organisation, of one chain of causes, a single one (None: any)."""

    organization_id: UUID | None = None
    correlation_id: str | None = None
    id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """Under what a batch is taken: who takes it, the fresh token, for how many seconds."""

    token: UUID
    worker: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Queues:
    """What a worker serves: the queues, the kinds it knows, how many jobs of a queue run at once at most."""

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    limits: Mapping[str, int] = field(default_factory=dict)


class ClaimRepository(Checked):
    """Takes and returns jobs of all organisations, so it needs a system session."""

    def __init__(self, session: Session) -> None:
        if not tenancy.crosses_organizations(session):
            raise NotAllowed("jobs are taken in a system session", hint="system_session()")
        self.session = session
        self._dialect = session.get_bind().dialect.name
        self._sql = claim_sql(self._dialect)
        if self._dialect == "postgresql":
            session.connection().execute(PLAN_BY_INDEX)

    def claim(
        self, wanted: Queues, limit: int, *, lease: Lease, after: Mapping[str, UUID] | None = None
    ) -> list[ClaimedJob]:
        """Take up to so many due jobs: one of each queue, then the second of each, in the order of the names.

        Within a queue one of each organisation, then the second. `after` says which organisation each queue
        served last: the one behind it comes first now. A queue with a limit gives no more than it has left,
        counted over all machines. Jobs of closed organisations are passed by.
        """
        rooms = dict.fromkeys(wanted.names, _ANY)
        # In the same order everywhere: two who held them in another one would wait for each other for ever.
        for name in sorted(set(wanted.names) & set(wanted.limits)):
            rooms[name] = self._room(name, wanted.limits[name])
        given = self._asked(wanted.kinds, rooms, limit, after or {})
        rows = self._connection.execute(self._sql.claim, {**given, **_leased(lease)}).all()
        return in_turn([ClaimedJob(*row) for row in rows], wanted.names, after or {})

    def due(self, wanted: Queues, limit: int, *, after: Mapping[str, UUID] | None = None) -> list[DueJob]:
        """Return the jobs that `claim` would take, without limits per queue, in the order of taking."""
        given = self._asked(wanted.kinds, dict.fromkeys(wanted.names, _ANY), limit, after or {})
        return [DueJob(*row) for row in self._connection.execute(self._sql.due, given)]

    def claim_some(
        self, kinds: Sequence[str], limit: int, *, lease: Lease, only: Narrowed | None = None
    ) -> list[ClaimedJob]:
        """Take jobs of any queue that are due, by priority and time, for one thread."""
        wanted = {name: value for name, value in asdict(only or Narrowed()).items() if value is not None}
        statement = claim_some(self._dialect, tuple(wanted))
        given = {"kinds": self._listed(kinds), "limit": limit, **wanted, **_leased(lease)}
        rows = self._connection.execute(statement, given).all()
        return sorted((ClaimedJob(*row) for row in rows), key=_order)

    def finish_many(self, jobs: Sequence[ClaimedJob]) -> set[UUID]:
        """Note jobs without an effect as done; return the ids of those that were still held."""
        return self._of_held(self._sql.finish, jobs) if jobs else set()

    def hand_back(self, jobs: Sequence[ClaimedJob]) -> set[UUID]:
        """Put jobs back as if they had not been taken; return the ids of those that were still held."""
        return self._of_held(self._sql.hand_back, jobs) if jobs else set()

    def extend(self, jobs: Sequence[ClaimedJob], seconds: float) -> set[UUID]:
        """Let leases end so many seconds from now; return the ids of the jobs that are still held.

        A job whose row somebody has locked is about to be finished or cancelled: it keeps its lease as it is.
        """
        if not jobs:
            return set()
        self._connection.execute(self._sql.extend, {"held": self._held(jobs), "seconds": seconds})
        return self._of_held(self._sql.still_held, jobs)

    def reap(self, limit: int = 100) -> tuple[int, int]:
        """Free jobs whose lease has run out: how many are ready again, how many are dead now.

        Dead are those whose attempts are used up; the attempt in which the worker went away counts.
        """
        rows = self._connection.execute(self._sql.reap, {"limit": limit}).all()
        dead = sum(row.state == "dead" for row in rows)
        return len(rows) - dead, dead

    def due_in(self, wanted: Queues) -> float | None:
        """Return in how many seconds the next job is due (0 or less: now); None when none is ready."""
        given = {"queues": self._listed(wanted.names), "kinds": self._listed(wanted.kinds)}
        row: Any = self._connection.execute(self._sql.next_due, given).one()
        return None if row.run_at is None else float((row.run_at - row.now).total_seconds())

    def soonest(self, kinds: Sequence[str], *, only: Narrowed | None = None) -> float | None:
        """Return in how many seconds one of these jobs is due or loses its lease; None: there is none."""
        wanted = [_JOBS.c[name] == value for name, value in asdict(only or Narrowed()).items() if value]
        moment = func.min(case((_JOBS.c.state == "ready", _JOBS.c.run_at), else_=_JOBS.c.lease_until))
        statement = select(moment, database_time()).where(
            _JOBS.c.state.in_(("ready", "running")), _JOBS.c.kind.in_(kinds), _OPEN, *wanted
        )
        row: Any = self._connection.execute(statement).one()
        return None if row[0] is None else float((row[0] - row[1]).total_seconds())

    # ------------------------------------------------------------------------------------------------------

    @property
    def _connection(self) -> Connection:
        return self.session.connection()

    def _asked(
        self, kinds: Sequence[str], rooms: Mapping[str, int], limit: int, after: Mapping[str, UUID]
    ) -> dict[str, Any]:
        """Return the parameters; each queue in two spans, behind the one served last and up to it."""
        spans = [
            (queue, low.hex, high.hex, room)
            for queue, room in rooms.items()
            if room > 0
            for low, high in _spans(after.get(queue, _FIRST))
        ]
        given: dict[str, Any] = {"kinds": self._listed(kinds), "limit": limit}
        if self._dialect == "sqlite":
            return given | {"spans": json.dumps(spans)}
        columns = [[span[at] for span in spans] for at in range(4)]
        return given | dict(zip(("span_queues", "lows", "highs", "rooms"), columns, strict=True))

    def _room(self, queue: str, limit: int) -> int:
        """Return how many more jobs of the queue may run; others who ask wait until this transaction ends."""
        hold_everywhere(self.session, "queue", queue)
        running: int = self._connection.execute(self._sql.running, {"queue": queue}).scalar_one()
        return limit - running

    def _listed(self, names: Sequence[str]) -> list[str] | str:
        return json.dumps(list(names)) if self._dialect == "sqlite" else list(names)

    def _held(self, jobs: Sequence[ClaimedJob]) -> list[str] | str:
        if self._dialect == "sqlite":
            return json.dumps([(job.organization_id.hex, job.id.hex, job.lease_token.hex) for job in jobs])
        return [job.id.hex + job.lease_token.hex for job in jobs]

    def _of_held(self, statement: Any, jobs: Sequence[ClaimedJob]) -> set[UUID]:
        return set(self._connection.execute(statement, {"held": self._held(jobs)}).scalars())


class LeaseRepository(Checked):
    """Writes for one job of the session's organisation, as long as its lease is held."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.owner: UUID = tenancy.required_organization_id(session)

    def finish(self, id: UUID, lease_token: UUID, result: Mapping[str, Any] | None = None) -> bool:  # noqa: A002
        """Note the job as done; False when the lease is held no more, and then nothing may be committed."""
        kept = None if result is None else checked(JobRecord, {"result": dict(result)})["result"]
        return self._change(_FINISH, id, lease_token, {"b_result": kept})

    def holds(self, id: UUID, lease_token: UUID) -> bool:  # noqa: A002 - as everywhere
        """Say whether the lease is still held; nobody takes the job until the transaction ends."""
        found = self.session.connection().execute(_HOLDS, self._keys(id, lease_token))
        return found.first() is not None

    def retry(self, id: UUID, lease_token: UUID, *, error: str, seconds: float) -> bool:  # noqa: A002
        """Let the job be tried again so many seconds from now; False when it is not held."""
        return self._change(_RETRY, id, lease_token, {"b_error": error[:_MOST_TEXT], "b_seconds": seconds})

    def end(self, id: UUID, lease_token: UUID, *, state: str, error: str) -> bool:  # noqa: A002
        """End the job as `failed` or `dead`; False when it is not held."""
        return self._change(_END, id, lease_token, {"b_state": state, "b_error": error[:_MOST_TEXT]})

    def postpone(self, id: UUID, lease_token: UUID, *, seconds: float, reason: str) -> bool:  # noqa: A002
        """Put the job off for so many seconds, without counting the attempt; False when it is not held."""
        values = {"b_seconds": seconds, "b_error": reason[:_MOST_TEXT]}
        return self._change(_POSTPONE, id, lease_token, values)

    def _change(self, statement: Any, id: UUID, lease_token: UUID, values: Mapping[str, Any]) -> bool:  # noqa: A002
        done = self.session.connection().execute(statement, {**self._keys(id, lease_token), **values})
        return bool(done.rowcount == 1)

    def _keys(self, id: UUID, lease_token: UUID) -> dict[str, Any]:  # noqa: A002
        return {"b_organization_id": self.owner, "b_id": id, "b_lease_token": lease_token}


_ERROR = bindparam("b_error", type_=_JOBS.c.last_error.type)
_AGAIN: dict[str, Any] = {"state": "ready", "last_error": _ERROR, **_LET_GO}
_OVER: dict[str, Any] = {"finished_at": database_time(), **_LET_GO}
_FINISH = (
    update(_JOBS)
    .where(*_MINE)
    .values(state="done", last_error=None, result=bindparam("b_result", type_=_JOBS.c.result.type), **_OVER)
)
_RETRY = update(_JOBS).where(*_MINE).values(run_at=database_time(bindparam("b_seconds")), **_AGAIN)
_END = (
    update(_JOBS)
    .where(*_MINE)
    .values(state=bindparam("b_state", type_=_JOBS.c.state.type), last_error=_ERROR, **_OVER)
)
_POSTPONE = (
    update(_JOBS)
    .where(*_MINE)
    .values(run_at=database_time(bindparam("b_seconds")), attempt=_JOBS.c.attempt - 1, **_AGAIN)
)
_HOLDS = select(_JOBS.c.id).where(*_MINE).with_for_update(read=True)


def in_turn(jobs: Iterable[ClaimedJob], queues: Sequence[str], after: Mapping[str, UUID]) -> list[ClaimedJob]:
    """Return the jobs in the order in which they are owed: one of each queue, then the second of each."""
    lanes: dict[tuple[str, UUID], list[ClaimedJob]] = {}
    for job in jobs:
        lanes.setdefault((job.queue, job.organization_id), []).append(job)
    by_queue: dict[str, list[tuple[int, bool, UUID, ClaimedJob]]] = {queue: [] for queue in queues}
    for (queue, owner), mine in lanes.items():
        again = owner <= after.get(queue, _FIRST)
        placed = enumerate(sorted(mine, key=_order))
        by_queue[queue] += [(turn, again, owner, job) for turn, job in placed]
    columns = [sorted(placed, key=lambda one: one[:3]) for placed in by_queue.values()]
    return [one[-1] for row in zip_longest(*columns) for one in row if one is not None]


def _spans(last: UUID) -> tuple[tuple[UUID, UUID], tuple[UUID, UUID]]:
    return (last, _LAST), (_FIRST, last)


def _order(job: ClaimedJob) -> tuple[int, datetime, UUID]:
    return job.priority, job.run_at, job.id


def _leased(lease: Lease) -> dict[str, Any]:
    return {"token": lease.token, "worker": lease.worker, "seconds": lease.seconds}


def organization_key(database: DatabaseSession, reference: UUID | str) -> UUID:
    """Return the key of an organisation by its id or slug; NotFound when there is none."""
    with database.get_session(reference, read_only=True) as session:
        return tenancy.required_organization_id(session)
