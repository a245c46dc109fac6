"""One attempt of a job: thought out without a transaction, committed whole or not at all."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sums
from sums import Add, adding, ask, expire, job, make_due, total

from factories.people import People
from procur.core.context import current_cause
from procur.core.errors import InvalidInput, Unavailable
from procur.db import DatabaseSession, Session
from procur.db.repositories import ClaimRepository, JobRepository, OrganizationRepository, Queues
from procur.jobs.drain import Only, drain, execute_one
from procur.jobs.kinds import Kind
from procur.jobs.run import Outcome
from procur.jobs.task import GiveUp, Later, Work

pytestmark = pytest.mark.usefixtures("people")


def fails(error: Exception) -> Any:
    def think(_work: Work, _payload: Add) -> None:
        raise error

    return think


def test_a_job_is_done_once_with_its_effect(database: DatabaseSession) -> None:
    key = ask(database)
    assert drain(database, [adding()], organization="acme") == 1
    assert drain(database, [adding()]) == 0
    done = job(database, key)
    assert (done.state, done.attempt, done.result, total(database)) == (
        "done",
        1,
        {"last": "sum-2026-00001"},
        1,
    )
    assert done.lease_token is None
    assert done.started_at is not None
    assert done.finished_at is not None


def test_of_another_organisation_chain_or_kind_nothing_is_done(database: DatabaseSession) -> None:
    ask(database, correlation_id="a")
    ask(database, organization="rival")
    other = Kind("other", "default", Add)
    assert drain(database, [adding(kind=other)]) == 0
    assert drain(database, [adding()], only=Only(correlation_id="b")) == 0
    assert drain(database, [adding()], only=Only(kinds=["other"])) == 0
    assert drain(database, [adding()], only=Only(correlation_id="a")) == 1
    assert drain(database, [adding()], organization="acme") == 0
    assert drain(database, [adding()]) == 1


def test_follow_up_work_names_its_cause(database: DatabaseSession) -> None:
    asked: list[UUID] = []

    def commit(session: Session, work: Work, payload: Add, _thought: Any) -> None:
        if payload.amount == 1:
            follow, _ = sums.ADD.ask(session, Add("sum", 2))
            asked.append(follow.id)
        assert current_cause().causation_id == str(work.job_id)

    key = ask(database)
    assert drain(database, [adding(commit=commit)]) == 2
    second = job(database, asked[0])
    assert (second.correlation_id, second.causation_id) == (str(key), str(key))


@pytest.mark.parametrize(
    ("error", "state", "attempt"),
    [
        (GiveUp("no use"), "failed", 1),
        (InvalidInput("unfit"), "failed", 1),
        (Later("not yet", seconds=3600), "ready", 0),
        (Later("not yet", seconds=-5), "ready", 0),
        (Unavailable("away"), "ready", 1),
        (ZeroDivisionError("by zero"), "ready", 1),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, Exception) else str(one),
)
def test_how_work_fails_says_what_becomes_of_the_job(
    database: DatabaseSession, error: Exception, state: str, attempt: int
) -> None:
    key = ask(database)
    assert drain(database, [adding(fails(error))]) == 1
    left = job(database, key)
    assert (left.state, left.attempt, left.lease_token, total(database)) == (state, attempt, None, 0)
    assert left.last_error is not None
    assert left.last_error.startswith(type(error).__name__)
    if isinstance(error, Later):
        with database.system_session() as session:
            due = ClaimRepository(session).due_in(Queues(("default",), ("add",)))
        assert due is not None
        assert error.seconds - 5 < due <= max(1.0, error.seconds)


def test_an_effect_that_fails_leaves_nothing_until_the_job_is_dead(
    database: DatabaseSession,
) -> None:
    def commit(session: Session, work: Work, payload: Add, thought: Any) -> None:
        sums.write(session, work, payload, thought)
        raise RuntimeError("password=hunter2 \x00 \ud800 of a@b.example")

    key = ask(database)
    for _ in range(3):
        make_due(database)
        assert drain(database, [adding(commit=commit)]) == 1
    dead = job(database, key)
    assert (dead.state, dead.attempt, total(database)) == ("dead", 3, 0)
    assert "hunter2" not in str(dead.last_error)
    assert "a@b.example" not in str(dead.last_error)
    with database.get_session("acme") as session:
        JobRepository(session).redrive(key)
    assert drain(database, [adding()]) == 1
    assert (job(database, key).state, total(database)) == ("done", 1)


def test_who_has_lost_the_lease_writes_nothing(database: DatabaseSession) -> None:
    """A zombie: while it thinks, its lease runs out and the job is done by somebody else."""
    told: list[str] = []

    def taken_over(step: bool = False, error: Exception | None = None) -> Any:
        def think(work: Work, payload: Add) -> None:
            if payload.amount == 1 and not told:
                told.append("zombie")
                expire(database)
                assert drain(database, [adding()]) == 1  # frees the job and does it
                if step:
                    work.step("late", lambda: {"a": 1})
                if error is not None:
                    raise error

        return think

    for options in ({}, {"step": True}, {"error": ValueError("late")}, {"error": GiveUp("late")}):
        told.clear()
        before, key = total(database), ask(database)
        assert drain(database, [adding(taken_over(**options))]) == 1
        done = job(database, key)
        assert (done.state, done.attempt, done.last_error) == ("done", 2, None)
        assert total(database) == before + 1
    with database.system_session() as session:
        assert session.execute("SELECT count(*) FROM job_steps").scalar_one() == 0


def test_a_job_whose_organisation_is_closed_meanwhile_waits_for_it(
    database: DatabaseSession, people: People
) -> None:
    def think(work: Work, _payload: Add) -> None:
        if work.organization_id == people.other_organization_id:
            with database.system_session() as session:
                OrganizationRepository(session).soft_delete(work.organization_id)

    theirs, ours = ask(database, organization="rival"), ask(database)
    assert drain(database, [adding(think)]) == 2
    assert (job(database, theirs).state, job(database, theirs).attempt) == ("ready", 0)
    assert (job(database, ours).state, total(database)) == ("done", 1)
    with database.system_session() as session:
        OrganizationRepository(session).restore(people.other_organization_id)
    assert drain(database, [adding()]) == 1
    assert job(database, theirs).state == "done"


def test_a_cancelled_job_leaves_no_effect(database: DatabaseSession) -> None:
    def think(work: Work, _payload: Add) -> None:
        with work.session() as session:
            JobRepository(session).cancel(work.job_id, reason="changed my mind")

    key = ask(database)
    assert drain(database, [adding(think)]) == 1
    assert (job(database, key).state, total(database)) == ("cancelled", 0)


def test_a_step_is_paid_for_once(database: DatabaseSession) -> None:
    paid: list[int] = []

    def think(work: Work, _payload: Add) -> int:
        found = work.step("ask the model", lambda: {"answer": len(paid), "paid": paid.append(1)})
        if work.attempt == 1:
            raise ConnectionError("after the answer")
        return int(found["answer"])

    key = ask(database)
    drain(database, [adding(think)])
    make_due(database)
    drain(database, [adding(think)])
    assert (job(database, key).state, paid) == ("done", [1])


def test_an_interrupted_command_hands_its_job_back(database: DatabaseSession) -> None:
    def think(_work: Work, _payload: Add) -> None:
        raise KeyboardInterrupt

    key = ask(database)
    with pytest.raises(KeyboardInterrupt):
        drain(database, [adding(think)])
    assert (job(database, key).state, job(database, key).attempt) == ("ready", 0)


def test_a_job_that_somebody_else_left_is_waited_for(database: DatabaseSession) -> None:
    key = ask(database)

    def dies(_work: Work, _payload: Add) -> None:
        raise GeneratorExit  # as if killed: nothing is noted any more

    with pytest.raises(GeneratorExit):
        drain(database, [adding(dies)], lease=0.3)
    assert drain(database, [adding()]) == 0
    assert drain(database, [adding()], patience=5) == 1
    assert (job(database, key).attempt, total(database)) == (2, 1)


def test_one_job_is_taken_by_its_id(database: DatabaseSession) -> None:
    first, second = ask(database), ask(database)
    assert execute_one(database, [adding()], second) is Outcome.DONE
    assert execute_one(database, [adding()], second) is None
    assert execute_one(database, [], first) is None
    assert (job(database, first).state, total(database)) == ("ready", 1)
    later = ask(database, run_at=datetime.now(UTC) + timedelta(hours=1))
    assert execute_one(database, [adding()], later) is None
