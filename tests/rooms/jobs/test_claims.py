"""Jobs are taken fairly, by one worker each, never too many of a queue; a lost lease writes nothing."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sums import expire, job

from factories.people import People
from procur.core.errors import NotAllowed
from procur.db import DatabaseSession
from procur.db.models import JobRecord
from procur.db.repositories import (
    ClaimedJob,
    ClaimRepository,
    JobRepository,
    Lease,
    LeaseRepository,
    OrganizationRepository,
    Queues,
)

WANTED = Queues(("q", "r"), ("add",))


def fill(database: DatabaseSession, owner: UUID, number: int, *, queue: str = "q", due: float = -1) -> None:
    """Write ready jobs past the repository, as thousands of requests would."""
    when = datetime.now(UTC) + timedelta(seconds=due)
    base = {"organization_id": owner, "kind": "add", "queue": queue, "run_at": when, "state": "ready"}
    with database.system_session() as session:
        rows = [{**base, "id": uuid4(), "payload": {}, "priority": 0} for _ in range(number)]
        session.connection().execute(JobRecord.__table__.insert(), rows)


def claim(
    database: DatabaseSession, limit: int, *, wanted: Queues = WANTED, after: UUID | None = None
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
        fill(database, single, 1, queue="r")
        turn = claim(database, 2, after=last)
        assert single in {one.organization_id for one in turn}
        last = turn[-1].organization_id
    assert time.process_time() - before < 4
    with database.system_session() as session:
        plan = _plan_of_lanes(database)
        assert session.execute("SELECT count(*) FROM jobs WHERE state = 'ready'").scalar_one() > 11_000
    assert "ix_jobs_ready" in plan


def _plan_of_lanes(database: DatabaseSession) -> str:
    """Explain the look from one organisation's jobs to the next, as the claim does it."""
    lite = database.engine.dialect.name == "sqlite"
    explain = "EXPLAIN QUERY PLAN" if lite else "EXPLAIN"
    with database.system_session() as session:
        ClaimRepository(session)  # turns off other ways for this transaction
        found = session.connection().execute(
            text(
                f"{explain} SELECT organization_id FROM jobs WHERE state = 'ready' AND queue = 'q' "
                "AND organization_id > :after ORDER BY organization_id, priority, run_at, id LIMIT 1"
            ),
            {"after": uuid4().hex},
        )
        return " ".join(str(row[-1]) for row in found)


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
        assert not leases.postpone(*key, run_at=datetime.now(UTC), reason="late")
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
        [taken] = claim(database, 1)
        expire(database)
        with database.system_session() as session:
            assert ClaimRepository(session).reap() == ((1, 0) if attempt < 5 else (0, 1))
    dead = job(database, taken.id)
    assert (dead.state, dead.last_error) == ("dead", "the worker went away in attempt 5 of 5")
    assert dead.finished_at is not None
    assert claim(database, 1) == []


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
