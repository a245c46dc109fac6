"""Every round is a job: asked for with what makes it due, played once, in step, by whoever takes it."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from threading import Event, Semaphore
from typing import Any

import pytest

from factories.house import House
from factories.talks import played, round_jobs
from procur.cli.steps import negotiating, requesting
from procur.cli.steps.rounds import Looking, look_on
from procur.core.errors import DecisionNeeded, OutsideMandate
from procur.db.repositories import EventRepository, JobRepository, NegotiationRepository
from procur.jobs.drain import drain
from procur.jobs.task import Task, Work
from procur.negotiation import tasks
from procur.negotiation.kinds import PlayRound
from procur.negotiation.tasks import process_negotiation_round

TASK = process_negotiation_round()
assert TASK.think is not None
assert TASK.commit is not None
THINK, COMMIT = TASK.think, TASK.commit


def opened(house: House, **more: Any) -> str:
    """Open the talks of a new request; nobody plays yet."""
    request_id = house.request()
    house.negotiate(request_id, background=True, **{"rounds": 4, **more})
    return request_id


def play(house: House, task: Task[PlayRound] = TASK) -> int:
    """Work off every round that is due, in this thread."""
    clock, ids = house.workspace.clock, house.workspace.ids
    return drain(house.database, (task,), organization="acme", clock=clock, ids=ids)


def told(house: House, request_id: str) -> Any:
    with house.session() as session:
        return played(session, request_id)


def jobs_of(house: House, request_id: str) -> list[tuple[str, int, str]]:
    with house.session() as session:
        jobs = round_jobs(session, request_id)
        return [(job.payload["session_id"], job.payload["round"], job.state) for job in jobs]


def test_talks_and_their_first_rounds_come_together_or_not_at_all(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    request_id = opened(house)
    names = [
        each["session_id"] for each in negotiating.show_negotiations(house.alice, request_id)["negotiations"]
    ]
    assert jobs_of(house, request_id) == [(name, 1, "ready") for name in names]
    other = house.request()
    monkeypatch.setattr(JobRepository, "enqueue", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        house.negotiate(other, background=True)
    assert (told(house, other)[0], jobs_of(house, other)) == ([], [])


def test_every_round_is_one_job_and_no_session_is_ahead_of_another(house: House) -> None:
    request_id = opened(house)
    done = play(house)
    jobs = jobs_of(house, request_id)
    assert done == len(jobs)
    assert {state for *_, state in jobs} == {"done"}
    assert set(Counter((name, number) for name, number, _ in jobs).values()) == {1}
    with house.session() as session:
        facts = EventRepository(session).correlated(request_id)
        rounds = [each.payload["round"] for each in facts if each.type == "RoundPlayed"]
        ends = [job.result["move"] for job in round_jobs(session, request_id) if job.result]
    assert rounds == sorted(rounds)
    assert len(rounds) == ends.count("offer")
    assert all(row[0][0] != "active" for row in told(house, request_id)[0])


def test_two_workers_at_once_play_what_one_plays(house: House) -> None:
    left_alone = opened(house)
    play(house)
    request_id = opened(house)
    with ThreadPoolExecutor(3) as pool:
        for each in [pool.submit(play, house) for _ in range(3)]:
            each.result(timeout=60)
        while play(house):  # a worker that found nothing due went home before the next round was asked for
            pass
    assert told(house, request_id) == told(house, left_alone)


def test_a_round_that_is_on_record_is_left_as_it_is(house: House) -> None:
    """The job's own worker was slow, somebody else has played the round: nothing happens twice."""
    left_alone = opened(house)
    play(house)
    request_id = opened(house)

    def think(work: Work, asked: PlayRound) -> Any:
        thought = THINK(work, asked)
        if asked.round == 2:
            with work.session() as session:
                COMMIT(session, work, asked, thought)
        return thought

    play(house, replace(TASK, think=think))
    assert told(house, request_id) == told(house, left_alone)
    with house.session() as session:
        results = [job.result for job in round_jobs(session, request_id) if job.payload["round"] == 2]
    assert results
    assert all(result is not None and not result["played"] for result in results)


def test_a_newer_mandate_makes_the_round_be_decided_again(house: House) -> None:
    request_id = opened(house)
    written: list[str] = []

    def think(work: Work, asked: PlayRound) -> Any:
        thought = THINK(work, asked)
        if asked.round == 2 and not written:
            written.append(asked.session_id)
            negotiating.set_mandate(house.alice, request_id, max_unit_price=Decimal(9))
        return thought

    play(house, replace(TASK, think=think))
    with house.session() as session:
        again = [job for job in round_jobs(session, request_id) if job.payload["session_id"] == written[0]]
        second = [
            (job.result["played"], job.dedupe_key)
            for job in again
            if job.payload["round"] == 2 and job.result
        ]
    assert second == [(False, f"{written[0]}:2:1"), (True, f"{written[0]}:2:2")]
    talks, _, facts = told(house, request_id)
    assert all(row[0][0] != "active" for row in talks)
    assert all(one[3].unit_price <= 9 for row in talks for one in row[1] if one[2])
    assert set(Counter(facts).values()) == {1}


def test_cancelled_talks_are_not_played_on(house: House) -> None:
    request_id = opened(house)
    requesting.cancel_request(house.alice, request_id, reason="not needed")
    before = told(house, request_id)
    assert play(house) == 3
    assert told(house, request_id) == before
    assert {state for *_, state in jobs_of(house, request_id)} == {"done"}


def test_a_round_that_cannot_be_played_says_why_and_is_played_when_that_is_mended(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_alone = opened(house)
    play(house)
    request_id = opened(house)

    def refuse(*_: Any, **__: Any) -> Any:
        raise OutsideMandate("the mandate has ended")

    with monkeypatch.context() as patch:
        patch.setattr(tasks, "record_round", refuse)
        with pytest.raises(
            DecisionNeeded, match=r"round 1 of .* could not be played: .*the mandate has ended"
        ):
            house.negotiate(request_id, resume=True)
    assert {state for *_, state in jobs_of(house, request_id)} == {"failed"}
    house.negotiate(request_id, resume=True)
    assert told(house, request_id) == told(house, left_alone)


def test_a_vendors_answer_asks_for_our_next_round(house: House) -> None:
    request_id = opened(house, counterpart="person")
    assert play(house) == 3
    with house.session() as session:
        name = NegotiationRepository(session).for_request(house.row(session, request_id).id)[0].session_id
    house.negotiate(request_id, resume=True)
    negotiating.answer_for_vendor(
        house.alice, name, "counter", message=None, background=True, unit_price=Decimal("14.00")
    )
    assert jobs_of(house, request_id)[3:] == [(name, 2, "ready")]
    assert play(house) == 1
    with house.session() as session:
        assert NegotiationRepository(session).ready(house.row(session, request_id).id) == []


def test_who_looks_on_sees_every_round_once_as_who_plays(house: House) -> None:
    request_id, live, seen, of_one = house.request(), [], [], []  # type: ignore[var-annotated]
    told = house.negotiate(request_id, rounds=4, on_round=live.append)
    ended = negotiating.watch_negotiation(house.alice, request_id, on_round=seen.append)
    assert seen == live
    assert ended["negotiations"] == told["negotiations"]
    name = told["negotiations"][1]["session_id"]
    ended = negotiating.watch_negotiation(house.alice, name, on_round=of_one.append)
    assert of_one == [one for one in live if one["session_id"] == name]
    assert [each["session_id"] for each in ended["negotiations"]] == [name]
    assert {one["answer"] for one in live if one["move"] == "offer"} <= {"accept", "counter", "end"}


def test_who_looks_on_asks_rarely_and_hears_of_news(house: House) -> None:
    looks, ended = Semaphore(0), Event()

    class Talks:
        @property
        def ended(self) -> bool:
            return ended.is_set()

    class Counting(Looking):
        def look(self) -> bool:
            looks.release()
            return False

    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(look_on, Counting(house.workspace, Talks()))  # type: ignore[arg-type]
        try:
            assert looks.acquire(timeout=10)
            # Once more perhaps, when it begins to listen; ten times a second it would be five.
            assert sum(looks.acquire(timeout=0.3) for _ in range(5)) < 4
            opened(house, counterpart="person")
            assert looks.acquire(timeout=10)
        finally:
            ended.set()
        watching.result(10)
