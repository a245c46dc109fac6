"""How long finished things are kept, and the task that removes them in small steps."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from procur.audit.trail import record
from procur.core.settings import Settings
from procur.db import Session
from procur.db.repositories import OrganizationRepository, RetentionRepository, UsageRepository
from procur.events.facts import RetentionApplied
from procur.jobs.task import Task, Work
from procur.workers.kinds import CLEANUP, Cleanup

BATCH = 500  # rows per transaction: a fraction of a second, so that others are not kept waiting
_MOST = 100  # transactions per table and job; what is left is a job of its own
_CENTURY = 36500


class Retention(Settings):
    """For how many days finished things are kept (PROCUR_KEEP_…), from when they came to their end.

    Facts and the audit trail are not among them: nobody may take anything out of these.
    """

    model_config = SettingsConfigDict(env_prefix="PROCUR_KEEP_", extra="ignore", env_ignore_empty=True)

    finished_jobs: int = Field(30, ge=1, le=_CENTURY)
    stuck_jobs: int = Field(180, ge=1, le=_CENTURY)
    inbox: int = Field(30, ge=1, le=_CENTURY)
    notifications: int = Field(365, ge=1, le=_CENTURY)
    sessions: int = Field(30, ge=1, le=_CENTURY)
    login_attempts: int = Field(180, ge=1, le=_CENTURY)
    counters: int = Field(90, ge=1, le=_CENTURY)


def cleanup(keep: Callable[[], Retention]) -> Task[Cleanup]:
    """Remove what is past its time, table by table, in many short transactions; then say how much it was."""

    def think(work: Work, _: Cleanup) -> dict[str, int]:
        removed = {}
        for name, remove in _removals(keep(), work.now()).items():
            # What an earlier attempt has removed is counted too.
            removed[name] = int(work.step(name, partial(_all, work, remove))["rows"])
        return {name: rows for name, rows in removed.items() if rows}

    def commit(session: Session, work: Work, payload: Cleanup, removed: dict[str, int]) -> dict[str, Any]:
        if removed:
            organization = OrganizationRepository(session).own()
            total = sum(removed.values())
            record(
                session,
                work.actor,
                RetentionApplied(organization.slug, removed),
                now=work.now(),
                description=f"{total} rows that are past their time were removed",
                category="system",
            )
        if any(rows >= BATCH * _MOST for rows in removed.values()):
            CLEANUP.ask(session, Cleanup(payload.part + 1), dedupe_key=f"after {work.job_id}")
        return {"removed": removed}

    return Task(CLEANUP, think=think, commit=commit)


Remove = Callable[[Session], int]


def _removals(keep: Retention, now: datetime) -> dict[str, Remove]:
    """Return what is removed, in order: what points to a row goes before the row."""

    def before(days: int) -> datetime:
        return now - timedelta(days=days)

    return {
        "finished_jobs": lambda s: RetentionRepository(s).finished_jobs(before(keep.finished_jobs), BATCH),
        "stuck_jobs": lambda s: RetentionRepository(s).stuck_jobs(before(keep.stuck_jobs), BATCH),
        "inbox": lambda s: RetentionRepository(s).inbox(before(keep.inbox), BATCH),
        "deliveries": lambda s: RetentionRepository(s).deliveries(before(keep.inbox), BATCH),
        "notifications": lambda s: RetentionRepository(s).notifications(before(keep.notifications), BATCH),
        "idempotency_keys": lambda s: RetentionRepository(s).idempotency_keys(now, BATCH),
        "sessions": lambda s: RetentionRepository(s).sessions(before(keep.sessions), BATCH),
        "login_attempts": lambda s: RetentionRepository(s).login_attempts(before(keep.login_attempts), BATCH),
        "counters": lambda s: UsageRepository(s).forget_before(before(keep.counters)),
    }


def _all(work: Work, remove: Remove) -> dict[str, Any]:
    """Remove batch after batch, a transaction each, until none is left or the job has done its part."""
    rows = 0
    for _ in range(_MOST):
        work.check()
        with work.session() as session:
            gone = remove(session)
        rows += gone
        if gone < BATCH:
            break
    return {"rows": rows}
