"""Jobs: list, show, cancel, redrive; and how all work stands."""

from typing import Any
from uuid import UUID

from procur.app import handlers
from procur.cli.workspace import Workspace
from procur.core.errors import NotFound
from procur.core.redaction import redact_value
from procur.db.models import JobRecord, ScheduleRecord
from procur.db.repositories import KindCounts, ScheduleRepository
from procur.db.tenancy import as_uuid
from procur.events.groups import groups_of
from procur.events.standing import standing
from procur.workers import jobs as service

_SCHEDULES = 20


def list_jobs(
    workspace: Workspace, *, limit: int, cursor: str | None, **equals: str | None
) -> dict[str, Any]:
    """Return a page of jobs."""
    wanted = {name: value for name, value in equals.items() if value is not None}
    with workspace.session(read_only=True) as session:
        actor = workspace.actor(session, "work.read")
        page = service.page_of_jobs(session, actor, limit=limit, cursor=cursor, **wanted)
        return {"jobs": [_line(job) for job in page.rows], "next_cursor": page.next_cursor}


def show_job(workspace: Workspace, job_id: str) -> dict[str, Any]:
    """Return all that is known of a job; what could identify people or open doors is taken out."""
    with workspace.session(read_only=True) as session:
        actor = workspace.actor(session, "work.read")
        job, steps = service.job_with_steps(session, actor, _key(job_id))
        return _line(job) | {
            "priority": job.priority,
            "dedupe_key": job.dedupe_key,
            "payload": redact_value(dict(job.payload)),
            "result": None if job.result is None else redact_value(dict(job.result)),
            "steps": [
                {"step": one.step, "at": one.created_at, "result": redact_value(dict(one.result))}
                for one in steps
            ],
            "lease_until": job.lease_until,
            "worker": job.worker,
            "correlation_id": job.correlation_id,
            "causation_id": job.causation_id,
            "trace": job.trace,
            "started_at": job.started_at,
            "finished_at": job.finished_at,
        }


def job_counts(workspace: Workspace) -> dict[str, Any]:
    """Return how the jobs of each queue and kind stand."""
    with workspace.session(read_only=True) as session:
        found = service.counts(session, workspace.actor(session, "work.read"))
    return {"kinds": [_counted(one) for one in found]}


def cancel_job(workspace: Workspace, job_id: str, *, reason: str | None) -> dict[str, Any]:
    """Stop a job."""
    with workspace.session() as session:
        actor = workspace.actor(session, "work.manage")
        job = service.cancel_job(session, actor, _key(job_id), reason=reason, now=workspace.clock.now())
        return _line(job)


def redrive_jobs(workspace: Workspace, ids: tuple[str, ...], *, kind: str | None) -> dict[str, Any]:
    """Give jobs all their attempts again: these, or without any all (of a kind)."""
    with workspace.session() as session:
        actor, now = workspace.actor(session, "work.manage"), workspace.clock.now()
        if ids:
            number = service.redrive_jobs(session, actor, [_key(one) for one in ids], now=now)
        else:
            number = service.redrive_all(session, actor, kind=kind, now=now)
    return {"redriven": number, "kind": kind}


def work_status(workspace: Workspace) -> dict[str, Any]:
    """Return the queues, the groups, the schedules and what is stuck, of this organisation."""
    with workspace.session(read_only=True) as session:
        actor = workspace.actor(session, "work.read")
        kinds = service.counts(session, actor)
        groups = standing(session, groups_of(handlers()))
        schedules = ScheduleRepository(session).next_runs(_SCHEDULES)
        return {
            "queues": _by_queue(kinds),
            "stuck": [_counted(one) for one in kinds if one.states["failed"] or one.states["dead"]],
            "groups": [
                {"group": one.consumer, "behind": one.behind, "pending": one.pending, "dead": one.dead}
                for one in groups
            ],
            "schedules": [_schedule(one) for one in schedules],
        }


def _key(job_id: str) -> UUID:
    key = as_uuid(job_id)
    if key is None:
        raise NotFound(f"no Job {job_id[:64]!r}", field="id", hint="procur jobs list")
    return key


def _line(job: JobRecord) -> dict[str, Any]:
    return {
        "id": str(job.id),
        "kind": job.kind,
        "queue": job.queue,
        "state": job.state,
        "attempt": job.attempt,
        "max_attempts": job.max_attempts,
        "run_at": job.run_at,
        "created_at": job.created_at,
        "last_error": job.last_error,
    }


def _counted(one: KindCounts) -> dict[str, Any]:
    told = {"queue": one.queue, "kind": one.kind, **one.states, "due": one.due}
    return told | {"oldest_due_seconds": one.oldest_due}


def _by_queue(kinds: list[KindCounts]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for one in kinds:
        queue = found.setdefault(
            one.queue,
            {"queue": one.queue, "ready": 0, "due": 0, "running": 0, "stuck": 0, "oldest_due_seconds": None},
        )
        queue["ready"] += one.states["ready"]
        queue["running"] += one.states["running"]
        queue["due"] += one.due
        queue["stuck"] += one.states["failed"] + one.states["dead"]
        ages = [age for age in (queue["oldest_due_seconds"], one.oldest_due) if age is not None]
        queue["oldest_due_seconds"] = max(ages, default=None)
    return list(found.values())


def _schedule(one: ScheduleRecord) -> dict[str, Any]:
    return {"name": one.name, "kind": one.kind, "cron": one.cron, "next_run_at": one.next_run_at}
