"""Answers to questions, read by the same readers; a bare "50" or "EUR" is enough where the field is known."""

import re
from dataclasses import dataclass, replace
from datetime import date

from procur.core.errors import InvalidInput
from procur.sourcing.amounts import NUMBER, amounts, currency_of, read_count
from procur.sourcing.budget import Budget, read_period
from procur.sourcing.items import Item
from procur.sourcing.quantity import Count
from procur.sourcing.readings import Readings, read_page
from procur.sourcing.spans import Page
from procur.sourcing.wants import Named
from procur.vendors.vocabulary import Vocabulary

_TYPES = {
    "saas": "saas",
    "software": "saas",
    "hardware": "hardware",
    "goods": "goods",
    "service": "services",
    "services": "services",
}
_SIGN = re.compile(r"[^\W\d_]{2,3}\$|[$€£₹¥₩₪₱]|[^\W\d_]+(?:\s[^\W\d_]+)?\.?")
_NAMES = (
    "must_haves",
    "nice_to_haves",
    "not_needed",
    "compliance_required",
    "compliance_preferred",
    "also_wanted",
)


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the text and the field it answers; the request itself answers none in particular.

    `model` is who pointed at the piece if it was not the requester.
    """

    name: str
    start: int
    end: int
    model: str = ""


def apply_part(part: Part, read: Readings, vocabulary: Vocabulary, today: date) -> None:
    """Put what an answer says in the place of what the request said about its field."""
    own = read_page(Page(read.page.text, part.start, part.end), vocabulary, today)
    words = read.page.text[part.start : part.end]
    done = {
        "quantity": _quantity,
        "budget": _budget,
        "currency": _currency,
        "budget_period": _period,
        "category": _category,
        "request_type": _request_type,
    }.get(part.name, _other)(part, words, own, read)
    if not done:
        raise InvalidInput(
            f"“{words.strip()[:60]}” could not be read as {part.name.replace('_', ' ')}", field=part.name
        )


def _quantity(part: Part, words: str, own: Readings, read: Readings) -> bool:
    counts = own.counts
    bare = re.fullmatch(rf"\W*({NUMBER})\W*", words, re.IGNORECASE)
    number = read_count(bare[1]) if bare else None
    if number is not None:
        unit = read.counts[0].unit if read.counts else "units"
        counts = [Count(number, None, unit, part.start, part.start, 0, "", part.start, part.end)]
    if not counts:
        return False
    read.counts = counts
    return True


def _budget(part: Part, words: str, own: Readings, read: Readings) -> bool:
    budgets = own.budgets
    if not budgets:
        bare = list(amounts(words))
        if len(bare) != 1:
            return False
        budgets = [Budget(None, bare[0].value, bare[0].sign, None, False, False, part.start, part.end)]
    old = read.budgets[0] if read.budgets else None
    if old is not None and budgets[0].months is None and not budgets[0].per_unit:
        # "9,000" in answer to "how much a year at most": the period said before still holds.
        told = {(one.months, one.per_unit) for one in read.budgets if one.months is not None}
        if len(told) == 1:
            months, per_unit = told.pop()
            budgets = [replace(one, months=months, per_unit=per_unit) for one in budgets]
    sign = next((one.sign for one in read.budgets if one.sign), None)
    read.budgets = [replace(one, sign=one.sign or sign) for one in budgets]
    return True


def _currency(part: Part, words: str, own: Readings, read: Readings) -> bool:
    del part, own
    match = _SIGN.search(words)
    if match is None:
        return False
    try:
        code, _ = currency_of(match[0], None)
    except KeyError:
        return False
    read.budgets = [replace(budget, sign=code) for budget in read.budgets]
    return True


def _period(part: Part, words: str, own: Readings, read: Readings) -> bool:
    del part, own
    told = read_period(words)
    if told is None:
        return False
    months, length = told
    read.budgets = [
        replace(one, months=months, length=length) if one.months is None else one for one in read.budgets
    ]
    return True


def _category(part: Part, words: str, own: Readings, read: Readings) -> bool:
    named = [name for name in own.names if name.category]
    if named or own.items:
        read.names = named + [name for name in read.names if not name.category or name.feature]
        read.items = [] if named else own.items
        return True
    if not re.search(r"[^\W\d_]{2}", words):
        return False
    kept = read.items[0].request_type if read.items else ""
    read.items = [Item(kept, " ".join(words.casefold().split()), part.start, part.end)]
    return True


def _request_type(part: Part, words: str, own: Readings, read: Readings) -> bool:
    del own, part
    told = next((_TYPES[word] for word in re.findall(r"[a-z]+", words.casefold()) if word in _TYPES), None)
    if told is None:
        return False
    read.items = [replace(item, request_type=told) for item in read.items]
    return True


def _other(part: Part, words: str, own: Readings, read: Readings) -> bool:
    del words
    if part.name in _NAMES:
        told = {"nice_to_haves": "prefer", "compliance_preferred": "prefer", "not_needed": "not"}.get(
            part.name, "must"
        )
        fresh: list[Named] = own.names
        read.names = [name for name in read.names if _key(name) not in {_key(one) for one in fresh}] + fresh
        read.strength |= {name.start: told for name in fresh}
        return bool(fresh)
    places = {
        "payment_terms": "payments",
        "billing_cadence": "cadences",
        "term_months": "terms",
        "needed_by": "needed_by",
        "department": "departments",
        "cost_center": "cost_centers",
    }
    place = places.get(part.name)
    if place is None or not getattr(own, place):
        return False
    setattr(read, place, getattr(own, place))
    read.strength |= own.strength
    return True


def _key(name: Named) -> tuple[str | None, str | None, str | None]:
    return name.category, name.feature, name.framework
