"""Work that is done later, as rows: jobs, the results of their steps, and what starts them by the clock."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Integer, String, Text, UniqueConstraint, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from procur.db.base import Base, TenantRow, Times, belongs_to, check, newest_first, utc_now
from procur.db.types import UtcDateTime, choice, json_object

_KEEPS_ITS_KEY = text("dedupe_key IS NOT NULL AND state <> 'cancelled'")
_READY = text("state = 'ready'")
_RUNNING = text("state = 'running'")


class JobRecord(TenantRow, Times, Base):
    """One piece of work. `failed`: the work said no; `dead`: its attempts are used up; both can be redriven.

    A `dedupe_key` is taken for good, also by finished jobs, so that what was done once is not done again;
    only a cancelled job gives its key back.
    """

    __tablename__ = "jobs"

    kind: Mapped[str] = mapped_column(String(120))
    queue: Mapped[str] = mapped_column(String(64), default="default")
    # The smaller, the sooner, as in a queue: the index of ready jobs is walked forwards on both databases.
    priority: Mapped[int] = mapped_column(Integer, default=0)
    payload: Mapped[dict[str, Any]] = mapped_column(json_object(), default=dict)
    dedupe_key: Mapped[str | None] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(
        choice("state", "ready", "running", "done", "failed", "dead", "cancelled"), default="ready"
    )
    run_at: Mapped[datetime] = mapped_column(UtcDateTime(), default=utc_now)
    attempt: Mapped[int] = mapped_column(Integer, default=0)
    max_attempts: Mapped[int] = mapped_column(Integer, default=5)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime())
    # Changes with every claim: who writes a result has to hold the newest one.
    lease_token: Mapped[UUID | None] = mapped_column(Uuid())
    last_error: Mapped[str | None] = mapped_column(Text)
    result: Mapped[dict[str, Any] | None] = mapped_column(json_object())
    correlation_id: Mapped[str | None] = mapped_column(String(64))
    causation_id: Mapped[str | None] = mapped_column(String(64), sort_order=93)
    # A W3C traceparent: the job's span continues the trace of whoever asked for it.
    trace: Mapped[str | None] = mapped_column(String(64), sort_order=93)
    # Who has it or had it last, for people to read; who may write is decided by the lease alone.
    worker: Mapped[str | None] = mapped_column(String(120), sort_order=93)
    created_by: Mapped[UUID | None] = mapped_column(Uuid())
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime(), sort_order=93)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime())

    __table_args__ = (
        belongs_to("user_accounts", "created_by", of="jobs"),
        Index(
            "uq_jobs_dedupe_key",
            "organization_id",
            "kind",
            "dedupe_key",
            unique=True,
            postgresql_where=_KEEPS_ITS_KEY,
            sqlite_where=_KEEPS_ITS_KEY,
            info={"field": "dedupe_key"},
        ),
        # Workers drain all organisations together, so these three do not lead with one. The organisation
        # comes second, so that workers step from one to the next and none waits behind another's thousands.
        Index(
            "ix_jobs_ready",
            "queue",
            "organization_id",
            "priority",
            "run_at",
            "id",
            postgresql_where=_READY,
            sqlite_where=_READY,
        ),
        # When the next job of a kind is due, whoever's it is: one look, also when thousands wait for a retry.
        Index("ix_jobs_due", "queue", "kind", "run_at", postgresql_where=_READY, sqlite_where=_READY),
        Index("ix_jobs_leases", "lease_until", postgresql_where=_RUNNING, sqlite_where=_RUNNING),
        Index("ix_jobs_state", "organization_id", "state", "created_at", "id"),
        Index("ix_jobs_correlation_id", "organization_id", "correlation_id"),
        newest_first("jobs"),
        check("attempt", "attempt >= 0", field="attempt"),
        check("max_attempts", "max_attempts > 0", field="max_attempts"),
        check(
            "leased",
            "state <> 'running' OR (lease_token IS NOT NULL AND lease_until IS NOT NULL)",
            field="lease_token",
        ),
        check("finished", "state IN ('ready', 'running') OR finished_at IS NOT NULL", field="finished_at"),
    )


class JobStep(TenantRow, Times, Base):
    """What a step of a job has given (a model's answer, a page), so that a retry does not pay twice."""

    __tablename__ = "job_steps"

    job_id: Mapped[UUID] = mapped_column(Uuid())
    step: Mapped[str] = mapped_column(String(200))
    result: Mapped[dict[str, Any]] = mapped_column(json_object(), default=dict)

    __table_args__ = (
        belongs_to("jobs", "job_id", of="job_steps"),
        UniqueConstraint("organization_id", "job_id", "step", info={"field": "step"}),
    )


class ScheduleRecord(TenantRow, Times, Base):
    """A job that is made again and again, by the five fields of a cron line."""

    __tablename__ = "schedules"

    name: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(120))
    queue: Mapped[str] = mapped_column(String(64), default="default")
    payload: Mapped[dict[str, Any]] = mapped_column(json_object(), default=dict)
    cron: Mapped[str] = mapped_column(String(120))
    timezone: Mapped[str] = mapped_column(String(64), default="UTC")
    is_active: Mapped[bool] = mapped_column(default=True)
    next_run_at: Mapped[datetime] = mapped_column(UtcDateTime())
    last_run_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    last_job_id: Mapped[UUID | None] = mapped_column(Uuid())

    __table_args__ = (
        belongs_to("jobs", "last_job_id", of="schedules"),
        UniqueConstraint("organization_id", "name", info={"field": "name"}),
        # The runner serves all organisations together.
        Index(
            "ix_schedules_due",
            "next_run_at",
            postgresql_where=text("is_active"),
            sqlite_where=text("is_active"),
        ),
        newest_first("schedules"),
    )
