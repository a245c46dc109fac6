"""What people do to jobs: look, cancel, redrive; checked and on record."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from procur.audit.trail import record
from procur.core.actor import Actor
from procur.db import Session
from procur.db.models import JobRecord, JobStep
from procur.db.repositories import JobRepository, JobStepRepository, KindCounts, Page
from procur.events.facts import JobCancelled, JobsRedriven

_READ, _MANAGE = "work.read", "work.manage"
_MANY = 1000


def page_of_jobs(
    session: Session, actor: Actor, *, limit: int = 50, cursor: str | None = None, **equals: Any
) -> Page[JobRecord]:
    """Return jobs, newest first, in this state, queue and of this kind (as far as given)."""
    actor.require(_READ)
    return JobRepository(session).page(limit=limit, cursor=cursor, **equals)


def job_with_steps(session: Session, actor: Actor, job_id: UUID | str) -> tuple[JobRecord, list[JobStep]]:
    """Return a job and what its steps have given so far."""
    actor.require(_READ)
    job = JobRepository(session).get(job_id)
    return job, JobStepRepository(session).get_all(job_id=job.id)


def counts(session: Session, actor: Actor) -> list[KindCounts]:
    """Return how the jobs of each queue and kind stand."""
    actor.require(_READ)
    return JobRepository(session).by_kind()


def cancel_job(
    session: Session, actor: Actor, job_id: UUID | str, *, reason: str | None, now: datetime
) -> JobRecord:
    """Stop a job that is not finished; Conflict when it is. A worker at it writes nothing more for it."""
    actor.require(_MANAGE)
    job = JobRepository(session).cancel(job_id, reason=reason)
    record(
        session,
        actor,
        JobCancelled(str(job.id), job.kind, reason),
        now=now,
        description=f"A job of kind {job.kind} was cancelled",
        category="system",
    )
    return job


def redrive_jobs(session: Session, actor: Actor, ids: Iterable[UUID | str], *, now: datetime) -> int:
    """Give these failed or dead jobs all their attempts again; Conflict when one is neither."""
    actor.require(_MANAGE)
    by_kind: dict[str, list[UUID]] = {}
    for key in dict.fromkeys(ids):
        job = JobRepository(session).redrive(key)
        by_kind.setdefault(job.kind, []).append(job.id)
    for kind, keys in sorted(by_kind.items()):
        _on_record(session, actor, kind, keys, now)
    return sum(map(len, by_kind.values()))


def redrive_all(session: Session, actor: Actor, *, kind: str | None, now: datetime) -> int:
    """Give all failed and dead jobs, or those of a kind, all their attempts again; return how many."""
    actor.require(_MANAGE)
    total = 0
    while found := JobRepository(session).redrive_some(kind, _MANY):
        for name, keys in found.items():
            _on_record(session, actor, name, keys, now)
            total += len(keys)
    return total


def _on_record(session: Session, actor: Actor, kind: str, keys: Sequence[UUID], now: datetime) -> None:
    record(
        session,
        actor,
        JobsRedriven(kind, tuple(str(key) for key in keys)),
        now=now,
        description=f"{len(keys)} jobs of kind {kind} are tried again",
        category="system",
    )
