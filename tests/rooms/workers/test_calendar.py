"""Every organisation has its calendar; what a person changes in it stays changed."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from factories.house import ALICE, BOB, OLGA, House
from procur.audit.kinds import SEAL
from procur.cli.steps import schedules as steps
from procur.core.errors import InvalidInput, NotAllowed, NotFound
from procur.db import DatabaseSession
from procur.db.repositories import (
    AuditRepository,
    EventRepository,
    JobRepository,
    OrganizationRepository,
    ScheduleRepository,
    VendorRepository,
)
from procur.events.inprocess import deliver
from procur.jobs.drain import drain
from procur.jobs.schedules import fire_due
from procur.vendors.refreshing import refresh_stale_vendors
from procur.workers.handlers import plan_new_organization
from procur.workers.planning import Planning
from procur.workers.relay_house import RelayHouse
from procur.workers.schedules import PLANNED, ensure_schedules
from procur.workers.tasks import tasks
from procur.workers.tools import Tools

PAST = datetime(2020, 1, 1, tzinfo=UTC)


def names(database: DatabaseSession, organization: str) -> list[str]:
    with database.get_session(organization, read_only=True) as session:
        return sorted(row.name for row in ScheduleRepository(session).get_all())


def row_of(house: House, name: str) -> Any:
    with house.session() as session:
        return ScheduleRepository(session).find(name=name)


@pytest.mark.usefixtures("people")
def test_every_organisation_gets_them_once_and_new_ones_too(database: DatabaseSession) -> None:
    expected = sorted(each.name for each in PLANNED)
    assert ensure_schedules(database) == 3 * len(PLANNED)  # Acme, Rival and the default one
    assert ensure_schedules(database) == 0
    assert names(database, "acme") == names(database, "rival") == expected
    with database.system_session() as session:
        settings = {"timezone": "Asia/Tokyo"}
        OrganizationRepository(session).create(name="New", slug="new", settings=settings)
    assert ensure_schedules(database) == len(PLANNED)
    with database.get_session("new", read_only=True) as session:
        rows = ScheduleRepository(session).get_all()
        assert {row.timezone for row in rows} == {"Asia/Tokyo"}
        at_six = next(row for row in rows if row.name == "remind_of_renewals").next_run_at
        assert at_six.hour == 21
    known = {task.kind.name: task.kind.queue for task in tasks(Tools.from_environment(None, database))}  # type: ignore[arg-type]
    assert {each.name: each.queue for each in PLANNED}.items() <= known.items()


@pytest.mark.usefixtures("people")
def test_it_is_planned_wherever_jobs_are_told_of_and_again_later(
    database: DatabaseSession, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PROCUR_CELERY_BROKER_URL", "redis://127.0.0.1:1/0")  # away: that is no hindrance
    relay = RelayHouse(database, Tools(database, tmp_path), [])
    relay.start()
    try:
        assert len(names(database, "acme")) == len(PLANNED)
    finally:
        assert relay.stop()
    planning = Planning(database, every=0.01)
    planning.start()
    with database.system_session() as session:
        OrganizationRepository(session).create(name="New", slug="new")
    until = time.monotonic() + 20
    while len(names(database, "new")) < len(PLANNED):
        assert time.monotonic() < until
    planning.stop()


def test_a_new_organisation_is_planned_for_when_it_is_set_up(house: House) -> None:
    assert names(house.database, "acme") == []
    deliver(house.database, [plan_new_organization], organization="acme")
    assert len(names(house.database, "acme")) == len(PLANNED)
    assert names(house.database, "rival") == []


def test_stale_vendors_are_asked_for_once_per_period_and_some_at_a_time(house: House) -> None:
    now = datetime(2026, 11, 21, 3, tzinfo=UTC)

    def look(days: int = 0, most: int = 2) -> list[str]:
        at = now + timedelta(days=days)
        with house.database.get_session("acme") as session:
            before = JobRepository(session).count()
            asked = refresh_stale_vendors(session, now=at, days=30, most=most)
            rows = JobRepository(session).get_all(limit=1000)[before:]
            assert len(rows) == asked
            assert all(at <= row.run_at < at + timedelta(hours=1) for row in rows)
            return sorted(row.payload["vendor_id"] for row in rows)

    with house.database.get_session("acme") as session:
        vendors = VendorRepository(session)
        for vendor_id, pages in (("zz-named", ["https://vendor.example/pricing"]), ("zz-not", [])):
            vendors.create(vendor_id=vendor_id, name=vendor_id, vendor_metadata={"pages": pages})
        ids = sorted(row.vendor_id for row in vendors.everyone())
        for place, vendor_id in enumerate(ids):
            seen = now - timedelta(days=40 * place) if place else None
            site = None if place == 1 or vendor_id.startswith("zz") else "https://vendor.example"
            vendors.update(vendors.named(vendor_id).id, website=site, last_enriched_at=seen)
    # Never looked up comes first; without a website or a named page there is nothing to look at.
    assert look(most=1) == [ids[0]]
    assert look(most=100) == ids[2:-1]
    assert look(most=100) == []
    # In the next period they are asked for again, and others have grown old.
    assert set(look(days=31, most=100)) == set(ids) - {ids[1], "zz-not"}


def test_what_a_person_changes_stays_and_is_on_record(house: House) -> None:
    olga = house.as_(OLGA)
    assert len(steps.list_all(house.alice)["schedules"]) == len(PLANNED)
    changed = steps.change(olga, "cleanup", cron="30 4 * * 0", timezone="Europe/Berlin")
    assert (changed["cron"], changed["timezone"]) == ("30 4 * * 0", "Europe/Berlin")
    assert datetime.fromisoformat(changed["next_run_at"]).weekday() == 6
    assert "T04:30:00+0" in changed["next_run_at"]
    assert steps.pause(olga, "cleanup")["next_run_at"] is None
    steps.pause(olga, "cleanup")
    ensure_schedules(house.database)
    kept = row_of(house, "cleanup")
    assert (kept.cron, kept.is_active) == ("30 4 * * 0", False)
    steps.change(olga, "cleanup", cron="0 5 * * *", timezone=None)
    assert not row_of(house, "cleanup").is_active
    with house.database.get_session("acme") as session:
        ScheduleRepository(session).update(kept.id, next_run_at=PAST)
    fire_due(house.database)
    assert row_of(house, "cleanup").last_run_at is None
    resumed = steps.resume(olga, "cleanup")
    assert resumed["active"]
    assert row_of(house, "cleanup").next_run_at > PAST
    with house.session() as session:
        said = [
            row.type
            for row in EventRepository(session).get_all(limit=1000)
            if row.aggregate_type == "schedule"
        ]
        assert said == ["ScheduleChanged", "SchedulePaused", "ScheduleChanged", "ScheduleResumed"]


def test_what_waits_is_resumed_where_nothing_was_planned_yet(house: House) -> None:
    assert names(house.database, "acme") == []
    assert steps.resume(house.as_(OLGA), "refresh_stale_vendors")["active"]


def test_times_are_spread_over_organisations(house: House) -> None:
    """By the organisation's key, so that what all have does not begin in one minute for all."""
    assert ensure_schedules(house.database) == 3 * len(PLANNED)
    with house.database.system_session() as session:
        rows = ScheduleRepository(session).get_all(limit=1000, name=SEAL.name)
    assert {row.cron for row in rows} == {f"{row.organization_id.int % 5}-59/5 * * * *" for row in rows}
    assert {row.next_run_at.minute % 5 for row in rows} == {row.organization_id.int % 5 for row in rows}


def test_who_may_look_may_not_change(house: House) -> None:
    assert steps.list_all(house.as_(BOB))["schedules"]
    for who in (ALICE, BOB):
        for attempt in (steps.pause, steps.resume, steps.run):
            with pytest.raises(NotAllowed):
                attempt(house.as_(who), "cleanup")
    olga = house.as_(OLGA)
    with pytest.raises(NotFound, match="no schedule"):
        steps.pause(olga, "lunch")
    for cron, zone in (("61 * * * *", None), ("0 0 31 2 *", None), (None, "Mars/Olympus"), (None, None)):
        with pytest.raises(InvalidInput):
            steps.change(olga, "cleanup", cron=cron, timezone=zone)


def test_a_due_schedule_does_its_work(house: House) -> None:
    """From the clock to the sealed trail, and the same at once when somebody asks."""
    ensure_schedules(house.database)
    with house.database.get_session("acme") as session:
        schedules = ScheduleRepository(session)
        waits = AuditRepository(session).count()
        row = schedules.find(name=SEAL.name)
        assert row is not None
        schedules.update(row.id, next_run_at=PAST)
    assert fire_due(house.database) == 1
    every = tasks(Tools(house.database, house.workspace.home))
    assert drain(house.database, every, organization="acme") == 1
    with house.session() as session:
        (done,) = JobRepository(session).get_all(kind=SEAL.name)
        assert (done.state, done.result) == ("done", {"sealed": waits, "size": waits})
    asked = steps.run(house.as_(OLGA), "cleanup")
    drain(house.database, every, organization="acme")
    with house.session() as session:
        job = JobRepository(session).get(asked["job_id"])
        assert (job.state, job.result) == ("done", {"removed": {}})
