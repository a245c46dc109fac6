"""What to ask the requester: only what is missing, with the reason and answers that are understood."""

from collections.abc import Iterator

from procur.core.deal import PAYMENT_TERMS
from procur.sourcing.settle import Settled
from procur.sourcing.spans import Question
from procur.vendors.vocabulary import Vocabulary

_TYPES = ("saas", "hardware", "goods", "services")
_CURRENCIES = ("USD", "EUR", "GBP", "INR")


def ask(settled: Settled, vocabulary: Vocabulary) -> tuple[Question, ...]:
    """Return the open questions; a field that contradicts itself is not asked for a second time."""
    disputed = {one.field for one in settled.contradictions}
    asked = [*_about_the_thing(settled, vocabulary), *_about_money(settled, disputed)]
    return tuple(one for one in asked if one.field not in disputed)


def _about_the_thing(settled: Settled, vocabulary: Vocabulary) -> Iterator[Question]:
    fields = settled.fields
    if not fields.get("category"):
        labels = tuple(category.label for category in vocabulary.categories.values())
        why = "Vendors are matched by category."
        yield Question("category", "What kind of product or service is it?", why, labels)
    elif not fields.get("request_type"):
        why = "Budget and terms depend on it."
        yield Question("request_type", "Is it software, hardware, goods or a service?", why, _TYPES)
    if not fields.get("quantity"):
        why = settled.asks.get("quantity", "Prices depend on the quantity.")
        yield Question("quantity", "How many are needed?", why)


def _about_money(settled: Settled, disputed: set[str]) -> Iterator[Question]:
    fields, asks = settled.fields, settled.asks
    budget = fields.get("budget")
    if budget is None or budget.value.maximum is None:
        if "currency" not in disputed:
            why = "Without a limit nobody may negotiate for you."
            yield Question("budget", "What may it cost at most?", why)
    elif not fields.get("currency"):
        yield Question(
            "currency", "In which currency is the budget?", "The amount has no currency.", _CURRENCIES
        )
    if "budget_period" in asks:
        text = "Is the budget for a month, a year or the whole term?"
        yield Question("budget_period", text, asks["budget_period"], ("a year", "a month", "in total"))
    if "payment_terms" in asks and not fields.get("payment_terms"):
        text = "Which payment terms do you want?"
        yield Question("payment_terms", text, asks["payment_terms"], PAYMENT_TERMS)
    if "term_months" in asks and not fields.get("term_months"):
        choices = ("12 months", "24 months", "36 months")
        yield Question("term_months", "For how many months is it?", asks["term_months"], choices)
