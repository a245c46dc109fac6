"""Work for later is asked for once, whoever asks, and can be stopped and redriven."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from factories.people import People
from procur.core.clock import SteppingClock
from procur.core.errors import Conflict, InvalidInput, NotFound
from procur.db import DatabaseSession, Session
from procur.db.repositories import JobRepository, JobStepRepository, ScheduleRepository

NOW = datetime(2026, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_job_is_ready_at_once(session: Session, people: People) -> None:
    job, created = JobRepository(session).enqueue("mail", {"to": "a@b.example"}, created_by=people.alice.id)
    assert created
    assert (job.kind, job.queue, job.state, job.attempt, job.payload) == (
        "mail",
        "default",
        "ready",
        0,
        {"to": "a@b.example"},
    )
    assert job.run_at <= datetime.now(UTC)


def test_the_same_work_is_asked_for_once(session: Session) -> None:
    jobs = JobRepository(session)
    first, created = jobs.enqueue("round", {"round": 1}, dedupe_key="talks-1:1", priority=3, run_at=NOW)
    assert created
    assert (first.priority, first.run_at, first.payload) == (3, NOW, {"round": 1})
    again, made = jobs.enqueue("round", {"round": 9}, dedupe_key="talks-1:1")
    assert (again.id, made, again.payload) == (first.id, False, {"round": 1})
    assert jobs.enqueue("other", dedupe_key="talks-1:1")[1]
    assert jobs.enqueue("round", dedupe_key="talks-1:2")[1]
    assert jobs.enqueue("round")[1]
    assert jobs.enqueue("round")[1]
    assert jobs.count() == 5


def test_of_several_who_ask_together_one_makes_the_job(database: DatabaseSession, people: People) -> None:
    def ask(_: int) -> tuple[UUID, bool]:
        with database.get_session("acme") as session:
            job, created = JobRepository(session).enqueue("round", dedupe_key="k")
            return job.id, created

    with ThreadPoolExecutor(10) as pool:
        told = list(pool.map(ask, range(40)))
    assert len({key for key, _created in told}) == 1
    assert Counter(created for _key, created in told) == {True: 1, False: 39}


def test_a_rolled_back_request_for_work_leaves_no_job(database: DatabaseSession, people: People) -> None:
    scope = database.get_session("acme")
    JobRepository(scope.__enter__()).enqueue("round", dedupe_key="k")
    scope.close()
    with database.get_session("acme") as session:
        assert JobRepository(session).enqueue("round", dedupe_key="k")[1]


def test_two_organisations_may_use_one_key(database: DatabaseSession, people: People) -> None:
    with database.get_session("acme") as session:
        own, _created = JobRepository(session).enqueue("round", dedupe_key="k")
    with database.get_session("rival") as session:
        jobs = JobRepository(session)
        assert jobs.enqueue("round", dedupe_key="k")[1]
        assert jobs.get_by_id(own.id) is None
        with pytest.raises(NotFound):
            jobs.cancel(own.id)
        with pytest.raises(NotFound):
            JobStepRepository(session).remember(own.id, "ask", {})
        assert jobs.counts()["ready"] == 1
    with database.system_session() as session:
        assert JobRepository(session).counts()["ready"] == 2
        with pytest.raises(InvalidInput):
            JobRepository(session).enqueue("round", dedupe_key="k")
        again = JobRepository(session).enqueue("round", dedupe_key="k", organization_id=own.organization_id)
        assert (again[0].id, again[1]) == (own.id, False)


def _finished(session: Session, state: str) -> UUID:
    jobs = JobRepository(session)
    job, _created = jobs.enqueue("round", dedupe_key="k")
    jobs.update(job.id, state=state, attempt=5, finished_at=NOW)
    return job.id


@pytest.mark.parametrize("state", ["done", "failed", "dead"])
def test_a_finished_job_keeps_its_key(session: Session, state: str) -> None:
    key = _finished(session, state)
    job, created = JobRepository(session).enqueue("round", dedupe_key="k")
    assert (job.id, created) == (key, False)


def test_a_cancelled_job_gives_its_key_back(session: Session) -> None:
    jobs = JobRepository(session)
    first, _created = jobs.enqueue("round", dedupe_key="k")
    assert jobs.cancel(first.id, reason="not needed").last_error == "not needed"
    second, created = jobs.enqueue("round", dedupe_key="k")
    assert created
    assert second.id != first.id
    assert jobs.enqueue("round", dedupe_key="k")[0].id == second.id


def test_a_running_job_loses_its_lease_when_it_is_cancelled(session: Session) -> None:
    jobs = JobRepository(session)
    job, _created = jobs.enqueue("round")
    jobs.update(job.id, state="running", lease_token=uuid4(), lease_until=NOW)
    stopped = jobs.cancel(job.id)
    assert (stopped.state, stopped.lease_token, stopped.lease_until) == ("cancelled", None, None)
    assert stopped.finished_at is not None


@pytest.mark.parametrize("state", ["done", "failed", "dead", "cancelled"])
def test_what_is_finished_cannot_be_cancelled(session: Session, state: str) -> None:
    key = _finished(session, state)
    with pytest.raises(Conflict) as caught:
        JobRepository(session).cancel(key)
    assert caught.value.details == {"state": state}


@pytest.mark.parametrize("state", ["failed", "dead"])
def test_failed_and_dead_jobs_are_redriven(session: Session, state: str) -> None:
    key = _finished(session, state)
    jobs = JobRepository(session)
    job = jobs.redrive(key, run_at=NOW)
    assert (job.state, job.attempt, job.run_at, job.finished_at) == ("ready", 0, NOW, None)
    with pytest.raises(Conflict):
        jobs.redrive(key)


def test_jobs_are_listed_and_counted_by_state(session: Session) -> None:
    jobs = JobRepository(session)
    first, second = jobs.enqueue("a")[0], jobs.enqueue("b", queue="mail")[0]
    jobs.update(jobs.enqueue("c")[0].id, state="dead", finished_at=NOW)
    assert jobs.by_state("ready") == [first, second]
    assert jobs.by_state("ready", queue="mail") == [second]
    assert [job.kind for job in jobs.dead()] == ["c"]
    assert jobs.counts() == {"ready": 2, "running": 0, "done": 0, "failed": 0, "dead": 1, "cancelled": 0}
    assert jobs.counts(queue="mail")["ready"] == 1
    with pytest.raises(InvalidInput):
        jobs.by_state("lost")


BAD: dict[str, Any] = {
    "kind": "x" * 121,
    "payload": {"a": float("nan")},
    "queue": 5,
    "dedupe_key": "a\x00",
    "run_at": datetime(2026, 1, 1),  # noqa: DTZ001 - naive on purpose
    "priority": 1 << 31,
    "max_attempts": 0,
    "created_by": uuid4(),
}


@pytest.mark.parametrize("dedupe", [None, "k"])
@pytest.mark.parametrize("field", BAD)
def test_unfit_work_is_refused_by_name(
    database: DatabaseSession, people: People, field: str, dedupe: str | None
) -> None:
    given = {"kind": "round", "dedupe_key": dedupe, field: BAD[field]}
    with pytest.raises(InvalidInput) as caught, database.get_session("acme") as session:
        JobRepository(session).enqueue(**given)
    assert caught.value.field == field
    with database.get_session("acme") as session:
        assert JobRepository(session).count() == 0


def test_a_running_job_has_a_lease(session: Session) -> None:
    jobs = JobRepository(session)
    job, _created = jobs.enqueue("round")
    with pytest.raises(InvalidInput) as caught:
        jobs.update(job.id, state="running")
    assert caught.value.field == "lease_token"


def test_the_first_result_of_a_step_stands(session: Session) -> None:
    job, _created = JobRepository(session).enqueue("round")
    steps = JobStepRepository(session)
    assert steps.result(job.id, "ask") is None
    assert steps.remember(job.id, "ask", {"answer": "yes"}) == {"answer": "yes"}
    assert steps.remember(job.id, "ask", {"answer": "no"}) == {"answer": "yes"}
    assert steps.remember(job.id, "price", {}) == {}
    assert steps.result(job.id, "ask") == {"answer": "yes"}
    with pytest.raises(InvalidInput) as caught:
        steps.remember(job.id, "x" * 201, {})
    assert caught.value.field == "step"
    assert steps.count() == 2


def _nightly(schedules: ScheduleRepository, **values: Any) -> UUID:
    plain = {"kind": "renewals", "cron": "0 2 * * *", "next_run_at": NOW}
    return schedules.put("nightly", **plain | values).id


def test_a_schedule_is_set_up_once_and_changed(session: Session) -> None:
    schedules = ScheduleRepository(session)
    key = _nightly(schedules)
    schedules.pause(key)
    assert _nightly(schedules, cron="0 3 * * *", payload={"days": 30}) == key
    row = schedules.get(key)
    assert (row.cron, row.payload, row.is_active) == ("0 3 * * *", {"days": 30}, False)
    assert schedules.count() == 1


@pytest.mark.parametrize("cron", ["", "daily", "* * * *", "0 2 * * *\n", "0 2 * * * x; DROP", None])
def test_a_cron_line_has_five_fields(session: Session, cron: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        _nightly(ScheduleRepository(session), cron=cron)
    assert caught.value.field == "cron"


def test_a_schedule_fires_once_per_time(database: DatabaseSession, people: People) -> None:
    with database.get_session("acme") as session:
        key = _nightly(ScheduleRepository(session))

    def run(_: int) -> int:
        with database.system_session() as session:
            schedules = ScheduleRepository(session)
            due = schedules.due(NOW + HOUR)
            return sum(schedules.fire(row.id, next_run_at=NOW + 24 * HOUR) is not None for row in due)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(run, range(12))) == 1
    with database.get_session("acme") as session:
        schedules = ScheduleRepository(session)
        row = schedules.get(key)
        assert (row.next_run_at, row.last_run_at) == (NOW + 24 * HOUR, NOW)
        job = JobRepository(session).get(row.last_job_id)
        assert (job.kind, job.state) == ("renewals", "ready")
        assert JobRepository(session).count() == 1
        assert schedules.due(NOW + 24 * HOUR) == [row]


def test_a_paused_schedule_is_not_due(session: Session) -> None:
    schedules = ScheduleRepository(session)
    key = _nightly(schedules)
    assert schedules.due(NOW - HOUR) == []
    schedules.pause(key)
    assert schedules.due(NOW) == []
    schedules.resume(key, next_run_at=NOW + HOUR)
    assert [row.id for row in schedules.due(NOW + HOUR)] == [key]


def test_a_runner_that_is_late_fires_nothing(session: Session) -> None:
    session.info["clock"] = SteppingClock(NOW)
    schedules = ScheduleRepository(session)
    key = _nightly(schedules)
    job = schedules.fire(key, next_run_at=NOW + HOUR)
    assert job is not None
    JobRepository(session).update(job.id, state="done", finished_at=NOW)
    _nightly(schedules)  # put back to a time whose job exists
    assert schedules.fire(key, next_run_at=NOW + HOUR) is None
