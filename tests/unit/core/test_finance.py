from datetime import date
from decimal import Decimal, getcontext, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procur.core.deal import PAYMENT_DAYS, Terms
from procur.core.errors import InvalidInput
from procur.core.finance import (
    BILLING_MONTHS,
    Payment,
    discount_factor,
    early_payment_yearly_cost,
    multi_year_break_even,
    payment_days_worth,
    payment_schedule,
    prepay_break_even,
    present_value,
    price_equivalent,
    price_lock_worth,
    term_break_even,
)

D = Decimal
TEN = D("0.10")

rates = st.decimals(min_value=0, max_value="0.5", places=3)
terms = st.builds(
    Terms,
    unit_price=st.decimals(min_value=0, max_value=10_000, places=4),
    quantity=st.integers(1, 500),
    term_months=st.integers(0, 60),
    payment_terms=st.sampled_from(sorted(PAYMENT_DAYS)),
    currency=st.sampled_from(["USD", "JPY", "KWD"]),
)
billings = st.sampled_from(sorted(BILLING_MONTHS))


def percent(share: Decimal, places: str) -> Decimal:
    return (share * 100).quantize(D(places))


@pytest.mark.parametrize(
    ("days", "rate", "worth"),
    [
        (0, "0.10", "-0.79"),
        (15, "0.10", "-0.39"),
        (30, "0.10", "0.00"),
        (45, "0.10", "0.39"),
        (60, "0.10", "0.78"),
        (90, "0.10", "1.55"),
        (60, "0.08", "0.63"),
        (90, "0.08", "1.26"),
        (60, "0.12", "0.93"),
        (90, "0.12", "1.85"),
    ],
)
def test_worth_of_payment_days_against_net30(days: int, rate: str, worth: str) -> None:
    assert percent(payment_days_worth(days, D(rate)), "0.01") == D(worth)
    assert price_equivalent(D(100), days, D(rate)).quantize(D("0.01")) == 100 - D(worth)


@pytest.mark.parametrize(
    ("discount", "discount_days", "net_days", "cost"),
    [("0.02", 10, 30, "44.6"), ("0.01", 10, 30, "20.1"), ("0.02", 10, 60, "15.9")],
)
def test_yearly_cost_of_not_paying_early(discount: str, discount_days: int, net_days: int, cost: str) -> None:
    assert percent(early_payment_yearly_cost(D(discount), discount_days, net_days), "0.1") == D(cost)


@pytest.mark.parametrize(
    ("rate", "monthly", "quarterly", "three_years"),
    [("0.08", "3.4", "2.8", "7.2"), ("0.10", "4.2", "3.5", "8.8"), ("0.12", "5.0", "4.1", "10.3")],
)
def test_prepay_break_evens(rate: str, monthly: str, quarterly: str, three_years: str) -> None:
    assert percent(prepay_break_even(D(rate), instalments=12, months=12), "0.1") == D(monthly)
    assert percent(prepay_break_even(D(rate), instalments=4, months=12), "0.1") == D(quarterly)
    assert percent(prepay_break_even(D(rate), instalments=3, months=36), "0.1") == D(three_years)


@pytest.mark.parametrize(
    ("uplift", "worth"), [("0.03", "2.8"), ("0.05", "4.5"), ("0.08", "7.1"), ("0.12", "10.5")]
)
def test_worth_of_a_three_year_price_lock(uplift: str, worth: str) -> None:
    assert percent(price_lock_worth(TEN, D(uplift), years=3), "0.1") == D(worth)


@pytest.mark.parametrize(
    ("uplift", "drop", "discount"),
    [
        ("0.05", "0.05", "0.2"),
        ("0.05", "0.10", "5.1"),
        ("0.05", "0.20", "14.2"),
        ("0.05", "0.30", "22.7"),
        ("0.08", "0.10", "2.6"),
        ("0.08", "0.20", "12.2"),
        ("0.08", "0.30", "21.1"),
    ],
)
def test_break_even_discount_of_three_years(uplift: str, drop: str, discount: str) -> None:
    found = multi_year_break_even(TEN, years=3, uplift=D(uplift), drop_probability=D(drop))
    assert percent(found, "0.1") == D(discount)


def test_terms_between_whole_years() -> None:
    found = [
        term_break_even(TEN, months=months, uplift=D("0.05"), drop_probability=TEN)
        for months in (0, 1, 12, 18, 24, 36)
    ]
    assert found[:3] == [0, 0, 0]
    assert 0 < found[3] < found[4] < found[5]


def deal(months: int, payment_terms: str, price: str = "10.00") -> Terms:
    return Terms(D(price), 50, months, payment_terms, "USD")


def test_each_payment_term_has_its_own_convention() -> None:
    assert payment_schedule(deal(24, "NET30"), billing="annual") == (
        Payment(30, D("6000.00")),
        Payment(395, D("6000.00")),
    )
    assert [p.day for p in payment_schedule(deal(12, "NET30"), billing="quarterly")] == [30, 121, 212, 303]
    assert [p.day for p in payment_schedule(deal(24, "PREPAID"), billing="monthly")] == [0, 365]
    assert payment_schedule(deal(24, "PREPAID"), billing="once") == (Payment(0, D("12000.00")),)
    assert payment_schedule(deal(0, "NET45")) == (Payment(45, D("500.00")),)
    assert payment_schedule(deal(18, "MILESTONES")) == (Payment(30, D("6000.00")), Payment(395, D("3000.00")))


def test_dates_follow_the_calendar() -> None:
    leap = payment_schedule(deal(24, "PREPAID"), start=date(2028, 2, 29))
    assert [p.due_on for p in leap] == [date(2028, 2, 29), date(2029, 2, 28)]
    monthly = payment_schedule(deal(3, "NET30"), billing="monthly", start=date(2027, 1, 31))
    assert [p.due_on for p in monthly] == [date(2027, 3, 2), date(2027, 3, 30), date(2027, 4, 30)]


def test_what_does_not_exist_is_refused() -> None:
    with pytest.raises(InvalidInput, match="billing"):
        payment_schedule(deal(12, "NET30"), billing="weekly")
    with pytest.raises(InvalidInput, match="payment terms"):
        payment_schedule(deal(12, "NET7"))
    with pytest.raises(InvalidInput):
        discount_factor(30, D(-1))
    with pytest.raises(InvalidInput):
        early_payment_yearly_cost(D("0.02"), 30, 30)
    with pytest.raises(InvalidInput):
        prepay_break_even(TEN, instalments=0, months=12)


@given(terms, billings)
def test_a_schedule_adds_up_to_the_total_in_whole_cents(offer: Terms, billing: str) -> None:
    unit = {"USD": D("0.01"), "JPY": D(1), "KWD": D("0.001")}[offer.currency]
    amounts = [payment.amount for payment in payment_schedule(offer, billing=billing)]
    assert abs(sum(amounts) - offer.total) <= unit / 2
    assert all(amount >= 0 and amount % unit == 0 for amount in amounts)


@given(terms, billings, rates)
def test_later_payment_is_never_worse_for_the_buyer(offer: Terms, billing: str, rate: Decimal) -> None:
    costs = [
        present_value(
            payment_schedule(
                Terms(offer.unit_price, offer.quantity, offer.term_months, term, offer.currency),
                billing=billing,
            ),
            rate,
        )
        for term in ("NET15", "NET30", "NET45", "NET60", "NET90")
    ]
    assert costs == sorted(costs, reverse=True)


@given(st.integers(0, 4000), rates)
def test_results_do_not_depend_on_the_callers_context(days: int, rate: Decimal) -> None:
    discount_factor.cache_clear()
    usual = payment_days_worth(days, rate)
    discount_factor.cache_clear()
    with localcontext(getcontext()) as context:
        context.prec = 5
        assert payment_days_worth(days, rate) == usual
