"""What is said with an offer: made from the offered terms alone, so no private number can slip into it."""

from procur.core.deal import Terms
from procur.core.money import show

_EXTRAS = {
    "onboarding": "onboarding and training",
    "price_hold": "the same price for seats added during the term",
    "premium_support": "premium support",
    "renewal_cap": "a cap of 3 % on the price at renewal",
}


def extra_label(name: str) -> str:
    """Return an extra as people say it."""
    return _EXTRAS.get(name, name.replace("_", " "))


def terms_in_words(terms: Terms) -> str:
    """Return the terms as one phrase: "$9.40 per unit and month, 50 units, 24 months, NET60, with onboarding"."""
    price = show(terms.unit_price, terms.currency)
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
