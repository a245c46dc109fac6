"""What to ask the requester: only what is missing, each with the reason and answers that will be understood."""

from procur.core.deal import PAYMENT_TERMS
from procur.sourcing.settle import Settled
from procur.sourcing.spans import Question
from procur.vendors.vocabulary import Vocabulary

_TYPES = ("saas", "hardware", "goods", "services")


def ask(settled: Settled, vocabulary: Vocabulary) -> tuple[Question, ...]:
    """Return the open questions; a field that contradicts itself is not asked for a second time."""
    disputed = {one.field for one in settled.contradictions}
    fields, asks = settled.fields, settled.asks
    found: list[Question] = []

    def add(name: str, text: str, why: str, choices: tuple[str, ...] = ()) -> None:
        if name not in disputed:
            found.append(Question(name, text, asks.get(name, why), choices))

    if not fields.get("category"):
        labels = tuple(category.label for category in vocabulary.categories.values())
        add("category", "What kind of product or service is it?", "Vendors are matched by category.", labels)
    elif not fields.get("request_type"):
        add(
            "request_type",
            "Is it software, hardware, goods or a service?",
            "Budget and terms depend on it.",
            _TYPES,
        )
    if not fields.get("quantity"):
        add("quantity", "How many are needed?", "Prices depend on the quantity.")
    budget = fields.get("budget")
    if budget is None or budget.value.maximum is None:
        if "currency" not in disputed:
            add("budget", "What may it cost at most?", "Without a limit nobody may negotiate for you.")
    elif not fields.get("currency"):
        add(
            "currency",
            "In which currency is the budget?",
            "The amount has no currency.",
            ("USD", "EUR", "GBP", "INR"),
        )
    if "budget_period" in asks:
        choices = ("a year", "a month", "in total")
        add(
            "budget_period",
            "Is the budget for a month, a year or the whole term?",
            asks["budget_period"],
            choices,
        )
    if "payment_terms" in asks and not fields.get("payment_terms"):
        add("payment_terms", "Which payment terms do you want?", asks["payment_terms"], PAYMENT_TERMS)
    return tuple(found)
