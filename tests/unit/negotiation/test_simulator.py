"""The simulated seller: honest, private, and never below its floor."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from procur.core.errors import InvalidInput
from procur.negotiation.engine import Issue, PriceIssue
from procur.negotiation.simulator import (
    BANDS,
    PERSONALITIES,
    SimulatedSeller,
    draw_seller,
    issues_for,
    seller_utility,
)

LIST = Decimal(100)
DAYS = {"NET30": 30, "NET60": 60, "PREPAID": 0}
PRICE_ONLY = [PriceIssue("unit_price", Decimal(40), LIST)]


@given(st.integers(), st.sampled_from(sorted(BANDS)))
def test_floors_come_from_the_stated_band(seed: int, category: str) -> None:
    low, high = BANDS[category]
    profile = draw_seller(seed, LIST, category=category)
    assert 1 - high <= float(profile.floor / LIST) <= 1 - low + 0.0001
    assert profile.personality in PERSONALITIES


def test_sellers_differ_but_not_from_themselves() -> None:
    assert draw_seller(1, LIST) == draw_seller(1, LIST)
    assert len({draw_seller(seed, LIST).floor for seed in range(20)}) > 15


def test_more_commitment_earlier_money_and_volume_are_worth_something() -> None:
    profile = draw_seller(3, LIST, payment_days=DAYS, quantities=(50, 100, 250), extras=((), ("training",)))
    assert 0 == profile.term_worth[12] < profile.term_worth[24] < profile.term_worth[36]
    worth = profile.payment_worth
    assert worth["NET60"] < worth["NET30"] == 0 < worth["PREPAID"]
    assert 0 == profile.quantity_worth[50] < profile.quantity_worth[100] < profile.quantity_worth[250]
    assert profile.extras_worth[("training",)] < profile.extras_worth[()] == 0


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(PERSONALITIES)),
    st.lists(st.decimals(40, 100, places=2), min_size=8, max_size=8),
    st.integers(0, 99),
)
def test_it_never_undercuts_the_buyer_and_never_goes_below_its_floor(
    personality: str, prices: list[Decimal], seed: int
) -> None:
    profile = draw_seller(seed, LIST, personality=personality, payment_days=DAYS, extras=((), ("training",)))
    issues = issues_for(profile, Decimal(40), LIST)
    value, floor = seller_utility(profile, issues)
    agent = SimulatedSeller(profile, issues, 8, seed)
    best = -1.0
    for turn, price in enumerate(prices):
        bid = {
            issue.name: issue.values[turn % len(issue.values)] for issue in issues if isinstance(issue, Issue)
        }
        bid["unit_price"] = price
        best = max(best, value(bid))
        kind, counter = agent.answer(bid, turn)
        if kind == "accept":
            assert value(bid) >= floor - 1e-9
            return
        assert counter is not None
        assert value(counter) >= max(best, floor) - 1e-9
        assert counter["unit_price"] <= LIST


@pytest.mark.parametrize("personality", sorted(PERSONALITIES))
def test_it_opens_at_list_and_takes_exactly_its_floor_at_the_end(personality: str) -> None:
    profile = draw_seller(5, LIST, floor=Decimal("83.37"), personality=personality, terms_months=(12,))
    agent = SimulatedSeller(profile, PRICE_ONLY, 4, 5)
    assert agent.answer({"unit_price": Decimal(50)}, 0) == ("counter", {"unit_price": LIST})
    for turn in (1, 2):
        assert agent.answer({"unit_price": Decimal("83.36")}, turn)[0] == "counter"
    assert agent.answer({"unit_price": Decimal("83.37")}, 3) == ("accept", None)


def test_one_cent_below_the_floor_is_refused() -> None:
    profile = draw_seller(5, LIST, floor=Decimal("83.37"), personality="conceder", terms_months=(12,))
    agent = SimulatedSeller(profile, PRICE_ONLY, 1, 5)
    assert agent.answer({"unit_price": Decimal("83.36")}, 0)[0] == "counter"


def test_unknown_bands_personalities_and_values_are_refused() -> None:
    with pytest.raises(InvalidInput):
        draw_seller(1, LIST, category="hardware")
    with pytest.raises(InvalidInput):
        draw_seller(1, LIST, personality="generous")
    with pytest.raises(InvalidInput):
        SimulatedSeller(draw_seller(1, LIST), [*PRICE_ONLY, Issue("term_months", (7,))], 8)
