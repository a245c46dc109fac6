"""A worker's threads do what is asked for, keep their leases, and end well."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sums
from sums import Add, adding, ask, expire, job, total, until

from factories.people import People
from procur.core.errors import InvalidInput
from procur.db import DatabaseSession
from procur.db.repositories import JobRepository
from procur.db.wake import Wake
from procur.jobs.kinds import Kind
from procur.jobs.task import LeaseLost, Task, Work
from procur.jobs.worker import Worker

SOON = 20.0


@pytest.fixture(autouse=True)
def organisations(request: pytest.FixtureRequest) -> None:
    if "database" in request.fixturenames:
        request.getfixturevalue("people")


@contextmanager
def working(database: DatabaseSession, *tasks: Task[Any], **options: Any) -> Iterator[Worker]:
    worker = Worker(database, tasks, **{"threads": 2, "lease": 5.0, "schedules": False, **options})
    worker.start()
    try:
        yield worker
    finally:
        worker.stop(5.0)


def test_what_is_asked_for_is_done_once_each(database: DatabaseSession) -> None:
    with database.get_session("acme") as session:
        for _ in range(40):
            sums.ADD.ask(session, Add("sum"))
    with working(database, adding()), working(database, adding(), wake=Wake(database, hints=False)):
        for _ in range(10):
            ask(database)
        until(lambda: total(database) == 50)
    with database.get_session("acme") as session:
        assert JobRepository(session).counts()["done"] == 50


def test_work_without_an_effect_is_noted_in_batches(database: DatabaseSession) -> None:
    done: list[int] = []
    with database.get_session("acme") as session:
        for _ in range(30):
            sums.ADD.ask(session, Add("sum"))
    with working(database, Task(sums.ADD, think=lambda work, _: done.append(work.attempt))) as worker:
        until(lambda: len(done) == 30 and worker.idle())
    with database.get_session("acme") as session:
        assert JobRepository(session).counts()["done"] == 30


def test_kinds_it_does_not_know_are_left_to_others(database: DatabaseSession) -> None:
    unknown = ask(database, kind=Kind("unknown", "default", Add))
    other = ask(database, kind=Kind("add", "elsewhere", Add))
    with working(database, adding()):
        known = ask(database)
        until(lambda: job(database, known).state == "done")
    assert job(database, unknown).state == job(database, other).state == "ready"


def test_long_work_keeps_its_lease_and_hears_of_its_loss(database: DatabaseSession) -> None:
    kept, lost = threading.Event(), threading.Event()

    def think(work: Work, _payload: Add) -> None:
        kept.wait(SOON)
        try:
            while True:
                work.check()
                time.sleep(0.01)
        except LeaseLost:
            lost.set()
            raise

    with working(database, adding(think), lease=0.3):
        key = ask(database)
        until(lambda: job(database, key).state == "running")
        first = job(database, key).lease_until
        until(lambda: job(database, key).lease_until != first)
        kept.set()
        with database.get_session("acme") as session:
            JobRepository(session).cancel(key)
        assert lost.wait(SOON)
    assert (job(database, key).state, total(database)) == ("cancelled", 0)


def test_what_takes_too_long_or_breaks_its_thread_is_tried_again(database: DatabaseSession) -> None:
    stuck = threading.Event()

    def think(work: Work, payload: Add) -> None:
        if work.attempt == 1 and payload.name == "slow":
            stuck.wait(SOON)
        elif work.attempt == 1:
            raise SystemExit(3)

    brief = Kind("add", "default", Add, max_attempts=3, lasts=0.2)
    with working(database, adding(think, kind=brief), lease=0.3):
        ask(database, "slow")
        ask(database, "broken")
        until(lambda: total(database, "slow") == total(database, "broken") == 1)
        stuck.set()
    assert total(database, "slow") == 1


def test_stopping_hands_back_what_is_not_done(database: DatabaseSession) -> None:
    begun, go_on = threading.Semaphore(0), threading.Event()

    def think(_work: Work, _payload: Add) -> None:
        begun.release()
        go_on.wait(SOON)

    keys = [ask(database) for _ in range(6)]
    worker = Worker(database, [adding(think)], threads=2, lease=60.0, schedules=False)
    worker.start()
    for _ in range(2):
        assert begun.acquire(timeout=SOON)
    assert not worker.stop(timeout=0.3)
    assert {(job(database, key).state, job(database, key).attempt) for key in keys} == {("ready", 0)}
    go_on.set()
    with working(database, adding()):
        until(lambda: total(database) == 6)


def test_stopping_lets_what_is_begun_finish(database: DatabaseSession) -> None:
    begun = threading.Event()

    def think(_work: Work, _payload: Add) -> None:
        begun.set()
        time.sleep(0.2)

    key = ask(database)
    worker = Worker(database, [adding(think)], threads=1, schedules=False)
    worker.start()
    assert begun.wait(SOON)
    assert worker.stop(timeout=SOON)
    assert (job(database, key).state, total(database)) == ("done", 1)


def test_what_a_dead_worker_left_is_taken_over(database: DatabaseSession, people: People) -> None:
    def dies(_work: Work, _payload: Add) -> None:
        raise GeneratorExit

    key = ask(database)
    with pytest.raises(GeneratorExit):
        sums.drain_with(database, adding(dies))
    expire(database)
    with working(database, adding()):
        until(lambda: job(database, key).state == "done")
    assert (job(database, key).attempt, total(database)) == (2, 1)


@pytest.mark.parametrize(
    ("field", "options"), [("threads", {"threads": 0}), ("lease", {"lease": 0}), ("queues", {"queues": ()})]
)
def test_a_worker_that_cannot_work_is_refused(
    sqlite_database: DatabaseSession, field: str, options: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInput) as refused:
        Worker(sqlite_database, [adding()], **options)
    assert refused.value.field == field
