"""Two processes that play the same negotiation take up one another's rounds."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest

from factories.house import House
from procur.cli.steps import negotiating
from procur.core.actor import Actor, negotiating_agent
from procur.core.errors import Conflict
from procur.db import Session
from procur.db.repositories import NegotiationRepository, OfferRepository
from procur.negotiation import tasks

NEED = "Project tracking for 50 people, at most $9,000 a year, single sign-on a must"


class Stop(Exception):
    """The process ends here."""


def opened(house: House) -> str:
    """Open the talks of a new request and stop before the first round."""

    def stop(_: object) -> None:
        raise Stop

    request_id = house.request(NEED)
    with pytest.raises(Stop):
        house.negotiate(request_id, rounds=4, on_start=stop)
    return request_id


def agent_of(house: House) -> Actor:
    with house.session() as session:
        return negotiating_agent(house.actor(session))


def play(house: House, request_id: str, before: Callable[[int], Any] = lambda _: None) -> None:
    """Play to the end; `before` is called with the number of each transaction before it begins."""
    numbers = count(1)

    @contextmanager
    def sessions() -> Iterator[Session]:
        before(next(numbers))
        with house.database.get_session("acme") as session:
            yield session

    tasks.negotiate(sessions, agent_of(house), request_id, now=house.workspace.clock.now)


def played(house: House, request_id: str) -> list[Any]:
    with house.session() as session:
        rows = NegotiationRepository(session).for_request(house.row(session, request_id).id)
        return [
            (
                (row.status, row.outcome, row.current_round),
                [
                    (offer.round_number, offer.actor, offer.accepted, offer.terms)
                    for offer in OfferRepository(session).for_session(row.id)
                ],
            )
            for row in rows
        ]


@pytest.mark.parametrize("at", [2, 3, 5])
def test_the_slower_process_goes_on_where_the_faster_one_is(house: House, at: int) -> None:
    left_alone, request_id = opened(house), opened(house)
    play(house, left_alone)

    def overtaken(number: int) -> None:
        if number == at:
            play(house, request_id)

    play(house, request_id, overtaken)
    assert played(house, request_id) == played(house, left_alone)


def test_two_processes_together_play_every_round_once(house: House) -> None:
    left_alone, request_id = opened(house), opened(house)
    play(house, left_alone)
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(play, house, request_id) for _ in range(2)]:
            done.result(timeout=60)
    assert played(house, request_id) == played(house, left_alone)


def test_a_mandate_written_meanwhile_is_played_under(house: House) -> None:
    request_id = opened(house)

    def tighten(number: int) -> None:
        if number == 3:
            negotiating.set_mandate(house.alice, request_id, max_unit_price=9)

    play(house, request_id, tighten)
    with house.session() as session:
        rows = NegotiationRepository(session).for_request(house.row(session, request_id).id)
        assert {row.status for row in rows} <= {"completed", "failed"}
        finals = OfferRepository(session).get_many(row.final_offer_id for row in rows if row.final_offer_id)
        assert all(offer.unit_price <= 9 for offer in finals.values() if offer.accepted)


def test_a_refusal_that_does_not_end_is_told(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    request_id = opened(house)
    calls = []

    def refuse(*_: object, **__: object) -> None:
        calls.append(1)
        raise Conflict("never")

    monkeypatch.setattr(tasks, "record_round", refuse)
    with pytest.raises(Conflict, match="never"):
        play(house, request_id)
    assert len(calls) == 1
