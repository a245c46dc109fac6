"""How the engine bargains: deadlines, learning, alternatives, and what it says about it."""

import json
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pytest
from bargaining import BUYER, SELLER, bargain, buyer, offer, seller

from procur.negotiation.bench import factory
from procur.negotiation.engine import (
    AdditiveUtility,
    AnyIssue,
    Issue,
    Negotiator,
    Outcome,
    PriceIssue,
    nash_point,
    pareto_distance,
    pareto_front,
    points_of,
)
from procur.negotiation.simulator import PERSONALITIES, SimulatedSeller, draw_seller

TRANSCRIPT = """
import json
from bargaining import bargain, buyer, seller
print(json.dumps(bargain(buyer(seed="s"), seller(seed="t"), 8)[1], default=str))
"""


@pytest.mark.parametrize("deadline", range(1, 101))
def test_every_deadline_is_played_to_a_deal(deadline: int) -> None:
    deal, _ = bargain(buyer(deadline=deadline), seller(deadline=deadline), deadline)
    assert deal is not None
    assert BUYER(deal) >= BUYER(offer("95")) - 1e-9
    assert SELLER(deal) >= SELLER(offer("80")) - 1e-9


def test_the_transcript_is_the_same_in_every_interpreter() -> None:
    here = json.loads(json.dumps(bargain(buyer(seed="s"), seller(seed="t"), 8)[1], default=str))
    for hash_seed in ("0", "1", "31337"):
        done = subprocess.run(
            [sys.executable, "-c", TRANSCRIPT],
            capture_output=True,
            check=True,
            env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": ":".join(filter(None, sys.path))},
            cwd=Path(__file__).parent,
        )
        assert json.loads(done.stdout) == here


def deal_with(agent: Negotiator, vendor: SimulatedSeller) -> Outcome:
    """Open against a simulated seller and return the deal."""
    for turn in range(8):
        bid = agent.propose(turn)
        assert bid is not None
        kind, counter = vendor.answer(bid, turn)
        if kind == "accept":
            return bid
        assert counter is not None
        if agent.respond(counter, turn + 1) == "accept":
            return counter
    raise AssertionError("no deal")


def test_no_clock_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> float:
        raise AssertionError("the engine read the clock")

    for name in ("time", "time_ns", "monotonic", "perf_counter"):
        monkeypatch.setattr(time, name, forbidden)
    assert bargain(buyer(), seller(), 8)[0] is not None


def moves_against(recorded: list[Outcome], agent: Negotiator) -> list[Outcome | None]:
    """Let an agent open and hear recorded answers."""
    moves = [agent.propose(0)]
    for turn, counter in enumerate(recorded, start=1):
        if agent.respond(counter, turn) != "reject":
            break
        moves.append(agent.propose(turn))
    return moves


def test_only_the_offers_count_not_the_floor_behind_them() -> None:
    _, offers = bargain(buyer(), seller("80"), 8)
    counters = offers[1::2]
    assert moves_against(counters, buyer()) == offers[0::2]


def test_a_negotiator_can_be_rebuilt_from_its_history() -> None:
    _, offers = bargain(buyer(), seller(), 8)
    for stop in range(2, len(offers) - 2, 2):
        again = buyer()
        for k, past in enumerate(offers[:stop]):
            again.replay([("received" if k % 2 else "proposed", past, (k + 1) // 2)])
        assert again.propose(stop // 2) == offers[stop]


@pytest.mark.parametrize("opens", [True, False])
def test_the_floor_itself_is_taken_at_the_last_chance(opens: bool) -> None:
    tight_buyer, tight_seller = buyer("80"), seller("80")
    sides = (tight_buyer, tight_seller) if opens else (tight_seller, tight_buyer)
    deal, _ = bargain(*sides, 8)
    assert deal is not None
    assert SELLER(deal) >= SELLER(offer("80")) - 1e-9


def test_the_second_mover_takes_its_reservation_only_when_nothing_better_can_come() -> None:
    agent = buyer("95")
    for turn in range(6):
        assert agent.respond(offer("99"), turn) == "reject"
        agent.propose(turn)
    # Its own last offer that can be answered is made now; the opener's last one is still to come.
    assert agent.respond(offer("98"), 6) == "reject"
    agent.propose(6)
    assert agent.respond(offer("95"), 7) == "accept"


def test_the_second_mover_gives_nothing_away_while_one_answer_is_left() -> None:
    agent = buyer("95")
    for turn in range(7):
        assert agent.respond(offer("99"), turn) == "reject"
        proposed = agent.propose(turn)
        assert proposed is not None
        assert BUYER(proposed) >= BUYER(offer("95")) + 0.3


def test_the_opener_asks_for_its_reservation_at_least_when_nothing_better_was_offered() -> None:
    agent = buyer("95")
    for turn in range(7):
        agent.propose(turn)
        assert agent.respond(offer("99"), turn + 1) == "reject"
    last = agent.propose(7)
    assert last is not None
    assert BUYER(last) == pytest.approx(BUYER(offer("95")), abs=0.03)


def test_the_opener_repeats_the_best_offer_in_the_last_round_rather_than_worse() -> None:
    agent = buyer("95")
    prices = ["99", "98", "97", "85", "94", "94", "94"]
    for turn, price in enumerate(prices):
        agent.propose(turn)
        if agent.respond(offer(price), turn + 1) == "accept":
            return
    last = agent.propose(7)
    assert last is not None
    assert BUYER(last) >= BUYER(offer("85")) - 1e-9


def test_offers_never_fall_below_the_best_received() -> None:
    agent = buyer("95", deadline=12)
    best = 0.0
    for turn, price in enumerate(["99", "90", "75", "88", "92", "91", "93", "94", "90", "90", "90"]):
        proposed = agent.propose(turn)
        assert proposed is not None
        assert BUYER(proposed) >= best - 1e-9
        best = max(best, BUYER(offer(price)))
        if agent.respond(offer(price), turn + 1) == "accept":
            break


def test_a_standing_offer_elsewhere_makes_the_buyer_tougher() -> None:
    plain, backed = buyer("95", deadline=10), buyer("95", deadline=10)
    backed.set_reservation(BUYER(offer("84")))
    for turn in range(9):
        ours, theirs = plain.propose(turn), backed.propose(turn)
        assert ours is not None
        assert theirs is not None
        assert BUYER(theirs) >= BUYER(ours) - 1e-9
        assert BUYER(theirs) >= BUYER(offer("84")) - 1e-9
        plain.respond(offer("94"), turn + 1)
        assert backed.respond(offer("94"), turn + 1) == "reject"


@pytest.mark.parametrize("personality", sorted(PERSONALITIES))
def test_a_rich_budget_is_not_spent(personality: str) -> None:
    # What may be spent (a tenth above the floor, list price, three times list) hardly moves what is paid.
    paid = []
    for budget in ("93.50", "100", "300"):
        limit = min(Decimal(budget), Decimal(100))
        issues: list[AnyIssue] = [PriceIssue("unit_price", Decimal(75), limit)]
        utility = AdditiveUtility({"unit_price": 1.0}, {"unit_price": [(75, 25.0), (100, 0.0)]})
        profile = draw_seller(7, Decimal(100), floor=Decimal(85), personality=personality, terms_months=(12,))
        vendor = SimulatedSeller(profile, issues, 8, 7)
        agent = Negotiator(issues, utility, utility({"unit_price": limit}), 8, seed=1)
        paid.append(deal_with(agent, vendor)["unit_price"])
    assert paid[2] == paid[1]
    assert paid[1] <= paid[0] + 2
    assert all(price < Decimal(96) for price in paid)


def test_firm_on_price_and_generous_on_payment_moves_along_the_indifference_curve() -> None:
    agent = buyer("100", deadline=10)
    answers = [
        offer("92"),
        offer("92", payment_terms="NET60"),
        offer("92", payment_terms="NET90"),
        offer("92", payment_terms="NET60"),
        offer("92", payment_terms="NET90"),
    ]
    proposed = None
    for turn, answer in enumerate(answers):
        proposed = agent.propose(turn)
        agent.respond(answer, turn + 1)
    proposed = agent.propose(len(answers))
    told = agent.explain()
    assert proposed is not None
    assert told is not None
    assert proposed["payment_terms"] == "NET90"
    alternatives = [worth for name, worth in BUYER.values["payment_terms"].items() if name != "NET90"]
    assert alternatives
    # At the same utility to itself it pays more than it would have to with NET30.
    same = {**proposed, "payment_terms": "NET30"}
    assert BUYER(proposed) > BUYER(same)
    assert told.own_utility == pytest.approx(told.target, abs=0.01)


def test_explanations_tell_what_moved_and_why() -> None:
    agent = buyer("95")
    agent.propose(0)
    first = agent.explain()
    assert first is not None
    assert (first.action, first.reason) == ("propose", "opening")
    for turn in range(1, 6):
        agent.respond(offer(str(100 - turn), term_months=36), turn)
        agent.propose(turn)
    told = agent.explain()
    assert told is not None
    assert told.best_received == pytest.approx(BUYER(offer("95", term_months=36)))
    assert {move.issue for move in told.moves} == {"unit_price", "term_months", "payment_terms"}
    assert "conceded" in told.words or "gave way" in told.words
    assert json.dumps(told.as_dict(), default=str)


def test_the_bench_adapter_speaks_its_interface() -> None:
    class Told:
        def __init__(self) -> None:
            self.weights = {"a": 0.7, "b": 0.3}
            self.values = {"a": {"x": 1.0, "y": 0.0}, "b": {"u": 0.0, "v": 1.0}}

    issues = {"a": ["x", "y"], "b": ["u", "v"]}
    agent = factory(issues=issues, utility=Told(), reservation=0.1, deadline=5, role="buyer", seed=4)
    assert agent.propose(0, 5) == {"a": "x", "b": "v"}
    assert agent.respond({"a": "y", "b": "u"}, 1, 5) == "reject"
    assert agent.respond({"a": "x", "b": "v"}, 2, 5) == "accept"


def test_two_of_us_end_near_the_pareto_front() -> None:
    issues = [Issue("price", tuple(range(11))), Issue("term", (12, 24, 36))]
    weights = {"price": 0.7, "term": 0.3}
    first = AdditiveUtility(
        weights, {"price": {k: 1 - k / 10 for k in range(11)}, "term": {12: 1.0, 24: 0.8, 36: 0.7}}
    )
    second = AdditiveUtility(
        weights, {"price": {k: k / 10 for k in range(11)}, "term": {12: 0.0, 24: 0.6, 36: 1.0}}
    )
    points = points_of(issues, first, second)
    deal, _ = bargain(
        Negotiator(issues, first, 0.2, 20, "buyer"), Negotiator(issues, second, 0.2, 20, "seller"), 20
    )
    assert deal is not None
    assert pareto_distance((first(deal), second(deal)), pareto_front(points)) < 0.1
    best = nash_point(points, (0.2, 0.2))
    assert best in pareto_front(points)
    assert nash_point(points, (1.1, 1.1)) is None


def test_prices_are_not_enumerated() -> None:
    wide = PriceIssue("unit_price", Decimal("0.01"), Decimal("99999.99"))
    utility = AdditiveUtility({"unit_price": 1.0}, {"unit_price": [(0, 1.0), (10**5, 0.0)]})
    agent = Negotiator([wide], utility, 0.0, 3, allowed=lambda outcome: outcome["unit_price"] <= 7)
    assert agent.propose(0) == {"unit_price": Decimal("0.01")}
    agent.respond({"unit_price": Decimal("99999.99")}, 1)
    proposed = agent.propose(1)
    assert proposed is not None
    assert proposed["unit_price"] <= 7
