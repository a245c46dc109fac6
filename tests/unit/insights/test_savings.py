from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procur.core.deal import Terms
from procur.core.errors import InvalidInput
from procur.insights.savings import Baselines, ListPrice, Saving, SavingsReport, per_needed_unit, savings_of

D = Decimal
AWARD = Terms(D("14.10"), 50, 12, "NET60", "USD")
FULL = Baselines(
    list_price=ListPrice(D("19.00"), "2025-02-26", D("0.8")),
    first_offer=Terms(D("17.50"), 60, 12, "NET30", "USD"),
    budget_total=D(12000),
    other_final_offers=(Terms(D("15.00"), 50, 12, "NET30", "USD"), Terms(D("16.00"), 50, 12, "NET30", "USD")),
    previous=Terms(D("15.10"), 40, 12, "NET30", "USD"),
)


def report(award: Terms = AWARD, baselines: Baselines = FULL) -> SavingsReport:
    return savings_of(award, baselines, cost_of_capital=D("0.10"))


def against(found: SavingsReport, baseline: str) -> Saving:
    return next(saving for saving in found.savings if saving.baseline == baseline)


def test_each_baseline_at_the_awarded_quantity_and_term() -> None:
    found = {saving.baseline: (saving.kind, saving.amount, saving.percent) for saving in report().savings}
    assert found == {
        "list price": ("cost avoidance", D("2940.00"), D("0.2579")),
        "first offer": ("cost avoidance", D("2040.00"), D("0.1943")),
        "budget": ("cost avoidance", D("3540.00"), D("0.2950")),
        "other final offers": ("cost avoidance", D("840.00"), D("0.0903")),
        "previous price": ("cost reduction", D("600.00"), D("0.0662")),
    }
    assert against(report(), "first offer").words == (
        "(the vendor's first offer (it was for quantity 60, payment terms NET30): $17.50 - awarded $14.10) "
        "x 50 units x 12 months"
    )


def test_a_published_prepay_price_is_the_baseline_of_a_prepaid_award() -> None:
    prepaid = against(report(replace(AWARD, payment_terms="PREPAID")), "list price")
    assert prepaid.baseline_total == D("9120.00")
    assert "x 0.8 as published for annual prepayment" in prepaid.words
    plain = Baselines(list_price=ListPrice(D("19.00"), "2025-02-26"))
    assert against(report(replace(AWARD, payment_terms="PREPAID"), plain), "list price").amount == D(
        "2940.00"
    )


def test_a_missing_baseline_is_not_available_and_never_zero() -> None:
    for saving in report(baselines=Baselines()).savings:
        assert saving.amount is saving.percent is saving.yearly is saving.baseline_total is None
        assert saving.words.startswith("not available: ")
        assert saving.as_dict()["amount"] is None


def test_only_the_first_year_of_a_long_deal_is_a_yearly_saving() -> None:
    saving = against(report(replace(AWARD, term_months=36)), "list price")
    assert (saving.amount, saving.yearly) == (D("8820.00"), D("2940.00"))
    assert "$2,940.00 of it falls into the first year" in saving.words
    once = against(report(replace(AWARD, term_months=0)), "list price")
    assert once.amount == once.yearly == D("245.00")


def test_a_worse_price_is_a_negative_saving() -> None:
    assert against(report(replace(AWARD, unit_price=D("20.00"))), "list price").amount == D("-600.00")
    free = Baselines(list_price=ListPrice(D(0), "2025-02-26"))
    assert against(report(baselines=free), "list price").percent is None


def test_payment_terms_are_worth_something_apart() -> None:
    worth = report().payment_terms
    assert worth.worth == D("65.50")  # 8460 x (DF(30) - DF(60)) at 10 %
    assert worth.capital_released == D("695.34")  # 8460 x 30 / 365
    assert report(replace(AWARD, payment_terms="NET30")).payment_terms.worth == 0
    prepaid = report(replace(AWARD, payment_terms="PREPAID")).payment_terms
    assert prepaid.worth < 0
    assert prepaid.capital_released < 0


def test_other_currencies_are_refused() -> None:
    with pytest.raises(InvalidInput, match="EUR"):
        report(baselines=Baselines(first_offer=replace(AWARD, currency="EUR")))


def test_the_report_is_json() -> None:
    told = report().as_dict()
    assert told["awarded_total"] == "8460.00"
    assert told["savings"][0]["amount"] == "2940.00"
    assert told["payment_terms"]["worth"] == "65.50"


prices = st.decimals(min_value="0.01", max_value=1000, places=4)


@given(prices, prices, prices, st.integers(1, 500), st.integers(0, 60))
def test_savings_reconcile(
    awarded: Decimal, listed: Decimal, first: Decimal, units: int, months: int
) -> None:
    award = Terms(awarded, units, months, "NET30", "USD")
    found = report(
        award, Baselines(ListPrice(listed, "2025-01-01"), replace(award, unit_price=first), award.total)
    )
    for saving in found.savings[:3]:
        assert saving.amount is not None
        assert saving.yearly is not None
        assert saving.baseline_total == found.awarded_total + saving.amount
        assert abs(saving.yearly) <= abs(saving.amount)
    assert found.savings[2].amount == 0


def test_units_beyond_the_need_save_nothing():
    bought = Terms(Decimal("8.40"), 55, 36, "PREPAID", "USD")
    needed = per_needed_unit(bought, 50)
    assert (needed.unit_price, needed.quantity, needed.total) == (Decimal("9.24"), 50, bought.total)
    assert per_needed_unit(bought, 60) is bought
