"""Does jobs in the caller's thread, one after the other: for commands, the demo and tests."""

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID, uuid4

from procur.core.clock import Clock, SystemClock
from procur.core.ids import IdSource
from procur.db import DatabaseSession
from procur.db.repositories import ClaimedJob, ClaimRepository, Lease, Narrowed, organization_key
from procur.jobs.run import Outcome, execute
from procur.jobs.task import Task

_SYSTEM_CLOCK = SystemClock()
_HERE = "this command"
_LOOK_EVERY = 0.2  # seconds between two looks for what others hold


@dataclass(frozen=True, slots=True)
class Only:
    """Which jobs to do: of these kinds, of one chain of causes (None: any)."""

    kinds: Collection[str] | None = None
    correlation_id: str | None = None


def drain(
    database: DatabaseSession,
    tasks: Iterable[Task[Any]],
    *,
    organization: UUID | str | None = None,
    only: Only | None = None,
    clock: Clock = _SYSTEM_CLOCK,
    ids: IdSource | None = None,
    lease: float = 30.0,
    patience: float = 0.0,
) -> int:
    """Do due jobs of these tasks until none is left; return how many attempts were made.

    By priority and time, in this thread: with repeatable clock and ids the result is repeatable. Without an
    organisation the jobs of all are done. What is put off, or held by others, is waited for as long as
    `patience` (seconds) reaches: a command that was killed leaves its job leased for `lease` seconds.
    """
    by_name = {task.kind.name: task for task in tasks}
    wanted = only or Only()
    kinds = [name for name in by_name if wanted.kinds is None or name in wanted.kinds]
    owner = None if organization is None else organization_key(database, organization)
    narrowed = Narrowed(organization_id=owner, correlation_id=wanted.correlation_id)
    random, done, until = Random(0), 0, time.monotonic() + patience  # noqa: S311 - repeatable on purpose
    while True:
        jobs, soonest = _next(database, kinds, narrowed, lease)
        for job in jobs:
            task = by_name[job.kind]
            _run_here(database, task, job, lease=lease, clock=clock, ids=ids, random=random)
            done += 1
        if not jobs:
            left = until - time.monotonic()
            if soonest is None or soonest > left:
                return done
            time.sleep(max(0.01, min(soonest, _LOOK_EVERY)))


def execute_one(
    database: DatabaseSession,
    tasks: Iterable[Task[Any]],
    job_id: UUID,
    *,
    lease: float = 30.0,
    worker: str = _HERE,
    clock: Clock = _SYSTEM_CLOCK,
) -> Outcome | None:
    """Claim this one job, if it is due and for one of these tasks, and do it; None if it is not to be had."""
    by_name = {task.kind.name: task for task in tasks}
    with database.system_session() as session:
        jobs = ClaimRepository(session).claim_some(
            list(by_name), 1, lease=Lease(uuid4(), worker, lease), only=Narrowed(id=job_id)
        )
    for job in jobs:
        return _run_here(database, by_name[job.kind], job, lease=lease, clock=clock)
    return None


def _run_here(
    database: DatabaseSession,
    task: Task[Any],
    job: ClaimedJob,
    *,
    lease: float,
    **options: Any,
) -> Outcome:
    """Do a claimed job in this thread; its lease is extended between steps. An interruption hands it back."""
    try:
        return execute(database, task, job, still_held=_extending(database, job, lease), **options)
    except (KeyboardInterrupt, SystemExit):
        with database.system_session() as session:
            ClaimRepository(session).hand_back([job])
        raise


def _next(
    database: DatabaseSession, kinds: list[str], narrowed: Narrowed, lease: float
) -> tuple[list[ClaimedJob], float | None]:
    """Take the next job; with none to take, say in how many seconds there may be one."""
    with database.system_session() as session:
        claims = ClaimRepository(session)
        held = Lease(uuid4(), _HERE, lease)
        jobs = claims.claim_some(kinds, 1, lease=held, only=narrowed)
        if not jobs and claims.reap() != (0, 0):
            jobs = claims.claim_some(kinds, 1, lease=held, only=narrowed)
        return jobs, None if jobs else claims.soonest(kinds, only=narrowed)


def _extending(database: DatabaseSession, job: ClaimedJob, lease: float) -> Callable[[], bool]:
    """Return what extends the job's lease when a third of it has passed, and says whether it is held."""
    known = time.monotonic()

    def held() -> bool:
        nonlocal known
        if time.monotonic() - known < lease / 3:
            return True
        with database.system_session() as session:
            mine = job.id in ClaimRepository(session).extend([job], lease)
        known = time.monotonic()
        return mine

    return held
