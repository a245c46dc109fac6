"""The terms of a deal, typed: the one thing totals, mandates, contracts and orders are computed from."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

# Days from invoice to payment. PREPAID is one contract year (or the whole term if shorter) in advance;
# MILESTONES has no days of its own and is valued like NET30 until its schedule is known.
PAYMENT_DAYS = {
    "PREPAID": 0,
    "NET15": 15,
    "NET30": 30,
    "NET45": 45,
    "NET60": 60,
    "NET90": 90,
    "MILESTONES": 30,
}
PAYMENT_TERMS = tuple(PAYMENT_DAYS)


@dataclass(frozen=True, slots=True)
class Terms:
    """What one side offers.

    `unit_price` is per unit and month when there is a term, per unit when `term_months` is 0 (a one-off
    purchase). `value_adds` are the names of extras that come with the price.
    """

    unit_price: Decimal
    quantity: int
    term_months: int
    payment_terms: str
    currency: str
    value_adds: tuple[str, ...] = ()

    @property
    def total(self) -> Decimal:
        """Total contract value before tax: unit price x quantity x months (x 1 for a one-off purchase)."""
        return self.unit_price * self.quantity * (self.term_months or 1)

    @property
    def yearly(self) -> Decimal:
        """What twelve months cost; the whole total for a one-off purchase or a term under a year."""
        return self.unit_price * self.quantity * (min(self.term_months, 12) or 1)

    def as_dict(self) -> dict[str, Any]:
        """Return the terms as a JSON object; money as text, so that no float appears."""
        return {
            "unit_price": str(self.unit_price),
            "quantity": self.quantity,
            "term_months": self.term_months,
            "payment_terms": self.payment_terms,
            "currency": self.currency,
            "value_adds": list(self.value_adds),
            "total": str(self.total),
        }


@dataclass(frozen=True, slots=True)
class Mandate:
    """How far the buyer's agent may go: written by a person or a policy, never by text from outside.

    `max_total` bounds the whole commitment, `max_yearly` (None for one-off purchases) what twelve months may
    cost, `max_unit_price` one unit. Empty `payment_terms` or `terms_months` allow none.
    """

    max_total: Decimal
    max_yearly: Decimal | None
    max_unit_price: Decimal
    min_quantity: int
    max_quantity: int
    terms_months: tuple[int, ...]
    payment_terms: tuple[str, ...]
    currency: str
    version: int = 1

    def breaches(self, terms: Terms) -> list[str]:
        """Return every limit that these terms break, in words; empty when the agent may agree to them."""
        found: list[str] = []
        if terms.currency != self.currency:
            found.append(f"currency {terms.currency} instead of {self.currency}")
        if terms.unit_price < 0:
            found.append(f"unit price {terms.unit_price} below zero")
        if terms.unit_price > self.max_unit_price:
            found.append(f"unit price {terms.unit_price} above {self.max_unit_price}")
        if terms.total > self.max_total:
            found.append(f"total {terms.total} above {self.max_total}")
        if self.max_yearly is not None and terms.yearly > self.max_yearly:
            found.append(f"yearly cost {terms.yearly} above {self.max_yearly}")
        if not self.min_quantity <= terms.quantity <= self.max_quantity:
            found.append(f"quantity {terms.quantity} outside {self.min_quantity} to {self.max_quantity}")
        if terms.term_months not in self.terms_months:
            found.append(f"term of {terms.term_months} months is not among {list(self.terms_months)}")
        if terms.payment_terms not in self.payment_terms:
            found.append(f"payment terms {terms.payment_terms} are not among {list(self.payment_terms)}")
        return found
