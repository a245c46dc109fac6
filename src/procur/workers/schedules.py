"""What every organisation has done by the clock, and how a person changes it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from procur.audit.kinds import SEAL
from procur.audit.trail import record
from procur.contracts.kinds import REMIND as REMIND_OF_RENEWALS
from procur.core.actor import Actor
from procur.core.cron import next_time
from procur.core.errors import NotFound
from procur.db import DatabaseSession, Session
from procur.db.models import JobRecord, ScheduleRecord
from procur.db.repositories import JobRepository, OrganizationRepository, ScheduleRepository
from procur.db.repositories.schedules import ATTEMPTS
from procur.events.facts import ScheduleChanged, SchedulePaused, ScheduleResumed, ScheduleStarted
from procur.identity.zones import zone_name_of
from procur.notifications.kinds import LOOK
from procur.vendors.kinds import REFRESH
from procur.vendors.kinds import REMIND as REMIND_OF_EVIDENCE
from procur.workers.kinds import CLEANUP


@dataclass(frozen=True, slots=True)
class Planned:
    """A schedule that every organisation gets: its name is that of the kind of work.

    `{minute}` in the cron line is a minute of the organisation's own, so that not all begin at once; `{five}`
    and `{ten}` are its first minute of every five or ten.
    """

    name: str
    queue: str
    cron: str
    says: str
    # Paused until somebody resumes it.
    waits: bool = False


PLANNED = (
    Planned(
        REMIND_OF_RENEWALS.name,
        REMIND_OF_RENEWALS.queue,
        "{minute} 6 * * *",
        "say which contracts renew or want notice, end those that have ended",
    ),
    Planned(
        REMIND_OF_EVIDENCE.name,
        REMIND_OF_EVIDENCE.queue,
        "{minute} 6 * * *",
        "say which proofs of vendors' compliance run out",
    ),
    # It reads pages of others in the internet, so it begins when somebody wants that.
    Planned(
        REFRESH.name,
        REFRESH.queue,
        "{minute} 3 * * *",
        "look up vendors' data that is older than 30 days, 50 at a time",
        waits=True,
    ),
    Planned(SEAL.name, SEAL.queue, "{five}-59/5 * * * *", "seal what was written to the audit trail"),
    Planned(
        LOOK.name,
        LOOK.queue,
        "{ten}-59/10 * * * *",
        "tell administrators of jobs and facts that were given up",
    ),
    Planned(CLEANUP.name, CLEANUP.queue, "{minute} 2 * * *", "remove what is past its time"),
)


def ensure_schedules(database: DatabaseSession) -> int:
    """Give every organisation the schedules it lacks; return how many were made.

    What is there stays as it is, paused or with other times.
    """
    with database.system_session(read_only=True) as session:
        lacking = ScheduleRepository(session).organizations_lacking(each.name for each in PLANNED)
    made = 0
    for organization in lacking:
        with database.get_session(organization) as session:
            made += plan_for(session)
    return made


def plan_for(session: Session, planned: Iterable[Planned] = PLANNED) -> int:
    """Give the session's organisation the schedules it lacks; return how many were made."""
    organization, schedules = OrganizationRepository(session).own(), ScheduleRepository(session)
    own, zone, made = organization.id.int, zone_name_of(organization), 0
    for each in planned:
        cron = each.cron.format(minute=own % 60, five=own % 5, ten=own % 10)
        made += schedules.ensure(
            each.name,
            kind=each.name,
            queue=each.queue,
            cron=cron,
            timezone=zone,
            next_run_at=next_time(cron, zone, schedules.now()),
            is_active=not each.waits,
        )
    return made


def list_schedules(session: Session, actor: Actor) -> list[ScheduleRecord]:
    """Return the organisation's schedules, by name."""
    actor.require("work.read")
    return sorted(ScheduleRepository(session).get_all(limit=1000), key=lambda row: row.name)


def pause_schedule(session: Session, actor: Actor, name: str, *, now: datetime) -> ScheduleRecord:
    """Let a schedule make no jobs for now; one that is paused stays so."""
    row = _managed(session, actor, name)
    if not row.is_active:
        return row
    row = ScheduleRepository(session).pause(row.id)
    record(session, actor, SchedulePaused(name), now=now, description=f"{name} is paused", category="system")
    return row


def resume_schedule(session: Session, actor: Actor, name: str, *, now: datetime) -> ScheduleRecord:
    """Let a paused schedule go on at its next time; what it missed is not made up for."""
    row = _managed(session, actor, name)
    if row.is_active:
        return row
    schedules = ScheduleRepository(session)
    row = schedules.resume(row.id, next_run_at=next_time(row.cron, row.timezone, schedules.now()))
    fact = ScheduleResumed(name, row.next_run_at.isoformat())
    record(session, actor, fact, now=now, description=f"{name} goes on", category="system")
    return row


def change_schedule(
    session: Session,
    actor: Actor,
    name: str,
    *,
    now: datetime,
    cron: str | None = None,
    timezone: str | None = None,
) -> ScheduleRecord:
    """Change when a schedule runs; a paused one stays paused. InvalidInput for what is never due."""
    row = _managed(session, actor, name)
    before = {"cron": row.cron, "timezone": row.timezone}
    after = {"cron": cron or row.cron, "timezone": timezone or row.timezone}
    if after == before:
        return row
    schedules = ScheduleRepository(session)
    row = schedules.put(
        name,
        kind=row.kind,
        queue=row.queue,
        payload=row.payload,
        next_run_at=next_time(after["cron"], after["timezone"], schedules.now()),
        **after,
    )
    record(
        session,
        actor,
        ScheduleChanged(name, row.cron, row.timezone, row.next_run_at.isoformat()),
        now=now,
        description=f"{name} runs at {row.cron} ({row.timezone}) from now on",
        changes={field: {"before": before[field], "after": after[field]} for field in before},
        category="system",
    )
    return row


def start_schedule(session: Session, actor: Actor, name: str, *, now: datetime) -> JobRecord:
    """Ask for a schedule's job at once, paused or not; its times stay as they are."""
    row = _managed(session, actor, name)
    job, _ = JobRepository(session).enqueue(
        row.kind,
        row.payload,
        queue=row.queue,
        priority=-1,
        max_attempts=ATTEMPTS,
        created_by=actor.user_id,
    )
    fact = ScheduleStarted(name, str(job.id))
    record(session, actor, fact, now=now, description=f"{name} was asked for at once", category="system")
    return job


def _managed(session: Session, actor: Actor, name: str) -> ScheduleRecord:
    actor.require("work.manage")
    row = ScheduleRepository(session).find(name=name)
    if row is None:
        raise NotFound(f"no schedule {name[:64]!r}", field="name", hint="procur schedules list")
    return ScheduleRepository(session).locked(row.id)


def described(name: str) -> str:
    """Return what a schedule does, in words; empty for one of somebody's own."""
    return next((each.says for each in PLANNED if each.name == name), "")
