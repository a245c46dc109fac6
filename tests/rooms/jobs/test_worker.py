"""A worker's threads do what is asked for, keep their leases, and end well."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
import sums
from sums import ADD, Add, adding, ask, expire, job, total, until

from factories.people import People
from procur.core.errors import InvalidInput, ProcurError
from procur.db import DatabaseSession
from procur.db.repositories import ClaimedJob, ClaimRepository, JobRepository, Lease, Queues
from procur.db.wake import Wake
from procur.jobs.desk import Desk
from procur.jobs.keeping import LeaseKeeper, reap_all
from procur.jobs.kinds import Kind
from procur.jobs.outage import Outage, endless
from procur.jobs.task import LeaseLost, Task, Work
from procur.jobs.worker import Worker

SOON = 20.0


@pytest.fixture(autouse=True)
def organisations(request: pytest.FixtureRequest) -> None:
    if "database" in request.fixturenames:
        request.getfixturevalue("people")


class Heard(Outage):
    """Counts what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.tries = self.ends = 0

    def began(self, error: ProcurError) -> None:
        self.tries += 1
        super().began(error)

    def over(self) -> None:
        self.ends += 1
        super().over()


@contextmanager
def working(database: DatabaseSession, *tasks: Task[Any], **options: Any) -> Iterator[Worker]:
    worker = Worker(database, tasks, **{"threads": 2, "lease": 5.0, "schedules": False, **options})
    worker.start()
    try:
        yield worker
    finally:
        worker.stop(5.0)


def let_go(go_on: threading.Event, worker: Worker) -> None:
    """Let jobs end that outlived their worker, before the database goes with the test."""
    go_on.set()
    for thread in worker._doing:
        thread.join(SOON)


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


def test_work_without_an_effect_is_noted_in_batches(
    database: DatabaseSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[int] = []

    def noted(self: ClaimRepository, jobs: list[ClaimedJob]) -> set[UUID]:
        notes.append(len(jobs))
        return finish_many(self, jobs)

    finish_many = ClaimRepository.finish_many
    monkeypatch.setattr(ClaimRepository, "finish_many", noted)
    with database.get_session("acme") as session:
        sums.ADD.ask_all(session, {str(number): Add("sum") for number in range(300)})
    with working(database, Task(sums.ADD, think=lambda _work, _: None)):
        until(lambda: sum(notes) == 300)
    assert max(notes) > 10
    with database.get_session("acme") as session:
        assert JobRepository(session).counts()["done"] == 300


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


def test_what_breaks_its_thread_is_tried_again(database: DatabaseSession) -> None:
    def think(work: Work, _payload: Add) -> None:
        if work.attempt == 1:
            raise SystemExit(3)

    with working(database, adding(think), lease=0.3) as worker:
        key = ask(database)
        until(lambda: total(database) == 1)
        assert worker.ended() == []
    assert job(database, key).attempt == 2


def test_jobs_that_hang_take_their_threads_and_nothing_else(
    database: DatabaseSession, caplog: pytest.LogCaptureFixture
) -> None:
    """They hang in one worker until its threads are gone; it says so, and takes no more from the others."""
    stuck, hanging = threading.Event(), threading.Semaphore(0)

    def think(work: Work, payload: Add) -> None:
        if payload.name == "slow" and work.attempt == 1:
            hanging.release()
            stuck.wait(SOON)

    brief = Kind("add", "default", Add, max_attempts=9, lasts=0.2)
    with working(database, adding(think, kind=brief), lease=0.3) as first:
        slow = [ask(database, "slow") for _ in range(2)]
        for _ in slow:
            assert hanging.acquire(timeout=SOON)
        until(first.hung)
        until(lambda: {job(database, key).state for key in slow} == {"ready"})
        quick = ask(database)
        with working(database, adding(think, kind=brief)) as second:
            until(lambda: total(database, "slow") == 2 and total(database) == 1)
            assert {job(database, key).worker for key in (*slow, quick)} == {second.name}
            assert {job(database, key).attempt for key in slow} == {2}
        assert "every thread is held" in caplog.text
        stuck.set()
        until(lambda: not first.hung() and first.idle())
        ask(database)
        until(lambda: total(database) == 2)
    assert total(database, "slow") == 2


def test_one_thread_serves_all_queues_alike(database: DatabaseSession) -> None:
    order: list[str] = []
    a, b = Kind("a", "a", Add), Kind("b", "b", Add)
    tasks = [Task(kind, commit=lambda *_, kind=kind: order.append(kind.name)) for kind in (a, b)]
    with database.get_session("acme") as session:
        a.ask_all(session, {str(number): Add("sum") for number in range(300)})
        b.ask_all(session, {str(number): Add("sum") for number in range(3)})
    with working(database, *tasks, queues=("a", "b"), threads=1):
        until(lambda: order.count("b") == 3)
    assert order[:20].count("b") == 3


def test_a_full_queue_is_asked_more_and_more_seldom_until_a_job_ends(
    database: DatabaseSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments: list[float] = []

    def counted(self: ClaimRepository, *given: Any, **more: Any) -> list[ClaimedJob]:
        moments.append(time.monotonic())
        return claim(self, *given, **more)

    keys, claim = [ask(database) for _ in range(2)], ClaimRepository.claim
    with database.system_session() as session:
        wanted, lease = Queues(("default",), ("add",)), Lease(uuid4(), "elsewhere", 30.0)
        [elsewhere] = ClaimRepository(session).claim(wanted, 1, lease=lease)
    monkeypatch.setattr(ClaimRepository, "claim", counted)
    with working(database, adding(), limits={"default": 1}):
        until(lambda: len(moments) >= 5)
        assert moments[4] - moments[0] > 0.6  # 0.05 + 0.1 + 0.2 + 0.4; not each 0.05
        with database.system_session() as session:
            ClaimRepository(session).finish_many([elsewhere])
        until(lambda: {job(database, key).state for key in keys} == {"done"})


def test_jobs_that_wait_for_a_thread_too_long_go_to_others(database: DatabaseSession) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def think(_work: Work, payload: Add) -> None:
        if payload.name == "slow":
            begun.set()
            go_on.wait(SOON)

    with database.get_session("acme") as session:
        for number in range(60):  # fast ones first, so that many are claimed ahead
            sums.ADD.ask(session, Add("slow" if number == 40 else "sum"), priority=number)
    with working(database, adding(think), threads=1) as first:
        assert begun.wait(SOON)
        with working(database, adding(think)) as second:
            until(lambda: total(database) == 59)
            assert not first.idle()
            assert second.idle()
        go_on.set()
        until(lambda: total(database, "slow") == 1)


def test_a_lease_that_nobody_took_over_is_ours_after_an_outage(database: DatabaseSession) -> None:
    """For longer than the keeper's lease it reaches no database: a fresh job is kept, not given up."""
    key, outage = ask(database), Heard()
    with database.system_session() as session:
        wanted, lease = Queues(("default",), ("add",)), Lease(uuid4(), "w", 30.0)
        taken = ClaimRepository(session).claim(wanted, 1, lease=lease)
    desk, stopped = Desk(), threading.Event()
    desk.put(taken)
    held = desk.take()
    assert held is not None
    before = job(database, key).lease_until
    keeper = LeaseKeeper(database, desk, {"add": adding()}, threads=1, lease=0.3)
    away = DatabaseSession("sqlite:////nowhere/at/all.db")
    keeper._database = away
    thread = threading.Thread(target=endless(partial(keeper.run, stopped, outage), stopped, outage))
    thread.start()
    until(lambda: outage.tries > 2)
    time.sleep(0.4)
    keeper._database = database
    until(lambda: job(database, key).lease_until != before)
    stopped.set()
    thread.join()
    away.close()
    assert not held.lost


def test_a_keeper_with_nothing_to_keep_says_nothing_of_the_database(sqlite_database: DatabaseSession) -> None:
    outage, stopped = Heard(), threading.Event()
    keeper = LeaseKeeper(sqlite_database, Desk(), {}, threads=1, lease=0.03)
    thread = threading.Thread(target=keeper.run, args=(stopped, outage))
    thread.start()
    time.sleep(0.1)
    stopped.set()
    thread.join()
    assert outage.ends == 0


def test_stopping_waits_for_no_database(database: DatabaseSession) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def think(_work: Work, _payload: Add) -> None:
        begun.set()
        go_on.wait(SOON)

    key = ask(database)
    worker = Worker(database, [adding(think)], threads=1, lease=60.0, schedules=False)
    worker.start()
    assert begun.wait(SOON)
    with database.system_session() as session:
        session.execute("UPDATE jobs SET priority = 0")  # nobody else may write them now
        started = time.monotonic()
        assert not worker.stop(timeout=0.5)
        assert time.monotonic() - started < 3
    until(lambda: job(database, key).state == "ready")  # it arrives all the same
    let_go(go_on, worker)


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
    # At once, unless the database is slow: then nobody waits for it, and it arrives all the same.
    until(lambda: {(job(database, key).state, job(database, key).attempt) for key in keys} == {("ready", 0)})
    let_go(go_on, worker)
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


@pytest.mark.usefixtures("people")
def test_what_many_dead_workers_left_is_freed_at_one_look(database: DatabaseSession) -> None:
    with database.get_session("acme") as session:
        ADD.ask_all(session, {str(number): Add("sum") for number in range(250)})
    with database.system_session() as session:
        taken = ClaimRepository(session).claim_some([ADD.name], 250, lease=Lease(uuid4(), "gone", -1.0))
        assert len(taken) == 250
    assert reap_all(database) == (250, 0)
    assert reap_all(database) == (0, 0)


@pytest.mark.parametrize(
    ("field", "options"), [("threads", {"threads": 0}), ("lease", {"lease": 0}), ("queues", {"queues": ()})]
)
def test_a_worker_that_cannot_work_is_refused(
    sqlite_database: DatabaseSession, field: str, options: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInput) as refused:
        Worker(sqlite_database, [adding()], **options)
    assert refused.value.field == field
