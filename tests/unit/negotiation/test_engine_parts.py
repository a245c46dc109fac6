"""The engine's parts: where bids come from, and what offers teach about the other side."""

from decimal import Decimal

import pytest
from bargaining import BUYER, ISSUES, offer
from hypothesis import given, settings
from hypothesis import strategies as st

from procur.negotiation.engine import AdditiveUtility, AnyIssue, Issue, Outcome, PriceIssue
from procur.negotiation.engine.opponent import OpponentModel
from procur.negotiation.engine.space import Bid, Space, space_of

BENT = AdditiveUtility(
    {"unit_price": 1.0, "term_months": 0.2},
    {"unit_price": [(50, 1.0), (70, 0.9), (80, 0.9), (100, 0.0)], "term_months": {12: 1.0, 24: 0.5, 36: 0.0}},
)
RISING = AdditiveUtility(
    {"unit_price": 1.0, "term_months": 0.2},
    {"unit_price": [(50, 0.0), (70, 0.3), (100, 1.0)], "term_months": {12: 0.0, 24: 0.5, 36: 1.0}},
)
STRAIGHT = AdditiveUtility(
    {"unit_price": 0.8, "term_months": 0.2},
    {"unit_price": [(40, 1.0), (120, 0.0)], "term_months": {12: 1.0, 24: 0.5, 36: 0.0}},
)
PRICE = PriceIssue("unit_price", Decimal(50), Decimal(100))
PRICED: list[AnyIssue] = [PRICE, Issue("term_months", (12, 24, 36))]


def read(space: Space, outcome: Outcome) -> Bid:
    bid = space.read(outcome)
    assert bid is not None
    return bid


@settings(deadline=None)
@given(st.sampled_from([BENT, RISING, STRAIGHT]), st.floats(0, 1.3), st.decimals(50, 100, places=2))
def test_priced_bids_are_worth_the_target_and_stay_inside_the_mandate(
    utility: AdditiveUtility, target: float, limit: Decimal
) -> None:
    falling = utility is not RISING
    space = space_of(
        PRICED,
        utility,
        lambda outcome: outcome["unit_price"] <= limit if falling else outcome["unit_price"] >= limit,
    )
    for bid in space.at_least(target, 0.05, 100):
        outcome = space.decode(bid)
        assert utility(outcome) == pytest.approx(bid.own, abs=1e-9)
        assert bid.own >= min(target, space.best) - 1e-8
        assert Decimal(50) <= outcome["unit_price"] <= Decimal(100)
        assert outcome["unit_price"] <= limit if falling else outcome["unit_price"] >= limit


def test_a_priced_bid_gives_the_whole_cent_but_no_more() -> None:
    utility = AdditiveUtility({"unit_price": 1.0}, {"unit_price": [(50, 50.0), (100, 0.0)]})
    (bid,) = space_of([PRICE], utility).at_least(22.224, 0.05, 10)
    assert bid.steps == 7777


def test_the_price_of_a_change_tells_what_it_is_worth() -> None:
    # One year instead of three raises the ask by 12 of 40, far more than the 3 that three years cost us.
    space = space_of(ISSUES, BUYER)
    model = OpponentModel(space, BUYER)
    before = model.weight("term_months")
    for price, months in (("88", 36), ("87", 36), ("98", 12), ("85", 36), ("96", 12), ("83", 36)):
        model.learn(read(space, offer(price, term_months=months)), 0.2)
    assert model.weight("term_months") > 2 * before
    assert model.score(read(space, offer("86", term_months=36))) > model.score(
        read(space, offer("88", term_months=12))
    )


def test_a_value_held_while_others_move_weighs_more() -> None:
    issues = [Issue("kept", ("a", "b")), Issue("given", ("a", "b", "c"))]
    worths = {"kept": {"a": 0.0, "b": 1.0}, "given": {"a": 0.0, "b": 0.5, "c": 1.0}}
    utility = AdditiveUtility({"kept": 0.5, "given": 0.5}, worths)
    space = space_of(issues, utility)
    model = OpponentModel(space, utility)
    for value in ("a", "b", "c", "b", "a", "c"):
        model.learn(read(space, {"kept": "a", "given": value}), 0.3)
    assert model.weight("kept") > model.weight("given")
    assert model.weight("kept") + model.weight("given") == pytest.approx(1.0)
