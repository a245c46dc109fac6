"""What a contract costs per contract year, and when it is paid; both add up to the total to the cent."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from procur.contracts.clause_values import day
from procur.contracts.contract_facts import ContractFacts, Instalment
from procur.core.deal import PAYMENT_DAYS
from procur.core.finance import add_months
from procur.core.money import to_cents

_YEAR = 12
_INTERVAL = {"monthly": 1, "quarterly": 3, "yearly": 12}


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of the term and its share of the total; a one-off purchase has a single one without dates."""

    label: str
    first: date
    last: date | None
    months: int
    amount: Decimal


def price_years(facts: ContractFacts) -> tuple[Period, ...]:
    """Return the price schedule, one row per contract year."""
    if not facts.terms.term_months:
        return (Period(facts.item, facts.first_day, None, 0, _total(facts)),)
    return _periods(facts, _YEAR, "Contract year")


def payments(facts: ContractFacts) -> tuple[Instalment, ...]:
    """Return the payment schedule: as agreed, or what follows from the terms; empty while that is unknown."""
    if facts.payment_schedule:
        return facts.payment_schedule
    terms = facts.terms
    if terms.payment_terms == "MILESTONES":
        return ()
    if terms.payment_terms == "PREPAID":
        return tuple(Instalment(year.label, year.first, year.amount) for year in price_years(facts))
    if not terms.term_months:
        return (
            Instalment(facts.item, f"{PAYMENT_DAYS[terms.payment_terms]} days after invoice", _total(facts)),
        )
    if facts.billing not in _INTERVAL:
        return ()
    label = "Contract year" if facts.billing == "yearly" else "Period"
    return tuple(_invoiced(facts, period) for period in _periods(facts, _INTERVAL[facts.billing], label))


def _invoiced(facts: ContractFacts, period: Period) -> Instalment:
    """Return a period's payment: invoiced on its first day (as in `core.finance`), due n days later."""
    due = period.first + timedelta(days=PAYMENT_DAYS[facts.terms.payment_terms])
    return Instalment(f"{period.label}, invoiced on {day(period.first)}", due, period.amount)


def _periods(facts: ContractFacts, months: int, label: str) -> tuple[Period, ...]:
    """Cut the term into periods; the last one takes what rounding left over."""
    terms, left, found = facts.terms, _total(facts), list[Period]()
    for start in range(0, terms.term_months, months):
        length = min(months, terms.term_months - start)
        final = start + length == terms.term_months
        last = facts.last_day if final else add_months(facts.first_day, start + length) - timedelta(days=1)
        share = left if final else to_cents(terms.unit_price * terms.quantity * length, terms.currency)
        first = add_months(facts.first_day, start)
        found.append(Period(f"{label} {len(found) + 1}", first, last, length, share))
        left -= share
    return tuple(found)


def _total(facts: ContractFacts) -> Decimal:
    return to_cents(facts.terms.total, facts.terms.currency)
