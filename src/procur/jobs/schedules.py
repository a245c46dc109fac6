"""Makes the jobs of schedules that are due, once each, however many machines look."""

from uuid import UUID

from procur.core.cron import next_time
from procur.core.errors import InvalidInput, ProcurError, Unavailable
from procur.core.logs import get_logger
from procur.db import DatabaseSession
from procur.db.repositories import ScheduleRepository
from procur.events.facts import SchedulePaused
from procur.events.outbox import publish

_Unfit = dict[UUID, tuple[UUID, InvalidInput]]  # by schedule: whose it is, and what is wrong with it


def fire_due(database: DatabaseSession, *, limit: int = 100) -> int:
    """Make a job for every schedule that is due by the database's clock; return how many jobs were made.

    However many times were missed, one job is made, and the next time is the first one to come. What goes
    wrong with one schedule is its own affair; one that cannot be read any more is paused. `limit`: how many
    schedules share a transaction.
    """
    with database.system_session(read_only=True) as session:
        if not ScheduleRepository(session).any_due():
            return 0
    total = 0
    while True:
        looked_at, moved, made, unfit = _fire_some(database, limit)
        moved += sum(_pause(database, owner, key, error) for key, (owner, error) in unfit.items())
        total += made
        # Those that could not be moved on are not waited for: they are looked at again next time.
        if looked_at < limit or not moved:
            return total


def _fire_some(database: DatabaseSession, limit: int) -> tuple[int, int, int, _Unfit]:
    """Return how many schedules were due, have a new time, have made a job; and which cannot be read."""
    moved, made, unfit = 0, 0, {}
    with database.system_session() as session:
        schedules = ScheduleRepository(session)
        now = schedules.now()
        due = [(row.id, row.organization_id, row.cron, row.timezone) for row in schedules.due(now, limit)]
        for key, organization, cron, timezone in due:
            try:
                with session.begin_nested():
                    made += schedules.fire(key, next_run_at=next_time(cron, timezone, now)) is not None
            except Unavailable:
                raise
            except InvalidInput as error:
                unfit[key] = organization, error
            except ProcurError as error:
                log = get_logger("procur.jobs")
                log.warning("a schedule is passed by", schedule_id=str(key), error=error.message)
            else:
                moved += 1
    return len(due), moved, made, unfit


def _pause(database: DatabaseSession, organization: UUID, key: UUID, error: InvalidInput) -> bool:
    """Pause a schedule that cannot be read, and tell its organisation why; say if it rests now."""
    log = get_logger("procur.jobs")
    try:
        with database.get_session(organization) as session:
            schedules = ScheduleRepository(session)
            row = schedules.locked(key)
            if not row.is_active:
                return True
            schedules.pause(key)
            fact = SchedulePaused(row.name, error.message)
            publish(session, fact, actor_type="system", actor_id="procur", now=schedules.now())
    except Unavailable:
        raise
    except ProcurError as refused:
        log.warning("a schedule cannot be read", schedule_id=str(key), error=refused.message)
        return False
    log.warning("a schedule is paused", schedule_id=str(key), error=error.message)
    return True
