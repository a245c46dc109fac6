"""Makes the jobs of schedules that are due, once each, however many machines look."""

from procur.core.cron import next_time
from procur.core.errors import InvalidInput
from procur.core.logs import get_logger
from procur.db import DatabaseSession
from procur.db.repositories import ScheduleRepository


def fire_due(database: DatabaseSession, *, limit: int = 100) -> int:
    """Make a job for every schedule that is due by the database's clock; return how many jobs were made.

    However many times were missed, one job is made, and the next time is the first one to come. A schedule
    whose line or time zone cannot be read any more is passed by.
    """
    made = 0
    with database.system_session(read_only=True) as session:
        if not ScheduleRepository(session).any_due():
            return 0
    with database.system_session() as session:
        schedules = ScheduleRepository(session)
        now = schedules.now()
        for schedule in schedules.due(now, limit):
            try:
                planned = next_time(schedule.cron, schedule.timezone, now)
            except InvalidInput as error:
                log = get_logger("procur.jobs")
                log.warning("schedule is passed by", schedule=schedule.name, error=error.message)
                continue
            made += schedules.fire(schedule.id, next_run_at=planned) is not None
    return made
