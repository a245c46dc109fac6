"""What must hold in every negotiation, whatever the preferences."""

from decimal import Decimal
from typing import Any

import pytest
from bargaining import BUYER, ISSUES, SELLER, bargain, buyer, offer, seller
from hypothesis import given, settings
from hypothesis import strategies as st

from procur.core.errors import InvalidInput
from procur.negotiation.engine import AdditiveUtility, Issue, Negotiator, Outcome, PiecewiseLinear, PriceIssue

TOLERANCE = 1e-9
worths = st.floats(0, 1, allow_nan=False)


@st.composite
def discrete_sides(draw: st.DrawFn) -> tuple[list[Issue], AdditiveUtility, AdditiveUtility]:
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    issues = [Issue(f"issue {k}", tuple(range(size))) for k, size in enumerate(sizes)]

    def utility() -> AdditiveUtility:
        tables = {i.name: {v: draw(worths) for v in i.values} for i in issues}
        return AdditiveUtility({i.name: draw(worths) / len(issues) for i in issues}, tables)

    return issues, utility(), utility()


@settings(max_examples=60, deadline=None)
@given(discrete_sides(), worths, worths, st.integers(1, 25), st.integers(0, 99))
def test_neither_side_goes_below_its_reservation(
    sides: tuple[list[Issue], AdditiveUtility, AdditiveUtility],
    first_floor: float,
    second_floor: float,
    deadline: int,
    seed: int,
) -> None:
    issues, first, second = sides
    a = Negotiator(issues, first, first_floor, deadline, "buyer", seed=seed)
    b = Negotiator(issues, second, second_floor, deadline, "seller", seed=seed)

    def check(who: Negotiator, action: str, outcome: Outcome) -> None:
        del action
        own, floor = (first, first_floor) if who is a else (second, second_floor)
        assert own(outcome) >= floor - TOLERANCE

    bargain(a, b, deadline, check)


@settings(max_examples=40, deadline=None)
@given(
    st.decimals(61, 100, places=2),
    st.decimals(60, 99, places=2),
    st.decimals(70, 100, places=2),
    st.integers(1, 20),
    st.booleans(),
)
def test_mandate_and_floors_hold_with_a_price(
    limit: Decimal, floor: Decimal, ceiling: Decimal, deadline: int, buyer_opens: bool
) -> None:
    def allowed(outcome: Outcome) -> bool:
        return bool(outcome["unit_price"] <= ceiling and outcome["term_months"] <= 24)

    a = buyer(str(limit), deadline, allowed=allowed)
    b = seller(str(floor), deadline)

    def check(who: Negotiator, action: str, outcome: Outcome) -> None:
        del action
        price = outcome["unit_price"]
        assert isinstance(price, Decimal)
        assert price == price.quantize(Decimal("0.01"))
        if who is a:
            assert allowed(outcome)
            assert BUYER(outcome) >= BUYER(offer(str(limit))) - TOLERANCE
        else:
            assert SELLER(outcome) >= SELLER(offer(str(floor))) - TOLERANCE

    bargain(*((a, b) if buyer_opens else (b, a)), deadline, check)


@given(st.floats(0, 1), st.floats(1, 100), st.floats(1, 100), st.booleans())
def test_the_price_solves_back_to_its_worth(part: float, low: float, width: float, falling: bool) -> None:
    ends = (1.0, 0.0) if falling else (0.0, 1.0)
    line = PiecewiseLinear([(low, ends[0]), (low + width, ends[1])])
    solved = line.furthest(part)
    assert solved is not None
    assert line(solved) == pytest.approx(part, abs=1e-9)


def test_a_worth_function_works_between_and_beyond_its_points() -> None:
    line = PiecewiseLinear([(60, 1.0), (80, 1.0), (100, 0.0)])
    assert [line(x) for x in (Decimal(10), 70, Decimal(90), 500)] == [1.0, 1.0, 0.5, 0.0]
    assert line.furthest(1.0) == 80.0
    assert line.furthest(1.1) is None


def test_an_offer_beyond_the_price_range_is_never_accepted() -> None:
    agent = buyer("100", deadline=1)
    assert agent.respond(offer("100.01"), 0) == "reject"
    assert buyer("100", deadline=1).respond(offer("100.00"), 0) == "accept"


@pytest.mark.parametrize(
    "nonsense", [{}, offer("90", term_months=7), {**offer("90"), "unit_price": "ninety"}, offer("NaN")]
)
def test_an_offer_that_is_no_outcome_is_rejected(nonsense: Outcome) -> None:
    agent = buyer(deadline=1)
    assert agent.respond(nonsense, 0) == "reject"
    told = agent.explain()
    assert told is not None
    assert told.reason == "not understood"


def test_nothing_to_offer_ends_the_session() -> None:
    agent = Negotiator([Issue("x", (1,))], AdditiveUtility({"x": 1.0}, {"x": {1: 0.4}}), 0.5, 5)
    assert agent.propose(0) is None
    assert agent.respond({"x": 1}, 1) == "end"


def test_one_outcome_is_enough() -> None:
    utility = AdditiveUtility({"x": 1.0}, {"x": {1: 0.4}})
    a, b = (Negotiator([Issue("x", (1,))], utility, 0.1, 3, role) for role in ("buyer", "seller"))
    assert bargain(a, b, 3)[0] == {"x": 1}


@pytest.mark.parametrize(
    "make",
    [
        lambda: Issue("x", ()),
        lambda: Issue("x", (1, 1)),
        lambda: PriceIssue("p", Decimal(2), Decimal(1)),
        lambda: PriceIssue("p", Decimal(1), Decimal(2), Decimal(0)),
        lambda: Negotiator([], AdditiveUtility({}, {}), 0.0, 5),
        lambda: Negotiator(ISSUES, BUYER, 0.0, 0),
        lambda: Negotiator(ISSUES, BUYER, 0.0, 5, allowed=lambda _: False),
        lambda: Negotiator([*ISSUES, PriceIssue("q", Decimal(1), Decimal(2))], BUYER, 0.0, 5),
        lambda: Negotiator([Issue("x", (1,)), Issue("x", (2,))], AdditiveUtility({}, {}), 0.0, 5),
        lambda: AdditiveUtility({"x": -1.0}, {"x": {1: 0.0}}),
        lambda: AdditiveUtility({"x": 1.0}, {}),
        lambda: PiecewiseLinear([(0, 0.0), (1, 1.0), (2, 0.0)]),
        lambda: PiecewiseLinear([(1, 0.0), (1, 1.0)]),
        lambda: PiecewiseLinear([(1, 0.0)]),
        lambda: BUYER({"unit_price": 3}),
    ],
)
def test_senseless_input_is_refused(make: Any) -> None:
    with pytest.raises(InvalidInput):
        make()
