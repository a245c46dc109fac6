"""What is said with an offer: made from the offered terms alone, so no private number can slip into it."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from procur.core.deal import Terms
from procur.core.money import show_price

_EXTRAS = {
    "onboarding": "onboarding and training",
    "price_hold": "the same price for seats added during the term",
    "priority_support": "priority support",
}


def extra_label(name: str) -> str:
    """Return an extra as people say it."""
    return _EXTRAS.get(name, name.replace("_", " "))


def terms_in_words(terms: Terms) -> str:
    """Return the terms as one phrase: "$9.40 per unit and month, 50 units, 24 months, NET60"."""
    price = show_price(terms.unit_price, terms.currency)
    parts = [
        f"{price} per unit and month" if terms.term_months else f"{price} per unit",
        f"{terms.quantity} units",
    ]
    if terms.term_months:
        parts.append(f"{terms.term_months} months")
    parts.append(terms.payment_terms)
    text = ", ".join(parts)
    if terms.value_adds:
        text += ", with " + " and ".join(extra_label(name) for name in terms.value_adds)
    return text


def buyer_says(terms: Terms, *, last: bool) -> str:
    """Return the buyer's message that goes with an offer."""
    closing = "This is our final offer. " if last else ""
    return f"We offer {terms_in_words(terms)}. {closing}Agreement is subject to award and approval."


def vendor_says(terms: Terms) -> str:
    """Return the simulated vendor's message that goes with a counter-offer."""
    return f"We can do {terms_in_words(terms)}."


ISSUES = {
    "unit_price": "unit price",
    "term_months": "term",
    "payment_terms": "payment",
    "quantity": "quantity",
    "value_adds": "extras",
}


SHORT = {
    "onboarding": "onboarding",
    "price_hold": "price hold",
    "priority_support": "priority support",
}


def issue_value(issue: str, value: object, currency: str) -> str:
    """Return one issue's value as people say it."""
    if issue == "unit_price":
        return show_price(Decimal(str(value)), currency)
    if issue == "term_months":
        return f"{value} months"
    if issue == "value_adds" and isinstance(value, tuple | list):
        return " + ".join(SHORT.get(str(name), str(name)) for name in value) or "none"
    return str(value)


def moves_in_words(moves: Sequence[Mapping[str, Any]], currency: str) -> str:
    """Tell what an offer conceded, asked back or held since the one before, for the buyer's own eyes."""
    told = []
    for kind, verb in (("conceded", "conceded"), ("gained", "asked for"), ("swapped", "swapped")):
        for move in moves:
            if move["kind"] == kind:
                before = issue_value(move["issue"], move["before"], currency)
                after = issue_value(move["issue"], move["after"], currency)
                told.append(f"{verb} {ISSUES.get(move['issue'], move['issue'])} {before} → {after}")
    if told:
        return "; ".join(told)
    return "opened" if any(move["kind"] == "opened" for move in moves) else "held everything"
