"""What is done by the clock: look at it, pause it, change its times."""

from datetime import datetime
from typing import Any

from procur.cli.workspace import Workspace
from procur.core.errors import InvalidInput
from procur.db.models import ScheduleRecord
from procur.identity.zones import zone_named
from procur.workers.schedules import (
    change_schedule,
    described,
    list_schedules,
    pause_schedule,
    plan_for,
    resume_schedule,
    start_schedule,
)


def list_all(workspace: Workspace) -> dict[str, Any]:
    """Return the organisation's schedules, by name."""
    with workspace.session() as session:
        person = workspace.actor(session, "work.read")
        plan_for(session)
        return {"schedules": [_told(row) for row in list_schedules(session, person)]}


def pause(workspace: Workspace, name: str) -> dict[str, Any]:
    """Let a schedule make no jobs for now."""
    with workspace.session() as session:
        person = workspace.actor(session, "work.manage")
        plan_for(session)
        return _told(pause_schedule(session, person, name, now=workspace.clock.now()))


def resume(workspace: Workspace, name: str) -> dict[str, Any]:
    """Let a paused schedule go on."""
    with workspace.session() as session:
        person = workspace.actor(session, "work.manage")
        plan_for(session)
        return _told(resume_schedule(session, person, name, now=workspace.clock.now()))


def run(workspace: Workspace, name: str) -> dict[str, Any]:
    """Ask for a schedule's job at once."""
    with workspace.session() as session:
        person = workspace.actor(session, "work.manage")
        plan_for(session)
        job = start_schedule(session, person, name, now=workspace.clock.now())
        return {"name": name, "job_id": str(job.id), "kind": job.kind, "queue": job.queue}


def change(workspace: Workspace, name: str, *, cron: str | None, timezone: str | None) -> dict[str, Any]:
    """Change when a schedule runs."""
    if cron is None and timezone is None:
        raise InvalidInput(
            "name other times", field="cron", hint="--cron '0 6 * * 1', --timezone Europe/Berlin"
        )
    with workspace.session() as session:
        person = workspace.actor(session, "work.manage")
        plan_for(session)
        row = change_schedule(session, person, name, now=workspace.clock.now(), cron=cron, timezone=timezone)
        return _told(row)


def _told(row: ScheduleRecord) -> dict[str, Any]:
    return {
        "name": row.name,
        "does": described(row.name),
        "cron": row.cron,
        "timezone": row.timezone,
        "active": row.is_active,
        "next_run_at": _local(row.next_run_at, row.timezone) if row.is_active else None,
        "last_run_at": None if row.last_run_at is None else _local(row.last_run_at, row.timezone),
        "last_job_id": None if row.last_job_id is None else str(row.last_job_id),
    }


def _local(moment: datetime, zone: str) -> str:
    """Return a moment as the clocks of the schedule's own zone show it, with their offset."""
    return moment.astimezone(zone_named(zone)).isoformat(timespec="seconds")
