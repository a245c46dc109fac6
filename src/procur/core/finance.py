"""The time value of money: what payment days, prepayment and long terms are worth to the buyer.

Rates are yearly fractions (0.10 is 10 %), days are calendar days of a 365-day year, results are fractions of
a price unless a docstring says money. Every calculation runs in one fixed decimal context, so that the same
inputs give the same digits on every platform.
"""

import functools
from calendar import monthrange
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import ParamSpec, TypeVar

from procur.core.deal import PAYMENT_DAYS, Terms
from procur.core.errors import InvalidInput
from procur.core.money import to_cents

DAYS_PER_YEAR = 365
MONTHS_PER_YEAR = 12
BASIS_DAYS = 30  # NET30 is the payment term that prices are compared at
# Months that one invoice covers; None is the whole term. Recurring charges are invoiced in advance.
BILLING_MONTHS: dict[str, int | None] = {"monthly": 1, "quarterly": 3, "annual": 12, "once": None}

_CONTEXT = Context(prec=34, rounding=ROUND_HALF_EVEN)
_KEPT_DIGITS = Context(prec=28, rounding=ROUND_HALF_EVEN)  # the C and the Python power() agree to this many

_P = ParamSpec("_P")
_R = TypeVar("_R")


def fixed_precision(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Run a function in the one decimal context, whatever context its caller has set."""

    @functools.wraps(function)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        with localcontext(_CONTEXT):
            return function(*args, **kwargs)

    return run


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment: days after the contract's start, money, and the date when the start date is known."""

    day: int
    amount: Decimal
    due_on: date | None = None


@functools.lru_cache(maxsize=4096)
@fixed_precision
def discount_factor(days: int | Decimal, rate: Decimal) -> Decimal:
    """Return what one unit of money due in `days` is worth today: DF(d) = (1 + r)^(-d/365)."""
    if rate <= -1:
        raise InvalidInput(f"the cost of capital must be above -100 %, not {rate}", field="cost_of_capital")
    return _KEPT_DIGITS.plus((1 + rate) ** (-Decimal(days) / DAYS_PER_YEAR))


@fixed_precision
def price_equivalent(price: Decimal, days: int, rate: Decimal) -> Decimal:
    """Return the NET30 price as good as `price` due after `days`: p x DF(d) / DF(30), in money."""
    return price * discount_factor(days, rate) / discount_factor(BASIS_DAYS, rate)


@fixed_precision
def payment_days_worth(days: int, rate: Decimal) -> Decimal:
    """Return what payment after `days` is worth against NET30, as a share of price: 1 - DF(d) / DF(30).

    Positive is better for the buyer.
    """
    return 1 - discount_factor(days, rate) / discount_factor(BASIS_DAYS, rate)


@fixed_precision
def early_payment_yearly_cost(discount: Decimal, discount_days: int, net_days: int) -> Decimal:
    """Return the yearly cost of not taking an early-payment discount: (1 + a/(1-a))^(365/(n-b)) - 1.

    "2/10 net 30" is a = 0.02, b = 10, n = 30. Take the discount if this is above the cost of capital.
    """
    if not 0 <= discount < 1 or discount_days >= net_days:
        raise InvalidInput("an early-payment discount is below 100 % and due before the net date")
    growth = 1 + discount / (1 - discount)
    return _KEPT_DIGITS.plus(growth ** (Decimal(DAYS_PER_YEAR) / (net_days - discount_days)) - 1)


@fixed_precision
def prepay_break_even(rate: Decimal, *, instalments: int, months: int) -> Decimal:
    """Return the discount at which paying everything on day 0 costs as much as equal instalments in advance.

    1 - mean(DF of each instalment's day); the instalments are spread evenly over `months`.
    """
    if instalments < 1 or months < 1:
        raise InvalidInput("instalments and months must be at least 1")
    days = [Decimal(DAYS_PER_YEAR * months * i) / (MONTHS_PER_YEAR * instalments) for i in range(instalments)]
    return 1 - sum((discount_factor(day, rate) for day in days), Decimal(0)) / instalments


@fixed_precision
def price_lock_worth(rate: Decimal, uplift: Decimal, *, years: int) -> Decimal:
    """Return what a locked price is worth against one that rises by `uplift` each year.

    1 - sum(DF(365 i)) / sum((1+u)^i DF(365 i)), as a share of what the rising price would cost.
    """
    factors = [discount_factor(DAYS_PER_YEAR * i, rate) for i in range(years)]
    rising = sum((factor * (1 + uplift) ** i for i, factor in enumerate(factors)), Decimal(0))
    return 1 - sum(factors, Decimal(0)) / rising


def multi_year_break_even(
    rate: Decimal, *, years: int, uplift: Decimal, drop_probability: Decimal
) -> Decimal:
    """Return the smallest discount at which one deal of `years` beats as many one-year deals.

    1 - sum((1-q)^i (1+u)^i DF(365 i)) / sum(DF(365 i)): each year the tool is dropped with probability q, and
    a one-year price rises by u. Negative means that the long deal pays even at a surcharge.
    """
    months = years * MONTHS_PER_YEAR
    return term_break_even(rate, months=months, uplift=uplift, drop_probability=drop_probability)


@fixed_precision
def term_break_even(rate: Decimal, *, months: int, uplift: Decimal, drop_probability: Decimal) -> Decimal:
    """Return the same for a term in months: a last year that is shorter counts with its months.

    A term of a year or less is 0: it commits no longer than a one-year deal.
    """
    kept = (1 - drop_probability) * (1 + uplift)
    locked = expected = Decimal(0)
    for year, begin in enumerate(range(0, months, MONTHS_PER_YEAR)):
        weight = min(MONTHS_PER_YEAR, months - begin) * discount_factor(DAYS_PER_YEAR * year, rate)
        locked += weight
        expected += weight * kept**year
    return 1 - expected / locked if locked else Decimal(0)


def payment_schedule(
    terms: Terms, *, billing: str = "annual", start: date | None = None
) -> tuple[Payment, ...]:
    """Return when the buyer pays what; the amounts are whole cents and add up to the total, to the cent.

    One convention per payment term:
    - NETn: each billing period is invoiced on its first day and paid n days later;
    - PREPAID: each contract year (with billing "once" the whole term) is paid on its first day;
    - MILESTONES: like NET30, until a schedule of its own is known;
    - a one-off purchase (term 0): one invoice on day 0.
    A last period that is shorter costs its share of months. Without a start date month k begins on day
    365 k / 12 (rounded down); with one, days follow the calendar.
    """
    if terms.payment_terms not in PAYMENT_DAYS:
        raise InvalidInput(f"unknown payment terms {terms.payment_terms}", field="payment_terms")
    months = terms.term_months or 1
    period = _period_months(terms, billing)
    credit = PAYMENT_DAYS[terms.payment_terms]
    begins = range(0, months, period)
    amounts = _allocate(terms, [min(period, months - begin) for begin in begins])
    return tuple(
        _payment(_month_day(begin, start) + credit, amount, start)
        for begin, amount in zip(begins, amounts, strict=True)
    )


@fixed_precision
def present_value(payments: Iterable[Payment], rate: Decimal) -> Decimal:
    """Return what the payments are worth on day 0, in money, not rounded: sum(amount x DF(day))."""
    return sum((payment.amount * discount_factor(payment.day, rate) for payment in payments), Decimal(0))


def month_start_day(month: int) -> int:
    """Return the day on which month `month` (0 is the first) of a 365-day year model begins."""
    return DAYS_PER_YEAR * month // MONTHS_PER_YEAR


def add_months(start: date, months: int) -> date:
    """Return the same day `months` later, or the month's last day where that day does not exist."""
    years, month = divmod(start.month - 1 + months, MONTHS_PER_YEAR)
    last = monthrange(start.year + years, month + 1)[1]
    return date(start.year + years, month + 1, min(start.day, last))


def _period_months(terms: Terms, billing: str) -> int:
    if billing not in BILLING_MONTHS:
        raise InvalidInput(f"billing must be one of {list(BILLING_MONTHS)}, not {billing}", field="billing")
    cadence = BILLING_MONTHS[billing]
    if terms.payment_terms == "PREPAID" and cadence is not None:
        cadence = MONTHS_PER_YEAR
    return cadence or terms.term_months or 1


@fixed_precision
def _allocate(terms: Terms, months: list[int]) -> list[Decimal]:
    """Split the total by months so that the running sum is never more than half a cent off."""
    total, all_months = to_cents(terms.total, terms.currency), sum(months)
    amounts: list[Decimal] = []
    for index in range(len(months)):
        up_to_here = to_cents(total * sum(months[: index + 1]) / all_months, terms.currency)
        amounts.append(up_to_here - sum(amounts, Decimal(0)))
    return amounts


def _month_day(month: int, start: date | None) -> int:
    return month_start_day(month) if start is None else (add_months(start, month) - start).days


def _payment(day: int, amount: Decimal, start: date | None) -> Payment:
    return Payment(day, amount, None if start is None else date.fromordinal(start.toordinal() + day))
