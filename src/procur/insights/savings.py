"""Savings of an awarded offer against stated baselines, each apart from the others and never added up.

Every baseline is taken at the awarded quantity and term, nominal and before tax. Cost reduction is money that
used to be spent (there was an old price for the same thing); everything else is cost avoidance. A baseline
that is missing is "not available", never 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

from procur.core.deal import Terms
from procur.core.errors import InvalidInput
from procur.core.finance import (
    DAYS_PER_YEAR,
    MONTHS_PER_YEAR,
    Payment,
    fixed_precision,
    payment_schedule,
    present_value,
)
from procur.core.money import show, show_price, to_cents

SHOWN_DIGITS = Decimal("0.0001")
SHARE_DIGITS = Decimal("0.0001")

Kind = Literal["cost avoidance", "cost reduction"]


@dataclass(frozen=True, slots=True)
class ListPrice:
    """A published price per unit and month, and the published factor for paying a year in advance."""

    unit_price: Decimal
    published_on: str
    prepay_factor: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Baselines:
    """What an award may be measured against; None and empty mean that it is not known.

    `first_offer` is the vendor's own, `budget_total` the budget for the awarded quantity and term,
    `other_final_offers` the last offers of the vendors that were not chosen, `previous` what was paid before
    for the same thing.
    """

    list_price: ListPrice | None = None
    first_offer: Terms | None = None
    budget_total: Decimal | None = None
    other_final_offers: tuple[Terms, ...] = ()
    previous: Terms | None = None


@dataclass(frozen=True, slots=True)
class Saving:
    """The saving against one baseline: `amount` over the awarded term, `yearly` for its first twelve months.

    Only `yearly` may be reported as a saving of the year. All money is None when the baseline is not
    available; `words` say how it was computed, or why it was not.
    """

    baseline: str
    kind: Kind
    baseline_total: Decimal | None
    amount: Decimal | None
    percent: Decimal | None
    yearly: Decimal | None
    words: str

    def as_dict(self) -> dict[str, Any]:
        """Return the saving as a JSON object; money as text."""
        numbers = ("baseline_total", "amount", "percent", "yearly")
        return {"baseline": self.baseline, "kind": self.kind, "words": self.words} | {
            name: None if getattr(self, name) is None else str(getattr(self, name)) for name in numbers
        }


@dataclass(frozen=True, slots=True)
class PaymentWorth:
    """What the awarded payment terms are worth against NET30, apart from price.

    `worth` is money of day 0 (negative: worse than NET30), `capital_released` the working capital that later
    payment leaves with the buyer: what twelve months cost x extra days (mean, weighted by amount) / 365.
    """

    worth: Decimal
    capital_released: Decimal
    words: str

    def as_dict(self) -> dict[str, Any]:
        """Return the worth as a JSON object; money as text."""
        return {"worth": str(self.worth), "capital_released": str(self.capital_released), "words": self.words}


@dataclass(frozen=True, slots=True)
class SavingsReport:
    """All savings of one award. They are views of the same money: adding them up would count it twice."""

    awarded_total: Decimal
    currency: str
    savings: tuple[Saving, ...]
    payment_terms: PaymentWorth

    def as_dict(self) -> dict[str, Any]:
        """Return the report as a JSON object."""
        return {
            "awarded_total": str(self.awarded_total),
            "currency": self.currency,
            "savings": [saving.as_dict() for saving in self.savings],
            "payment_terms": self.payment_terms.as_dict(),
        }


@fixed_precision
def per_needed_unit(terms: Terms, needed: int) -> Terms:
    """Return the same money for the units that are needed: units bought beyond the need save nothing."""
    if terms.quantity <= needed:
        return terms
    return replace(terms, unit_price=terms.unit_price * terms.quantity / needed, quantity=needed)


@fixed_precision
def savings_of(
    awarded: Terms, baselines: Baselines, *, cost_of_capital: Decimal, billing: str = "annual"
) -> SavingsReport:
    """Return the savings of an award against every baseline, and what its payment terms are worth."""
    for terms in (baselines.first_offer, baselines.previous, *baselines.other_final_offers):
        if terms is not None and terms.currency != awarded.currency:
            raise InvalidInput(
                f"a baseline is in {terms.currency}, the award in {awarded.currency}", field="currency"
            )
    return SavingsReport(
        awarded_total=to_cents(awarded.total, awarded.currency),
        currency=awarded.currency,
        savings=(
            _against_list(awarded, baselines.list_price),
            _against_terms(awarded, baselines.first_offer, "first offer", "the vendor's first offer"),
            _against_budget(awarded, baselines.budget_total),
            _against_others(awarded, baselines.other_final_offers),
            _against_terms(awarded, baselines.previous, "previous price", "the price paid before"),
        ),
        payment_terms=_payment_worth(awarded, cost_of_capital, billing),
    )


def _against_list(awarded: Terms, listed: ListPrice | None) -> Saving:
    if listed is None:
        return _missing("list price", "no list price is published or recorded")
    price, how = listed.unit_price, f"list price as published on {listed.published_on}"
    if awarded.payment_terms == "PREPAID" and listed.prepay_factor is not None:
        price *= listed.prepay_factor
        how += f", x {listed.prepay_factor} as published for annual prepayment"
    return _at_unit_price("list price", "cost avoidance", awarded, price, how)


def _against_terms(awarded: Terms, base: Terms | None, name: str, told: str) -> Saving:
    kind: Kind = "cost reduction" if name == "previous price" else "cost avoidance"
    if base is None:
        return _missing(name, f"{told} is not recorded", kind)
    fields = ("quantity", "term_months", "payment_terms")
    other = [
        f"{field.replace('_', ' ')} {getattr(base, field)}"
        for field in fields
        if getattr(base, field) != getattr(awarded, field)
    ]
    note = f" (it was for {', '.join(other)})" if other else ""
    return _at_unit_price(name, kind, awarded, base.unit_price, told + note)


def _against_budget(awarded: Terms, budget: Decimal | None) -> Saving:
    if budget is None:
        return _missing("budget", "no budget is recorded for this request")
    words = (
        f"budget {show(budget, awarded.currency)} for the same quantity and term - awarded "
        f"{show(awarded.total, awarded.currency)}"
    )
    return _saving("budget", "cost avoidance", awarded, budget, words)


def _against_others(awarded: Terms, others: Sequence[Terms]) -> Saving:
    name = "other final offers"
    if not others:
        return _missing(name, "no other vendor made a final offer")
    mean = sum((terms.unit_price for terms in others), Decimal(0)) / len(others)
    return _at_unit_price(
        name, "cost avoidance", awarded, mean, f"mean unit price of the {len(others)} other final offer(s)"
    )


def _at_unit_price(name: str, kind: Kind, awarded: Terms, price: Decimal, how: str) -> Saving:
    """Measure against another unit price at the awarded quantity and term."""
    base = replace(awarded, unit_price=price)
    months = f" x {awarded.term_months} months" if awarded.term_months else ""
    was, paid = (
        show_price(each.quantize(SHOWN_DIGITS), awarded.currency) for each in (price, awarded.unit_price)
    )
    words = f"({how}: {was} - awarded {paid}) x {awarded.quantity} units{months}"
    return _saving(name, kind, awarded, base.total, words)


def _saving(name: str, kind: Kind, awarded: Terms, base: Decimal, words: str) -> Saving:
    base_total, total = (to_cents(money, awarded.currency) for money in (base, awarded.total))
    amount = base_total - total
    first_year = awarded.term_months and min(awarded.term_months, MONTHS_PER_YEAR) / Decimal(
        awarded.term_months
    )
    yearly = to_cents(amount * (first_year or 1), awarded.currency)
    percent = (amount / base_total).quantize(SHARE_DIGITS) if base_total else None
    if awarded.term_months > MONTHS_PER_YEAR:
        first = show(yearly, awarded.currency)
        words += f"; {first} of it falls into the first year, which alone counts as yearly"
    return Saving(name, kind, base_total, amount, percent, yearly, words)


def _missing(name: str, why: str, kind: Kind = "cost avoidance") -> Saving:
    return Saving(name, kind, None, None, None, None, f"not available: {why}")


def _payment_worth(awarded: Terms, rate: Decimal, billing: str) -> PaymentWorth:
    """Compare the awarded schedule with the same invoices at NET30: sum(amount x DF), in money of day 0."""
    usual = payment_schedule(replace(awarded, payment_terms="NET30"), billing=billing)
    agreed = payment_schedule(awarded, billing=billing)
    worth = present_value(usual, rate) - present_value(agreed, rate)
    extra_days = _mean_day(agreed) - _mean_day(usual)
    released = to_cents(awarded.yearly * extra_days / DAYS_PER_YEAR, awarded.currency)
    words = (
        f"present value at {rate:.1%} a year of the same invoices at NET30 - at {awarded.payment_terms}, "
        f"billing {billing}"
    )
    return PaymentWorth(to_cents(worth, awarded.currency), released, words)


def _mean_day(payments: Sequence[Payment]) -> Decimal:
    """Return the day on which the payments are due on average, weighted by amount."""
    total = sum((payment.amount for payment in payments), Decimal(0))
    weighted = sum((payment.amount * payment.day for payment in payments), Decimal(0))
    return weighted / total if total else Decimal(0)
