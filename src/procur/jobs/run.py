"""Does one claimed job: think outside a transaction, commit in one, and note how it ended."""

from collections.abc import Callable
from enum import StrEnum
from random import Random
from typing import Any

from procur.core.backoff import wait_before
from procur.core.clock import Clock, SystemClock
from procur.core.errors import InvalidInput, NotAllowed, NotFound, OutsideMandate
from procur.core.ids import IdSource
from procur.core.redaction import redact
from procur.db import DatabaseSession
from procur.db.repositories import ClaimedJob, ClaimRepository, LeaseRepository
from procur.jobs.seen import attempted
from procur.jobs.task import GiveUp, Later, LeaseLost, Task, Work
from procur.jobs.work import JobWork

_FINAL = (GiveUp, InvalidInput, NotFound, NotAllowed, OutsideMandate)
_MOST_READ = 4000  # characters of an error's text that are looked at
_SYSTEM_CLOCK = SystemClock()
_RANDOM = Random()  # noqa: S311 - spreads retries; nothing depends on guessing it


class Outcome(StrEnum):
    """How an attempt ended. `lost`: somebody else has the job, nothing was written."""

    DONE = "done"
    RETRIED = "retried"
    PUT_OFF = "put_off"
    FAILED = "failed"
    DEAD = "dead"
    LOST = "lost"


def execute(
    database: DatabaseSession,
    task: Task[Any],
    job: ClaimedJob,
    *,
    clock: Clock = _SYSTEM_CLOCK,
    ids: IdSource | None = None,
    random: Random = _RANDOM,
    still_held: Callable[[], bool] = lambda: True,
    finish_later: Callable[[ClaimedJob], None] | None = None,
) -> Outcome:
    """Do one attempt of a claimed job and say how it ended.

    The effect, its facts and follow-up jobs are committed together with the note that the job is done, and
    only while its lease is held; when it is not, everything is rolled back. Work without an effect may be
    handed to `finish_later`, which notes many at once. Raises Unavailable when the database is gone: the
    lease then runs out, and the job is done again unless its commit has arrived.
    """
    work = JobWork(database, job, clock=clock, ids=ids, still_held=still_held)
    with attempted(job) as attempt:
        try:
            payload = task.kind.read(job.payload)
            thought = None if task.think is None else task.think(work, payload)
            if task.commit is None and finish_later is not None:
                finish_later(job)
            else:
                _commit(task, job, work, payload, thought)
            outcome = Outcome.DONE
        except LeaseLost:
            outcome = Outcome.LOST
        except Exception as error:  # noqa: BLE001 - whatever a task raises is how it ended
            attempt.error = _told(error)
            try:
                outcome = _settle(work, job, error, attempt.error, random)
            except NotFound:  # of the session: the organisation was closed meanwhile
                outcome = _wait_for_its_organization(database, job)
        attempt.outcome = outcome.value
    return outcome


def _commit(task: Task[Any], job: ClaimedJob, work: Work, payload: Any, thought: Any) -> None:
    with work.session() as session:
        result = None if task.commit is None else task.commit(session, work, payload, thought)
        session.flush()
        if not LeaseRepository(session).finish(job.id, job.lease_token, result):
            raise LeaseLost(f"the job {job.id} is not ours any more")


def _told(error: Exception) -> str:
    """Return an error as text without secrets that every database takes."""
    told = redact(f"{type(error).__name__}: {error}"[:_MOST_READ].replace("\x00", ""))
    return told.encode(errors="replace").decode()


def _wait_for_its_organization(database: DatabaseSession, job: ClaimedJob) -> Outcome:
    """Put the job back: claims pass it by until its organisation is opened again."""
    with database.system_session() as session:
        held = ClaimRepository(session).hand_back([job])
    return Outcome.PUT_OFF if held else Outcome.LOST


def _settle(work: Work, job: ClaimedJob, error: Exception, told: str, random: Random) -> Outcome:
    """Note how an attempt failed, in a transaction of its own and only while the lease is held."""
    outcome = Outcome.RETRIED
    with work.session() as session:
        leases, key = LeaseRepository(session), (job.id, job.lease_token)
        if isinstance(error, Later):
            outcome = Outcome.PUT_OFF
            held = leases.postpone(*key, seconds=error.seconds, reason=told)
        elif isinstance(error, _FINAL) or job.attempt >= job.max_attempts:
            outcome = Outcome.FAILED if isinstance(error, _FINAL) else Outcome.DEAD
            held = leases.end(*key, state=outcome.value, error=told)
        else:
            held = leases.retry(*key, error=told, seconds=wait_before(job.attempt, random=random))
    return outcome if held else Outcome.LOST
