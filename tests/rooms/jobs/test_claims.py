"""Jobs are taken fairly, by one worker each, never too many of a queue; a lost lease writes nothing."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, select
from sums import expire, job, make_due

from factories.people import People
from procur.core.errors import NotAllowed
from procur.db import DatabaseSession
from procur.db.models import JobRecord
from procur.db.moments import database_time
from procur.db.repositories import (
    ClaimedJob,
    ClaimRepository,
    FigureRepository,
    JobRepository,
    Lease,
    LeaseRepository,
    Narrowed,
    OrganizationRepository,
    Queues,
)
from procur.jobs.turns import Turns

WANTED = Queues(("q", "r"), ("add",))


def fill(
    database: DatabaseSession,
    owner: UUID,
    number: int,
    *,
    queue: str = "q",
    due: float = -1,
    kind: str = "add",
) -> None:
    """Write ready jobs past the repository, as thousands of requests would."""
    when = datetime.now(UTC) + timedelta(seconds=due)
    base = {"organization_id": owner, "kind": kind, "queue": queue, "run_at": when, "state": "ready"}
    with database.system_session() as session:
        rows = [{**base, "id": uuid4(), "payload": {}, "priority": 0} for _ in range(number)]
        session.connection().execute(JobRecord.__table__.insert(), rows)


def claim(
    database: DatabaseSession, limit: int, *, wanted: Queues = WANTED, after: dict[str, UUID] | None = None
) -> list[ClaimedJob]:
    with database.system_session() as session:
        return ClaimRepository(session).claim(wanted, limit, lease=Lease(uuid4(), "w", 30), after=after)


def test_one_company_s_thousands_neither_starve_nor_slow_another(
    database: DatabaseSession, people: People
) -> None:
    many, single = people.organization_id, people.other_organization_id
    fill(database, many, 10_000)
    fill(database, many, 2_000, due=3600)
    fill(database, single, 1)
    before = time.process_time()
    first = claim(database, 20)
    assert {one.organization_id for one in first[:2]} == {many, single}
    assert len(first) == 20
    last = many
    for _ in range(20):
        fill(database, single, 1)
        for expected in (single, many):
            [turn] = claim(database, 1, after={"q": last})
            assert turn.organization_id == expected
            last = turn.organization_id
    assert time.process_time() - before < 4
    plan = _plan_of_claim(database)
    assert "ix_jobs_ready" in plan
    assert "ix_jobs_due" in plan
    assert "SCAN j " not in plan
    assert "Seq Scan on jobs" not in plan


def _plan_of_claim(database: DatabaseSession) -> str:
    """Explain the very statement of a claim, with its parameters."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if "RECURSIVE" in statement:
            asked.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    claim(database, 4)
    event.remove(database.engine, "before_cursor_execute", note)
    [(statement, parameters)] = asked
    explain = "EXPLAIN QUERY PLAN " if database.engine.dialect.name == "sqlite" else "EXPLAIN "
    with database.system_session() as session:
        ClaimRepository(session)  # turns off other ways for this transaction
        found = session.connection().exec_driver_sql(explain + statement, parameters)
        return "\n".join(str(row[-1]) for row in found)


def test_what_waits_for_a_retry_or_for_others_costs_no_look(
    database: DatabaseSession, people: People
) -> None:
    fill(database, people.organization_id, 20_000, due=3600)
    fill(database, people.organization_id, 20_000, kind="unknown")
    with database.system_session() as session:
        claims = ClaimRepository(session)
        before = time.process_time()
        for _ in range(50):
            due = claims.due_in(WANTED)
            assert claims.claim(WANTED, 4, lease=Lease(uuid4(), "w", 30)) == []
        assert time.process_time() - before < 1
    assert due is not None
    assert 3000 < due <= 3600


@pytest.mark.parametrize("limits", [{}, {"q": 4}, {"q": 4, "r": 4}], ids=str)
def test_one_thread_that_frees_up_at_a_time_serves_all_queues_alike(
    database: DatabaseSession, people: People, limits: dict[str, int]
) -> None:
    for owner in (people.organization_id, people.other_organization_id):
        fill(database, owner, 30, queue="q")
    fill(database, people.organization_id, 3, queue="r")
    served, turns = [], Turns(Queues(("q", "r"), ("add",), limits))
    for _ in range(12):
        [taken] = claim(database, 1, wanted=turns.wanted, after=turns.after)
        turns.remember([taken])
        served.append((taken.queue, taken.organization_id))
        with database.system_session() as session:
            ClaimRepository(session).finish_many([taken])
    assert [queue for queue, _ in served] == ["q", "r"] * 3 + ["q"] * 6
    of_q = [owner for queue, owner in served if queue == "q"]
    assert [one != other for one, other in pairwise(of_q)] == [True] * 8


def test_jobs_of_a_closed_organisation_wait_until_it_is_opened_again(
    database: DatabaseSession, people: People
) -> None:
    fill(database, people.other_organization_id, 5)
    fill(database, people.organization_id, 3)
    [held] = [one for one in claim(database, 2) if one.organization_id == people.other_organization_id]
    with database.system_session() as session:
        OrganizationRepository(session).soft_delete(people.other_organization_id)
        claims = ClaimRepository(session)
        assert {one.organization_id for one in claims.due(WANTED, 9)} == {people.organization_id}
        assert claims.hand_back([held]) == {held.id}
    assert {one.organization_id for one in claim(database, 1)} == {people.organization_id}
    with database.system_session() as session:
        claims, lease = ClaimRepository(session), Lease(uuid4(), "w", 30)
        assert len(claims.claim_some(["add"], 9, lease=lease)) == 1
        assert claims.soonest(["add"], only=Narrowed(people.other_organization_id)) is None
        figures = FigureRepository(session)
        assert [(one.ready, one.running) for one in figures.queues()] == [(0, 3)]
    assert claim(database, 9) == []
    with database.system_session() as session:
        OrganizationRepository(session).restore(people.other_organization_id)
    assert len(claim(database, 9)) == 5


def test_who_names_limited_queues_in_another_order_waits_for_nobody(
    database: DatabaseSession, people: People
) -> None:
    """Each takes the locks of its queues; taken in another order they would wait for each other for ever."""
    if database.engine.dialect.name == "sqlite":
        return  # one writer at a time
    fill(database, people.organization_id, 200)
    fill(database, people.organization_id, 200, queue="r")

    def take(names: tuple[str, ...]) -> int:
        wanted, taken = Queues(names, ("add",), {"q": 1000, "r": 1000}), 0
        while jobs := claim(database, 2, wanted=wanted):
            taken += len(jobs)
        return taken

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(take, [("q", "r"), ("r", "q")] * 2)) == 400


def test_many_who_claim_together_get_each_job_once(database: DatabaseSession, people: People) -> None:
    fill(database, people.organization_id, 120)
    fill(database, people.other_organization_id, 80)

    def take(_: int) -> list[UUID]:
        return [one.id for one in claim(database, 7)]

    taken: list[UUID] = []
    with ThreadPoolExecutor(8) as pool:
        while batch := [key for keys in pool.map(take, range(8)) for key in keys]:
            taken += batch
    assert len(taken) == len(set(taken)) == 200


def test_a_queue_runs_no_more_jobs_than_it_may(database: DatabaseSession, people: People) -> None:
    fill(database, people.organization_id, 50)
    fill(database, people.other_organization_id, 10, queue="r")
    wanted = Queues(("q", "r"), ("add",), {"q": 3})

    with ThreadPoolExecutor(6) as pool:
        taken = [
            one for jobs in pool.map(lambda _: claim(database, 5, wanted=wanted), range(6)) for one in jobs
        ]
    assert Counter(one.queue for one in taken) == {"q": 3, "r": 10}
    with database.system_session() as session:
        ClaimRepository(session).finish_many([one for one in taken if one.queue == "q"][:1])
    assert [one.queue for one in claim(database, 5, wanted=wanted)] == ["q"]


def test_by_priority_and_time_in_a_queue(database: DatabaseSession, people: People) -> None:
    with database.get_session("acme") as session:
        jobs = JobRepository(session)
        for number, (priority, hours) in enumerate([(5, 2), (0, 1), (0, 2), (5, 3), (0, -1)]):
            when = datetime.now(UTC) - timedelta(hours=hours)
            jobs.enqueue("add", {"number": number}, queue="q", priority=priority, run_at=when)
    assert [one.payload["number"] for one in claim(database, 10)] == [2, 1, 3, 0]
    with database.system_session() as session:
        due = ClaimRepository(session).due_in(WANTED)
    assert due is not None
    assert 3500 < due <= 3600


def test_a_worker_that_was_away_too_long_may_write_nothing(database: DatabaseSession, people: People) -> None:
    fill(database, people.organization_id, 1)
    [zombie] = claim(database, 1)
    expire(database)
    with database.system_session() as session:
        assert ClaimRepository(session).reap() == (1, 0)
    [new] = claim(database, 1)
    key = (zombie.id, zombie.lease_token)
    with database.get_session("acme") as session:
        leases = LeaseRepository(session)
        assert not leases.holds(*key)
        assert not leases.finish(*key, {"late": True})
        assert not leases.retry(*key, error="late", seconds=0)
        assert not leases.end(*key, state="dead", error="late")
        assert not leases.postpone(*key, seconds=0, reason="late")
        assert leases.holds(new.id, new.lease_token)
    with database.system_session() as session:
        claims = ClaimRepository(session)
        assert (
            claims.finish_many([zombie]) == claims.hand_back([zombie]) == claims.extend([zombie], 9) == set()
        )
        assert claims.extend([zombie, new], 9) == {new.id}
    left = job(database, new.id)
    assert (left.state, left.attempt, left.lease_token) == ("running", 2, new.lease_token)
    assert left.last_error == "the worker went away in attempt 1 of 5"


def test_a_job_that_takes_its_workers_with_it_is_dead_in_the_end(
    database: DatabaseSession, people: People
) -> None:
    fill(database, people.organization_id, 1)
    for attempt in range(1, 6):
        make_due(database)
        [taken] = claim(database, 1)
        expire(database)
        with database.system_session() as session:
            assert ClaimRepository(session).reap() == ((1, 0) if attempt < 5 else (0, 1))
    dead = job(database, taken.id)
    assert (dead.state, dead.last_error) == ("dead", "the worker went away in attempt 5 of 5")
    assert dead.finished_at is not None
    assert claim(database, 1) == []


def test_what_is_left_again_comes_back_one_by_one(database: DatabaseSession, people: People) -> None:
    """Whoever was claimed beside a job that takes its worker with it is not to die with it every time."""
    fill(database, people.organization_id, 40)

    def left() -> list[float]:
        make_due(database)
        assert len(claim(database, 40)) == 40
        expire(database)
        with database.system_session() as session:
            claims = ClaimRepository(session)
            assert claims.reap() == (40, 0)
            rows = session.execute(select(JobRecord.run_at, database_time())).all()
            return [(run_at - now).total_seconds() for run_at, now in rows]

    assert max(left()) <= 0  # once may be chance: at once
    seconds = left()
    assert len(set(seconds)) > 30
    assert 2 < max(seconds) <= 4
    assert min(seconds) < 2


def test_only_a_system_session_takes_jobs_of_others(database: DatabaseSession, people: People) -> None:
    with database.get_session("acme") as session, pytest.raises(NotAllowed):
        ClaimRepository(session)
    fill(database, people.organization_id, 1)
    [mine] = claim(database, 1)
    with database.get_session("rival") as session:
        assert not LeaseRepository(session).finish(mine.id, mine.lease_token)
    with database.system_session() as session:
        assert OrganizationRepository(session).count() >= 2
    assert job(database, mine.id).state == "running"
