"""Schedules make one job for each time, whoever looks and however late."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from factories.people import People
from procur.core.errors import InvalidInput
from procur.db import DatabaseSession, Session
from procur.db.repositories import (
    EventRepository,
    JobRepository,
    OrganizationRepository,
    ScheduleRepository,
    organization_key,
)
from procur.db.repositories.schedules import ATTEMPTS
from procur.jobs.schedules import fire_due

NOW = datetime.now(UTC)
AGO = NOW - timedelta(days=3)


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
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(lambda _: fire_due(database), range(4))) == 1
    with database.get_session("acme") as session:
        row = ScheduleRepository(session).get(hourly)
        [job] = JobRepository(session).get_all()
    assert (row.last_run_at, row.last_job_id) == (AGO, job.id)
    assert datetime.now(UTC) < row.next_run_at <= datetime.now(UTC) + timedelta(hours=1)
    assert (job.kind, job.state, job.organization_id) == ("add", "ready", people.organization_id)
    assert fire_due(database) == 0


def due_ones(database: DatabaseSession, *names: str, organization: str = "acme") -> None:
    with database.get_session(organization) as session:
        for name in names:
            ScheduleRepository(session).put(name, kind="add", cron="0 * * * *", next_run_at=AGO)


@pytest.mark.usefixtures("people")
def test_one_that_cannot_be_made_keeps_no_other_from_it(database: DatabaseSession) -> None:
    """A line, a zone and a payload that cannot be read any more, and all of a company that has closed."""
    due_ones(database, *(f"rival's {number}" for number in range(3)), organization="rival")
    due_ones(database, "bent", "gone", "huge", "one", "two", "zero")
    rival = organization_key(database, "rival")
    with database.system_session() as session:
        OrganizationRepository(session).soft_delete(rival)
        for column, value, name in (
            ("timezone", "Mars/Olympus", "bent"),
            ("cron", "0 0 31 2 *", "gone"),
            ("payload", '{"a": ' + 200 * "[" + 200 * "]" + "}", "huge"),
        ):
            session.execute(f"UPDATE schedules SET {column} = '{value}' WHERE name = '{name}'")
    assert fire_due(database, limit=2) == 3
    assert fire_due(database) == 0
    with database.get_session("acme") as session:
        rows = {row.name: row for row in ScheduleRepository(session).get_all()}
        assert {name for name, row in rows.items() if not row.is_active} == {"bent", "gone", "huge"}
        assert {row.last_run_at for name, row in rows.items() if row.is_active} == {AGO}
        facts = [row for row in EventRepository(session).get_all() if row.type == "SchedulePaused"]
        assert {row.aggregate_id for row in facts} == {"bent", "gone", "huge"}
        assert all(row.payload["reason"] for row in facts)
        assert {job.max_attempts for job in JobRepository(session).get_all()} == {ATTEMPTS}


@pytest.mark.usefixtures("people")
def test_a_schedule_whose_job_nobody_does_makes_no_second_one(database: DatabaseSession) -> None:
    due_ones(database, "hourly")
    made = []
    for state in ("ready", "ready", "running", "ready", "done"):
        made.append(fire_due(database))
        with database.get_session("acme") as session:
            jobs, schedules = JobRepository(session), ScheduleRepository(session)
            row = schedules.find(name="hourly")
            assert row is not None
            assert row.next_run_at > datetime.now(UTC)
            last = jobs.get(row.last_job_id)
            ends = {"finished_at": NOW} if state == "done" else {}
            leased = {"lease_token": uuid4(), "lease_until": NOW} if state == "running" else {}
            jobs.update(last.id, state=state, **ends, **leased)
            schedules.update(row.id, next_run_at=AGO + timedelta(hours=len(made)))
    assert made == [1, 0, 0, 1, 0]
    assert fire_due(database) == 1


@pytest.mark.parametrize(
    ("field", "cron", "zone"), [("cron", "0 0 31 2 *", "UTC"), ("timezone", "0 0 * * *", "Mars/Olympus")]
)
def test_a_schedule_that_is_never_due_is_not_taken(
    session: Session, field: str, cron: str, zone: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        ScheduleRepository(session).put("s", kind="add", cron=cron, timezone=zone, next_run_at=AGO)
    assert refused.value.field == field
