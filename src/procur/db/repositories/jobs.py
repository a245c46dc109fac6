"""Work for later: asked for in the transaction that needs it, done once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, and_, case, func, select, text, update

from procur.core.errors import Unavailable
from procur.db import tenancy
from procur.db.models import JobRecord, JobStep
from procur.db.moments import database_time
from procur.db.repositories.base import Key, Repository, bounded
from procur.db.repositories.upserts import insert_into
from procur.db.values import checked
from procur.db.wake import announce

_JOBS: Table = JobRecord.__table__  # type: ignore[assignment]
_STEPS: Table = JobStep.__table__  # type: ignore[assignment]
_TRIES = 5
_AT_ONCE = 500  # rows of one INSERT: databases bound the parameters of a statement
STATES = ("ready", "running", "done", "failed", "dead", "cancelled")
_OPEN = ("ready", "running")
_STUCK = ("failed", "dead")


@dataclass(frozen=True, slots=True)
class KindCounts:
    """How many jobs of a kind are in each state, how many of them are due, the oldest for so many seconds."""

    queue: str
    kind: str
    states: dict[str, int]
    due: int
    oldest_due: float | None


class JobRepository(Repository[JobRecord]):
    """The organisation's jobs. Workers claim them in a system session."""

    model = JobRecord

    def enqueue(
        self,
        kind: str,
        payload: Mapping[str, Any] | None = None,
        *,
        queue: str = "default",
        dedupe_key: str | None = None,
        run_at: datetime | None = None,
        priority: int = 0,
        max_attempts: int = 5,
        correlation_id: str | None = None,
        causation_id: object = None,
        trace: str | None = None,
        created_by: Key | None = None,
        organization_id: Key | None = None,
    ) -> tuple[JobRecord, bool]:
        """Ask for work; with a `dedupe_key` return the job that has it already, and False.

        The key is per organisation and kind, and stays taken when the job is finished; a cancelled job gives
        it back. The smaller the `priority`, the sooner. Without `run_at` the job is due at once, by the
        database's clock.
        """
        given: dict[str, Any] = {
            "kind": kind,
            "payload": dict(payload or {}),
            "queue": queue,
            "dedupe_key": dedupe_key,
            "priority": priority,
            "max_attempts": max_attempts,
            "correlation_id": correlation_id,
            "causation_id": None if causation_id is None else str(causation_id),
            "trace": trace,
            "created_by": created_by,
        }
        if organization_id is not None:
            given["organization_id"] = organization_id
        if run_at is not None:
            given["run_at"] = run_at
        row = self._prepared(given)
        row.setdefault("run_at", database_time())
        for _ in range(_TRIES):
            if self._insert(row):
                announce(self.session)
                return self.get(row["id"]), True
            found = self._with_key(row)
            if found is not None:
                return found, False
        raise Unavailable("the job's key changes hands all the time", hint="try again")

    def enqueue_all(
        self,
        kind: str,
        payloads: Mapping[str, Mapping[str, Any]],
        *,
        queue: str = "default",
        max_attempts: int = 5,
        correlation_id: str | None = None,
        causation_id: object = None,
        trace: str | None = None,
    ) -> int:
        """Ask for many pieces of work by their dedupe keys, due at once; return how many are new."""
        common: dict[str, Any] = {
            "kind": kind,
            "queue": queue,
            "max_attempts": max_attempts,
            "correlation_id": correlation_id,
            "causation_id": None if causation_id is None else str(causation_id),
            "trace": trace,
        }
        rows = [
            self._prepared({**common, "dedupe_key": key, "payload": payload}) | {"run_at": database_time()}
            for key, payload in payloads.items()
        ]
        new = sum(len(self._inserted(rows[at : at + _AT_ONCE])) for at in range(0, len(rows), _AT_ONCE))
        if new:
            announce(self.session)
        return new

    def by_state(self, state: str, *, queue: str | None = None, limit: int = 100) -> list[JobRecord]:
        """Return jobs in this state, oldest first."""
        if queue is None:
            return self.get_all(limit=limit, state=state)
        return self.get_all(limit=limit, state=state, queue=queue)

    def correlated(self, correlation_id: str, *, kind: str | None = None) -> list[JobRecord]:
        """Return the jobs of one chain of causes, oldest first."""
        equals = {"correlation_id": correlation_id} | ({} if kind is None else {"kind": kind})
        return self._all(select(JobRecord).where(*self._equal(equals)).order_by(*self._oldest()))

    def counts(self, *, queue: str | None = None) -> dict[str, int]:
        """Return how many jobs are in each state; every state has an entry."""
        statement = select(JobRecord.state, func.count()).group_by(JobRecord.state)
        if queue is not None:
            statement = statement.where(*self._equal({"queue": queue}))
        found = {str(state): number for state, number in self.session.execute(statement)}
        return {state: found.get(state, 0) for state in STATES}

    def by_kind(self) -> list[KindCounts]:
        """Return how the jobs of each queue and kind stand, by queue and kind."""
        now = database_time()
        due = and_(JobRecord.state == "ready", JobRecord.run_at <= now)
        statement = (
            select(
                JobRecord.queue,
                JobRecord.kind,
                *(func.sum(case((JobRecord.state == state, 1), else_=0)) for state in STATES),
                func.sum(case((due, 1), else_=0)),
                func.min(case((due, JobRecord.run_at))),
                now,
            )
            .group_by(JobRecord.queue, JobRecord.kind)
            .order_by(JobRecord.queue, JobRecord.kind)
        )
        return [
            KindCounts(
                queue=queue,
                kind=kind,
                states=dict(zip(STATES, counts, strict=True)),
                due=due,
                oldest_due=None if oldest is None else max(0.0, (now - oldest).total_seconds()),
            )
            for queue, kind, *counts, due, oldest, now in self.session.execute(statement)
        ]

    def redrive_some(self, kind: str | None = None, limit: int = 1000) -> dict[str, list[UUID]]:
        """Give failed and dead jobs (of a kind) all their attempts again: their ids by kind, oldest first."""
        which = select(JobRecord.id).where(JobRecord.state.in_(_STUCK))
        if kind is not None:
            which = which.where(*self._equal({"kind": kind}))
        which = which.order_by(*self._oldest()).limit(bounded(limit))
        again: dict[str, Any] = {
            "state": "ready",
            "attempt": 0,
            "run_at": database_time(),
            "finished_at": None,
        }
        statement = (
            update(JobRecord)
            .where(JobRecord.id.in_(which), JobRecord.state.in_(_STUCK))
            .values(**again, updated_at=tenancy.clock_of(self.session).now())
            .returning(JobRecord.kind, JobRecord.id)
            .execution_options(synchronize_session=False)
        )
        found: dict[str, list[UUID]] = {}
        for name, key in self.session.execute(statement):
            found.setdefault(name, []).append(key)
        announce(self.session)
        return {name: sorted(keys) for name, keys in sorted(found.items())}

    def cancel(self, id: Key, *, reason: str | None = None) -> JobRecord:  # noqa: A002 - as everywhere
        """Stop a job that is not finished; Conflict when it is. A worker at it loses its lease."""
        return self._leave(
            "job",
            id,
            _OPEN,
            state="cancelled",
            finished_at=tenancy.clock_of(self.session).now(),
            last_error=reason,
            lease_token=None,
            lease_until=None,
        )

    def redrive(self, id: Key, *, run_at: datetime | None = None) -> JobRecord:  # noqa: A002 - as everywhere
        """Give a failed or dead job all its attempts again, at once or later; Conflict when it is neither."""
        when = self.session.scalar(select(database_time())) if run_at is None else run_at
        return self._leave("job", id, _STUCK, state="ready", attempt=0, run_at=when, finished_at=None)

    def dead(self, limit: int = 100) -> list[JobRecord]:
        """Return jobs whose attempts are used up, newest first."""
        statement = select(JobRecord).where(JobRecord.state == "dead").order_by(*self._newest())
        return self._all(statement.limit(bounded(limit)))

    def given_up(self, since: datetime | None = None, limit: int = 1000) -> list[JobRecord]:
        """Return failed and dead jobs (that have changed since), the latest ones."""
        statement = select(JobRecord).where(JobRecord.state.in_(_STUCK))
        if since is not None:
            moment = checked(JobRecord, {"updated_at": since})["updated_at"]
            statement = statement.where(JobRecord.updated_at > moment)
        statement = statement.order_by(JobRecord.updated_at.desc(), JobRecord.id.desc())
        return self._all(statement.limit(bounded(limit)))

    def _insert(self, row: Mapping[str, Any]) -> bool:
        return bool(self._inserted([row]))

    def _inserted(self, rows: Sequence[Mapping[str, Any]]) -> list[UUID]:
        now = tenancy.clock_of(self.session).now()
        plain = {"state": "ready", "attempt": 0, "created_at": now, "updated_at": now}
        full = [{**plain, **row} for row in rows]
        statement = (
            insert_into(self.session, _JOBS)
            # A single row by name, so that a refusal can say which field is at fault.
            .values(full if len(full) > 1 else full[0])
            .on_conflict_do_nothing(
                index_elements=["organization_id", "kind", "dedupe_key"],
                index_where=text("dedupe_key IS NOT NULL AND state <> 'cancelled'"),
            )
            .returning(_JOBS.c.id)
        )
        return list(self.session.execute(statement).scalars())

    def _with_key(self, row: Mapping[str, Any]) -> JobRecord | None:
        names = ("organization_id", "kind", "dedupe_key")
        statement: Select[Any] = select(JobRecord).where(
            *self._equal({name: row[name] for name in names}), JobRecord.state != "cancelled"
        )
        rows = self._all(statement.execution_options(populate_existing=True))
        return rows[0] if rows else None


class JobStepRepository(Repository[JobStep]):
    """Results of the steps of jobs, kept so that a retry does not pay for them twice."""

    model = JobStep

    def result(self, job_id: Key, step: str) -> dict[str, Any] | None:
        """Return what a step of the job has given, or None when it has not been done."""
        row = self.find(job_id=job_id, step=step)
        return None if row is None else dict(row.result)

    def remember(self, job_id: Key, step: str, result: Mapping[str, Any]) -> dict[str, Any]:
        """Keep what a step has given; the first result stands, and is returned."""
        job = JobRepository(self.session).get(job_id)
        given = {"organization_id": job.organization_id, "job_id": job.id, "step": step, "result": result}
        now = tenancy.clock_of(self.session).now()
        statement = (
            insert_into(self.session, _STEPS)
            .values(**self._prepared(given), created_at=now, updated_at=now)
            .on_conflict_do_nothing(index_elements=["organization_id", "job_id", "step"])
        )
        self.session.execute(statement)
        return self.result(job_id, step) or {}
