from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procur.core.deal import Terms
from procur.core.errors import InvalidInput
from procur.core.finance import (
    discount_factor,
    multi_year_break_even,
    payment_days_worth,
    prepay_break_even,
)
from procur.negotiation.engine import Negotiator, PriceIssue
from procur.negotiation.preferences import Preferences, buyer_preferences

D = Decimal
TEN = D("0.10")
FIGURES: dict[str, Any] = {
    "quantity": 50,
    "terms_months": (12, 24, 36),
    "payment_terms": ("PREPAID", "NET30", "NET60", "NET90"),
    "price_ceiling": D(20),
    "currency": "USD",
    "list_prices": (D("19.00"), D("24.99")),
    "target_price": D(15),
    "quantity_tiers": (50, 60),
    "value_adds": {"training": D(600), "premium support": D(1200)},
}


def preferences(**changes: Any) -> Preferences:
    return buyer_preferences(**(FIGURES | changes))


def outcome_of(terms: Terms) -> dict[str, Any]:
    names = ("unit_price", "term_months", "payment_terms", "quantity", "value_adds")
    return {name: getattr(terms, name) for name in names}


def deal(price: str = "15", **changes: Any) -> Terms:
    return replace(Terms(D(price), 50, 12, "NET30", "USD"), **changes)


def test_the_worth_of_terms_is_the_finance_of_them() -> None:
    wanted = preferences()
    assert wanted.worth(deal()) == 0
    assert abs(wanted.worth(deal(payment_terms="NET60")) - 15 * payment_days_worth(60, TEN)) < D("1e-20")
    three = multi_year_break_even(TEN, years=3, uplift=D("0.05"), drop_probability=TEN)
    assert abs(wanted.worth(deal(term_months=36)) + 15 * three) < D("1e-20")
    assert wanted.worth(deal(value_adds=("training", "premium support"))) == 3
    assert wanted.worth(deal(quantity=60)) == -3  # ten units of 15 for nothing, over 50 needed units
    assert preferences(spare_unit_worth=D(1)).worth(deal(quantity=60)) == 0
    assert preferences(quantity_tiers=(40,)).worth(deal(quantity=40)) == -1  # ten units at 20 instead of 15


def test_prepayment_against_monthly_invoices_costs_its_break_even() -> None:
    monthly = preferences(billing="monthly").payment_terms["PREPAID"]
    instalments = (1 - prepay_break_even(TEN, instalments=12, months=12)) * discount_factor(30, TEN)
    assert abs(monthly / 15 - (1 - 1 / instalments)) < D("0.0005")
    assert monthly < preferences().payment_terms["PREPAID"]
    assert preferences().payment_terms["PREPAID"] < 0


def test_a_preferred_payment_term_is_worth_a_stated_share_more() -> None:
    plain, liked = preferences(), preferences(preferred_payment="NET60")
    assert liked.payment_terms["NET60"] - plain.payment_terms["NET60"] == D("0.075")


def test_weights_are_shares_of_the_money_at_stake() -> None:
    wanted = preferences()
    assert abs(sum(wanted.weights.values(), D(0)) - 1) < D("1e-20")
    assert wanted.ranges["unit_price"] == 20 - D("11.25")
    assert wanted.ranges["value_adds"] == 3
    assert preferences(terms_months=(12,)).weights["term_months"] == 0


def test_the_price_function_is_common_to_all_vendors() -> None:
    wanted = preferences()
    for listed, high in ((D("19.00"), D("19.00")), (D("24.99"), D("20.00")), (None, D("20.00"))):
        price = wanted.issues(listed)[0]
        assert isinstance(price, PriceIssue)
        assert (price.low, price.high) == (D("11.25"), high)
    assert preferences(list_prices=(D(10),)).best_price == 6
    assert preferences(best_price=D("9.999")).best_price == D("9.99")
    assert preferences(target_price=None).target == 16


def test_the_engine_negotiates_with_them() -> None:
    wanted = preferences()
    utility = wanted.as_utility()
    buyer = Negotiator(wanted.issues(D("19.00")), utility, 0.2, 8, "buyer", seed=1)
    offer = buyer.propose(0)
    assert offer is not None
    assert set(offer) == {"unit_price", "term_months", "payment_terms", "quantity", "value_adds"}
    assert utility(outcome_of(deal("20", term_months=36, payment_terms="PREPAID", quantity=60))) == 0
    best = deal(str(wanted.best_price), payment_terms="NET90", value_adds=("premium support", "training"))
    assert utility(outcome_of(best)) == pytest.approx(1)


def test_one_off_purchases() -> None:
    once = preferences(terms_months=(0,), value_adds={"delivery": D(100)}, quantity_tiers=())
    assert once.term_months == {0: 0}
    assert once.value_adds == {(): 0, ("delivery",): 2}
    assert once.payment_terms["PREPAID"] < once.payment_terms["NET60"]


def test_they_are_json_with_their_assumptions() -> None:
    told = preferences().as_dict()
    assert told["money_per_unit_and_month"]["value_adds"]["premium support + training"] == "3.0000"
    assert "cost of capital 10.0% a year" in told["assumptions"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"terms_months": (0, 12)}, "terms_months"),
        ({"terms_months": ()}, "terms_months"),
        ({"payment_terms": ()}, "quantity"),
        ({"quantity": 0}, "quantity"),
        ({"preferred_payment": "NET45"}, "preferred_payment"),
        ({"best_price": D(20)}, "price_ceiling"),
        ({"value_adds": {str(n): D(1) for n in range(7)}}, "value_adds"),
    ],
)
def test_figures_that_make_no_sense_are_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        preferences(**changes)
    assert refusal.value.field == field


def test_terms_outside_the_issues_are_refused() -> None:
    with pytest.raises(InvalidInput, match="NET45"):
        preferences().worth(deal(payment_terms="NET45"))


deals = st.builds(
    deal,
    st.decimals(min_value="11.25", max_value=20, places=2).map(str),
    term_months=st.sampled_from((12, 24, 36)),
    payment_terms=st.sampled_from(("PREPAID", "NET30", "NET60", "NET90")),
    quantity=st.sampled_from((50, 60)),
    value_adds=st.sampled_from(((), ("training",), ("premium support", "training"))),
)


@given(deals, deals)
def test_one_point_of_utility_is_worth_the_same_money_everywhere(one: Terms, other: Terms) -> None:
    wanted = preferences()
    utility = wanted.as_utility()
    gained = utility(outcome_of(one)) - utility(outcome_of(other))
    cheaper = wanted.net_unit_price(other) - wanted.net_unit_price(one)
    assert gained * float(wanted.money_per_utility) == pytest.approx(float(cheaper), abs=1e-9)
