"""Neither side moves by what only the other one knows."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from factories.house import House
from procur.cli.steps import negotiating
from procur.db import Session
from procur.db.models import NegotiationSessionRecord
from procur.db.repositories import (
    MandateRepository,
    NegotiationRepository,
    OfferRepository,
    RequestRepository,
    VendorRepository,
)
from procur.db.repositories.negotiation import OfferMade
from procur.negotiation.agents import Answer
from procur.negotiation.replaying import replay
from procur.negotiation.seats import Seat, best_alternative, play, seats_of

REQUEST = "REQ-2026-00001"


class Scripted:
    """A vendor that says what somebody said before, whatever its own floor may be."""

    def __init__(self, said: dict[int, Answer]) -> None:
        self.said = said

    def answer(self, _history: Any, _offer: Any, round_number: int) -> Answer | None:
        return self.said.get(round_number)


@pytest.fixture
def seats(negotiated: House) -> list[Seat]:
    with negotiated.session() as session:
        return seats_of(session, REQUEST)


def before(seat: Seat, number: int) -> Seat:
    return replace(seat, current_round=number - 1, history=seat.history[: number - 1], status="active")


def test_the_buyer_moves_by_the_vendors_offers_not_by_its_floor(seats: list[Seat]) -> None:
    """Another vendor that says the same gets the same offers in return."""
    for seat in seats:
        said = {each.round: Answer("counter", each.vendor) for each in seat.history}
        other = replace(seat, vendor_side=Scripted(said))
        for number in range(1, len(seat.history) + 2):
            assert play(before(other, number), seats).move == play(before(seat, number), seats).move


@pytest.mark.parametrize("state", [{}, {"list_price": "0.01", "seed": "x"}, {"floor": "1", "evil": [1]}])
def test_the_buyers_moves_do_not_read_the_sellers_column(house: House, state: dict[str, Any]) -> None:
    """With a person at the vendor that column is nobody's: whatever stands in it, the offers are the same."""
    offers = []
    for garbage in (None, state):
        request_id = house.request()
        house.negotiate(request_id, counterpart="person")
        with house.workspace.session() as session:
            names = [row.session_id for row in talks(session, request_id)]
            for row in talks(session, request_id):
                NegotiationRepository(session).update(row.id, seller_state=garbage or {})
        for price in ("11.90", "11.00"):
            told = negotiating.answer_for_vendor(
                house.alice, names[0], "counter", message=None, unit_price=Decimal(price)
            )
            if told["negotiations"][0]["status"] != "active":
                break
        with house.session() as session:
            offers.append([(offer.actor, offer.terms) for offer in offers_of(session, request_id)])
    assert offers[0] == offers[1]


def talks(session: Session, request_id: str) -> list[NegotiationSessionRecord]:
    return NegotiationRepository(session).for_request(RequestRepository(session).named(request_id).id)


def offers_of(session: Session, request_id: str) -> list[Any]:
    return OfferRepository(session).for_request(RequestRepository(session).named(request_id).id)


def test_a_simulated_vendor_answers_the_same_whatever_the_buyer_could_pay(house: House) -> None:
    """The same offers get the same answers: the vendor's side is built from nothing of the buyer's."""
    request_id = house.request()
    house.negotiate(request_id, rounds=4)
    with house.session() as session:
        plain = seats_of(session, request_id)
        for row in talks(session, request_id):
            state = dict(row.buyer_state)
            state["inputs"] = state["inputs"] | {"price_ceiling": "99", "cost_of_capital": "0.5"}
            NegotiationRepository(session).update(
                row.id, buyer_state=state | {"alternatives": [], "fit": "1"}
            )
        rich = seats_of(session, request_id)
    for one, other in zip(plain, rich, strict=True):
        for exchange in one.history:
            past = one.history[: exchange.round - 1]
            answers = [side.vendor_side.answer(past, exchange.buyer, exchange.round) for side in (one, other)]
            assert answers[0] == answers[1] == Answer("counter", exchange.vendor)


def test_what_we_say_holds_the_offer_and_nothing_else(negotiated: House) -> None:
    """No message names the budget, a limit, a utility, another vendor or its price."""
    with negotiated.session() as session:
        request = RequestRepository(session).named(REQUEST)
        mandate = MandateRepository(session).latest_for(request.id)
        names = {row.id: row.name for row in VendorRepository(session).everyone()}
        offers = offers_of(session, REQUEST)
    assert mandate is not None
    assert request.budget_max is not None
    private = [request.budget_max, mandate.max_total, mandate.max_yearly, mandate.max_unit_price]
    ours = [offer for offer in offers if offer.actor == "buyer"]
    assert ours
    for offer in ours:
        said = offer.message or ""
        own = {f"${offer.unit_price:,.2f}"}
        assert f"${offer.unit_price:,.2f}" in said
        hidden = {f"{amount:,.2f}" for amount in private if amount is not None}
        hidden |= {f"{amount:.0f}" for amount in private[:3] if amount is not None}
        hidden |= {
            f"{mandate.max_quantity} units",
            "utility",
            "reservation",
            "budget",
            "mandate",
            "alternative",
        }
        hidden |= {name for key, name in names.items() if key != offer.vendor_id}
        hidden |= {
            f"${other.unit_price:,.2f}"
            for other in offers
            if other.vendor_id != offer.vendor_id and f"${other.unit_price:,.2f}" not in own
        }
        allowed = {f"{offer.quantity} units", f"{offer.unit_price:,.2f}"}
        assert not [word for word in hidden - allowed if word in said], said


def test_a_rivals_standing_offer_raises_what_a_deal_must_be_worth(seats: list[Seat]) -> None:
    for seat in seats:
        worths = []
        for number in range(1, seat.max_rounds + 1):
            told = best_alternative(replace(seat, current_round=number - 1), seats)
            worths.append(-1.0 if told is None else told)
            expected = [
                other.brief.utility(
                    {
                        "unit_price": terms.unit_price,
                        "term_months": terms.term_months,
                        "payment_terms": terms.payment_terms,
                        "quantity": terms.quantity,
                        "value_adds": terms.value_adds,
                    }
                )
                for other in seats
                if other.session_id != seat.session_id
                for stood, terms in other.standing
                if stood < number and not seat.brief.mandate.breaches(terms)
            ]
            assert told == max(expected, default=None)
        assert worths[0] == -1.0, "in the first round nobody has offered anything"
        assert worths == sorted(worths)
        assert worths[-1] > seat.brief.reservation
        for number in range(2, len(seat.history) + 1):
            move = play(before(seat, number), seats).move
            assert move.reservation == max(seat.brief.reservation, worths[number - 1])


def test_terms_agreed_with_one_vendor_count_against_the_others(house: House) -> None:
    """A vendor that accepts our opening offer leaves the others nothing to win: the agent stops."""
    request_id = house.request()
    house.negotiate(request_id, counterpart="person")
    with house.session() as session:
        names = [row.session_id for row in talks(session, request_id)]
    negotiating.answer_for_vendor(house.alice, names[0], "accept", message=None)
    told = negotiating.answer_for_vendor(
        house.alice, names[1], "counter", message=None, unit_price=Decimal("14.00")
    )["negotiations"][1]
    assert (told["status"], told["outcome"]) == ("failed", "no_agreement")
    assert "best alternative" in told["reason"]
    assert all(each.same for each in replay(house.workspace.session, names[1]))


def test_a_vendors_claim_about_others_changes_nothing_and_is_not_passed_on(house: House) -> None:
    claim = "Boards offered us $1.00 and your budget is $9,000.00"
    request_id = house.request()
    house.negotiate(request_id, counterpart="person")
    with house.session() as session:
        names = [row.session_id for row in talks(session, request_id)]
    for name in names:
        negotiating.answer_for_vendor(
            house.alice, name, "counter", message=claim, unit_price=Decimal("14.00")
        )
    with house.session() as session:
        said = [offer.message for offer in offers_of(session, request_id) if offer.actor == "buyer"]
    assert len(said) > 3
    assert not [text for text in said if "$1.00" in text or "9,000" in text or "Boards" in text]


@pytest.mark.parametrize("rounds", [1, 3, 6])
def test_a_replay_repeats_every_session_however_it_ended(house: House, rounds: int) -> None:
    outcomes = set()
    for seed in (1, 2):
        request_id = house.request()
        for each in house.negotiate(request_id, seed=seed, rounds=rounds)["negotiations"]:
            outcomes.add((each["outcome"], (each["final"] or {}).get("by")))
            told = negotiating.replay_negotiation(house.alice, each["session_id"])
            assert told["same"], told
    assert outcomes


def test_a_replay_shows_an_offer_that_is_not_the_one_that_was_made(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    request_id = house.request()
    house.negotiate(request_id, rounds=3)
    with house.session() as session:
        talk = talks(session, request_id)[0]
        forged = OfferRepository(session).for_session(talk.id)[2].id
    made_for = OfferRepository.made_for

    def read_another_price(self: OfferRepository, request: Any) -> list[OfferMade]:
        """Read what is stored, one price of it as another: the database itself lets none be changed."""
        found = made_for(self, request)
        dearer = [replace(one.terms, unit_price=one.terms.unit_price + Decimal("0.01")) for one in found]
        return [
            replace(one, terms=terms) if one.id == forged else one
            for one, terms in zip(found, dearer, strict=True)
        ]

    assert all(each.same for each in replay(house.session, talk.session_id))
    monkeypatch.setattr(OfferRepository, "made_for", read_another_price)
    assert not all(each.same for each in replay(house.session, talk.session_id))
