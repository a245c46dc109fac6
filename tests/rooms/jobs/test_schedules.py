"""Schedules make one job for each time, whoever looks and however late."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from factories.people import People
from procur.core.errors import InvalidInput
from procur.db import DatabaseSession, Session
from procur.db.repositories import JobRepository, ScheduleRepository
from procur.jobs.schedules import fire_due

AGO = datetime.now(UTC) - timedelta(days=3)


def test_what_was_missed_is_made_up_for_once_by_one_of_several(
    database: DatabaseSession, people: People
) -> None:
    with database.get_session("acme") as session:
        schedules = ScheduleRepository(session)
        hourly = schedules.put("hourly", kind="add", cron="0 * * * *", next_run_at=AGO, queue="default").id
        paused = schedules.put("paused", kind="add", cron="0 * * * *", next_run_at=AGO).id
        schedules.pause(paused)
        schedules.put(
            "later", kind="add", cron="0 * * * *", next_run_at=datetime.now(UTC) + timedelta(days=1)
        )
    with database.get_session("rival") as session:
        ScheduleRepository(session).put("bent", kind="add", cron="0 * * * *", next_run_at=AGO)
    with database.system_session() as session:
        session.execute("UPDATE schedules SET timezone = 'Mars/Olympus' WHERE name = 'bent'")
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(lambda _: fire_due(database), range(4))) == 1
    with database.get_session("acme") as session:
        row = ScheduleRepository(session).get(hourly)
        [job] = JobRepository(session).get_all()
    assert (row.last_run_at, row.last_job_id) == (AGO, job.id)
    assert datetime.now(UTC) < row.next_run_at <= datetime.now(UTC) + timedelta(hours=1)
    assert (job.kind, job.state, job.organization_id) == ("add", "ready", people.organization_id)
    assert fire_due(database) == 0


@pytest.mark.parametrize(
    ("field", "cron", "zone"), [("cron", "0 0 31 2 *", "UTC"), ("timezone", "0 0 * * *", "Mars/Olympus")]
)
def test_a_schedule_that_is_never_due_is_not_taken(
    session: Session, field: str, cron: str, zone: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        ScheduleRepository(session).put("s", kind="add", cron=cron, timezone=zone, next_run_at=AGO)
    assert refused.value.field == field
