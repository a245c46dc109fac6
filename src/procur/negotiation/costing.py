"""Total cost of ownership of one offer over the horizon: every line stated, nominal and as present value.

TCO = sum over years of (unit price x max(units, units bought) x (1 + uplift)^y + support + overage + internal
administration) x DF + implementation + training + integration + migration in + exit - credits.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from procur.core.finance import (
    MONTHS_PER_YEAR,
    Payment,
    fixed_precision,
    month_start_day,
    payment_schedule,
    present_value,
)
from procur.core.money import show, to_cents
from procur.negotiation.candidates import COST_KINDS, Basis, Candidate

UNIT_PRICE_DIGITS = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Line:
    """One item of the total cost: how it was computed, the sum of its payments and their present value."""

    kind: str
    label: str
    how: str
    amount: Decimal
    present_value: Decimal


@dataclass(frozen=True, slots=True)
class Costed:
    """What an offer costs over the horizon.

    `total` is the sum of payments, `present_value` the total cost of ownership that offers are compared by,
    `effective_unit_price` that per needed unit and month. `lock_in` is what remains committed at the end of
    the horizon. `extras_worth` is the present value of the extras as the buyer values them: no cash.
    """

    lines: tuple[Line, ...]
    total: Decimal
    present_value: Decimal
    effective_unit_price: Decimal
    lock_in: Decimal
    lock_in_months: int
    extras_worth: Decimal


@fixed_precision
def total_cost(candidate: Candidate, basis: Basis) -> Costed:
    """Return the offer's total cost of ownership on this basis."""
    lines = (*_price_lines(candidate, basis), *_other_lines(candidate, basis))
    cost = sum((line.present_value for line in lines), Decimal(0))
    beyond = max(candidate.terms.term_months - basis.horizon_months, 0) if basis.horizon_months else 0
    return Costed(
        lines=lines,
        total=sum((line.amount for line in lines), Decimal(0)),
        present_value=cost,
        effective_unit_price=(cost / (basis.units * (basis.horizon_months or 1))).quantize(UNIT_PRICE_DIGITS),
        lock_in=to_cents(candidate.terms.unit_price * candidate.terms.quantity * beyond, basis.currency),
        lock_in_months=beyond,
        extras_worth=_extras_worth(candidate, basis),
    )


def _price_lines(candidate: Candidate, basis: Basis) -> Iterator[Line]:
    """Yield the price over the offer's term, and its extension where the term ends before the horizon."""
    terms = candidate.terms
    units = max(basis.units, terms.quantity)
    if units > terms.quantity:
        note = f", {units - terms.quantity} of them beyond the offer at the same unit price"
    else:
        note = f", {units - basis.units} of them not needed" if units > basis.units else ""
    price = show(terms.unit_price, basis.currency)
    if not terms.term_months:
        bought = replace(terms, quantity=units)
        how = f"{price} x {units} units once{note}, {terms.payment_terms}"
        yield _line("price", "price", how, payment_schedule(bought), basis)
        return
    months = min(terms.term_months, basis.horizon_months)
    bought = replace(terms, quantity=units, term_months=months)
    how = f"{price} x {units} units x {months} months{note}, {terms.payment_terms}, billing {basis.billing}"
    yield _line("price", "price", how, payment_schedule(bought, billing=basis.billing), basis)
    if basis.horizon_months > months:
        yield _extension(candidate, basis, units)


def _extension(candidate: Candidate, basis: Basis, units: int) -> Line:
    """Return the months after the term, at a price that has risen by the uplift for each full year."""
    terms = candidate.terms
    uplift = basis.uplift if candidate.uplift is None else candidate.uplift
    payments: list[Payment] = []
    begin = terms.term_months
    while begin < basis.horizon_months:
        years = begin // MONTHS_PER_YEAR
        end = min((years + 1) * MONTHS_PER_YEAR, basis.horizon_months)
        price = terms.unit_price * (1 + uplift) ** years
        renewed = replace(terms, unit_price=price, quantity=units, term_months=end - begin)
        shift = month_start_day(begin)
        payments += [
            Payment(payment.day + shift, payment.amount)
            for payment in payment_schedule(renewed, billing=basis.billing)
        ]
        begin = end
    who = "assumed" if candidate.uplift is None else "stated by the offer"
    how = (
        f"months {terms.term_months + 1} to {basis.horizon_months} on the same terms, price up "
        f"{uplift:.1%} for each full year since the start ({who})"
    )
    return _line("extension", "after the term", how, payments, basis)


def _other_lines(candidate: Candidate, basis: Basis) -> Iterator[Line]:
    """Yield the other kinds of cost; what nobody stated is shown as such and counts as 0."""
    end = month_start_day(basis.horizon_months)
    for kind, (label, when) in COST_KINDS.items():
        amount = candidate.costs.get(kind)
        if amount is None:
            yield Line(kind, label, "none stated", Decimal(0), Decimal(0))
            continue
        if when == "yearly" and not basis.horizon_months:
            yield Line(kind, label, "per year: not counted without a horizon", Decimal(0), Decimal(0))
            continue
        signed = -amount if kind == "credits" else amount
        if when == "yearly":
            yield _line(kind, label, "per year, in advance", _yearly(signed, basis), basis)
        else:
            how = "once, at the start" if when == "start" else "once, at the end of the horizon"
            yield _line(kind, label, how, [Payment(0 if when == "start" else end, signed)], basis)


def _yearly(amount: Decimal, basis: Basis) -> list[Payment]:
    """Return a yearly amount paid in advance, a last part of a year in proportion."""
    payments = []
    for begin in range(0, basis.horizon_months, MONTHS_PER_YEAR):
        months = min(MONTHS_PER_YEAR, basis.horizon_months - begin)
        share = to_cents(amount * months / MONTHS_PER_YEAR, basis.currency)
        payments.append(Payment(month_start_day(begin), share))
    return payments


def _extras_worth(candidate: Candidate, basis: Basis) -> Decimal:
    worths = [candidate.value_adds.get(name, Decimal(0)) for name in candidate.terms.value_adds]
    yearly = sum(worths, Decimal(0))
    if not basis.horizon_months:
        return yearly
    return to_cents(present_value(_yearly(yearly, basis), basis.cost_of_capital), basis.currency)


def _line(
    kind: str, label: str, how: str, payments: tuple[Payment, ...] | list[Payment], basis: Basis
) -> Line:
    amount = sum((payment.amount for payment in payments), Decimal(0))
    value = to_cents(present_value(payments, basis.cost_of_capital), basis.currency)
    return Line(kind, label, how, amount, value)
