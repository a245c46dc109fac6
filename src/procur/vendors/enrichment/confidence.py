"""How sure we are of what is known of a vendor: arithmetic over who said it, when, and who agrees.

Of one observation: w = weight of its kind of source, halved with every half-life of its
field that has passed.
Of one value: s = 1 - Π(1 - w) over independent sources (of one web site or file only the surest counts).
Of a field's value: s · Π(1 - s'/2) over the other values that sources give for it.
Of the vendor: the mean over the fields that matter, weighted; a field that nobody speaks of counts 0.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from math import prod
from typing import Any
from urllib.parse import urlsplit

from procur.vendors.catalogue import monthly
from procur.vendors.enrichment.model import FRAMEWORK, Observation

# A person looked; an import is a file that somebody chose; a page is the vendor's own word.
KIND_WEIGHTS = {
    "person": 0.95,
    "import": 0.8,
    "feed": 0.75,
    "json_ld": 0.7,
    "price_page": 0.6,
    "compliance_page": 0.5,
}
# Days until what a field says counts half.
HALF_LIVES = {"plans": 180.0, "list_price": 180.0, "rating": 90.0}
HALF_LIFE_FRAMEWORK = 365.0
HALF_LIFE_OTHER = 730.0
# What a buyer decides on counts most. "frameworks" is the mean of the frameworks spoken of.
FIELD_WEIGHTS = {
    "plans": 3.0,
    "list_price": 2.0,
    "frameworks": 3.0,
    "rating": 1.0,
    "description": 1.0,
    "contact_email": 1.0,
    "country": 1.0,
}


@dataclass(frozen=True, slots=True)
class FieldConfidence:
    """How sure a field's likeliest value is: `sources` agree on it, `against` say otherwise."""

    field: str
    value: dict[str, Any]
    confidence: float
    sources: int
    against: int


def weight(source_kind: str, field: str, age_days: float) -> float:
    """Return how much one observation counts, from 0 to below 1."""
    return KIND_WEIGHTS[source_kind] * float(0.5 ** (max(age_days, 0.0) / half_life(field)))


def half_life(field: str) -> float:
    """Return the days after which an observation of this field counts half."""
    return HALF_LIFE_FRAMEWORK if field.startswith(FRAMEWORK) else HALF_LIVES.get(field, HALF_LIFE_OTHER)


def support(weights: Iterable[float]) -> float:
    """Return how well a value is supported by independent sources of these weights."""
    return 1.0 - prod(1.0 - each for each in weights)


def certainty(own: float, others: Iterable[float]) -> float:
    """Return how sure a value is that has this support while others have theirs."""
    return own * prod(1.0 - each / 2 for each in others)


def of_fields(observations: Iterable[Observation], now: datetime) -> dict[str, FieldConfidence]:
    """Return the likeliest value of each field and how sure it is."""
    spoken: dict[str, dict[str, _Value]] = {}
    for each in observations:
        age = (now - each.observed_at).total_seconds() / 86400
        values = spoken.setdefault(each.field, {})
        value = values.setdefault(_key(each), _Value(each))
        value.hear(independent(each.source), weight(each.source_kind, each.field, age), each)
    return {field: _likeliest(field, values) for field, values in spoken.items()}


def of_vendor(fields: Mapping[str, FieldConfidence]) -> float:
    """Return how sure a vendor's data is as a whole, from 0 to below 1, to four decimals."""
    frameworks = [each.confidence for name, each in fields.items() if name.startswith(FRAMEWORK)]
    known = {name: each.confidence for name, each in fields.items() if name in FIELD_WEIGHTS}
    known["frameworks"] = sum(frameworks) / len(frameworks) if frameworks else 0.0
    total = sum(FIELD_WEIGHTS[name] * sure for name, sure in known.items())
    return round(total / sum(FIELD_WEIGHTS.values()), 4)


def independent(source: str) -> str:
    """Return what a source depends on: pages of one site are one voice."""
    host = urlsplit(source).hostname if "://" in source else None
    return source if host is None else ".".join(host.removeprefix("www.").split(".")[-2:])


class _Value:
    """One of the values that sources give for a field."""

    def __init__(self, first: Observation) -> None:
        self.newest = first
        self.voices: dict[str, float] = {}

    def hear(self, voice: str, counts: float, observation: Observation) -> None:
        self.voices[voice] = max(counts, self.voices.get(voice, 0.0))
        if observation.observed_at > self.newest.observed_at:
            self.newest = observation


def _likeliest(field: str, values: Mapping[str, _Value]) -> FieldConfidence:
    supports = {key: support(value.voices.values()) for key, value in values.items()}

    def sure(key: str) -> float:
        return certainty(supports[key], (other for name, other in supports.items() if name != key))

    best = max(values, key=lambda key: (sure(key), key))
    against = sum(len(value.voices) for key, value in values.items() if key != best)
    return FieldConfidence(field, values[best].newest.value, sure(best), len(values[best].voices), against)


def _key(observation: Observation) -> str:
    """Return what has to be equal for two sources to agree."""
    value = observation.value
    if observation.field.startswith(FRAMEWORK):
        # How far a claim goes differs in words; whether there is one does not.
        status = str(value.get("status"))
        return status if status in {"denied", "in_progress"} else "yes"
    if "amount" in value:
        return json.dumps([_price(value["amount"], value), value.get("currency")])
    if "rating" in value:
        return f"{float(value['rating']):.1f}"
    if "plans" in value:
        prices = sorted(
            [str(plan["name"]).casefold(), _price(plan.get("list_price"), plan)] for plan in value["plans"]
        )
        return json.dumps([prices, value.get("currency")])
    return json.dumps(value, sort_keys=True, ensure_ascii=False).casefold()


def _price(text: Any, terms: Mapping[str, Any]) -> str:
    """Return an amount with what it buys: 120 a year is 10 a month, per user is not per account."""
    if text is None:
        return ""
    period = terms.get("period")
    amount = monthly(Decimal(str(text)), str(period))
    return f"{amount.normalize()} per {terms.get('unit')} {'once' if period == 'once' else ''}"
