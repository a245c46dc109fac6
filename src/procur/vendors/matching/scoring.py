"""The parts of a score: each from 0 to 1, each with its words, more of a good thing never scoring less."""

from collections.abc import Sequence
from dataclasses import fields
from decimal import ROUND_HALF_UP, Decimal

from procur.core import money
from procur.vendors.matching.asked import LADDER, Asked
from procur.vendors.matching.model import Need, Part, Requirement, VendorCard, Weights
from procur.vendors.matching.plans import Option

ZERO, ONE, HALF = Decimal(0), Decimal(1), Decimal("0.5")
NAMED_RELATED = Decimal("0.7")  # a category the request names beside its own
USUALLY_RELATED = Decimal("0.4")  # one the vocabulary knows to be close
FRESH_DAYS, STALE_DAYS = 180, 1095
_FINE = Decimal("0.0001")


def category_fit(need: Need, card: VendorCard, usually_related: Sequence[str]) -> tuple[Decimal, str] | None:
    """Return how well the vendor's category fits, or None when it is another one."""
    if need.category is None or card.category == need.category:
        return ONE, f"{card.category}, as asked"
    if card.category in need.related_categories:
        return NAMED_RELATED, f"{card.category}, named as related"
    if card.category in usually_related:
        return USUALLY_RELATED, f"{card.category}, close to {need.category}"
    return None


def score_parts(
    need: Need,
    asked: Asked,
    card: VendorCard,
    option: Option,
    *,
    answered: Sequence[Requirement],
    fit: tuple[Decimal, str],
    weights: Weights,
    headroom: Decimal,
) -> tuple[Part, ...]:
    """Return the parts that this request asks about, with their shares of the whole."""
    found: dict[str, tuple[Decimal, str, bool]] = {}
    if need.category is not None:
        found["category"] = (*fit, True)
    for name, kind in (("must_haves", "must_have"), ("nice_to_haves", "nice_to_have")):
        about = [each for each in answered if each.kind == kind]
        if about:
            found[name] = _share_met(about)
    if need.budget is not None:
        found["price"] = _price(need, option, headroom)
    if asked.frameworks:
        found["compliance"] = _compliance(need, asked, card)
    found["freshness"] = _freshness(need, card)
    weight = {each.name: getattr(weights, each.name) for each in fields(weights)}
    whole = sum((weight[name] for name in found), ZERO) or ONE
    return tuple(
        Part(name, score.quantize(_FINE, ROUND_HALF_UP), (weight[name] / whole).quantize(_FINE), words, known)
        for name, (score, words, known) in found.items()
    )


def total(parts: Sequence[Part]) -> Decimal:
    """Return the score: the parts by their shares, from 0 to 1."""
    whole = sum((part.share for part in parts), ZERO)
    summed = sum((part.score * part.share for part in parts), ZERO)
    return (summed / whole if whole else ZERO).quantize(_FINE, ROUND_HALF_UP)


def _share_met(about: Sequence[Requirement]) -> tuple[Decimal, str, bool]:
    met = [each.label for each in about if each.status == "met"]
    unknown = [each.label for each in about if each.status == "unknown"]
    words = f"{len(met)} of {len(about)} met" + (f", unknown: {', '.join(unknown)}" if unknown else "")
    return Decimal(len(met)) / len(about), words, not unknown


def _price(need: Need, option: Option, headroom: Decimal) -> tuple[Decimal, str, bool]:
    """Return 1 for nothing, 0.5 at the budget, 0 at the budget with its headroom."""
    if option.cost is None:
        return ZERO, "no list price: a quote is needed", False
    budget, cost = need.budget or ZERO, option.cost
    if cost.total <= budget:
        score = ONE - HALF * cost.total / budget if budget else ONE
        used = f"{percent(cost.total / budget)} of" if budget else "within"
        return score, f"{cost.sum_words}, {used} the budget of {money.show(budget, need.currency)}", True
    over = (cost.total - budget) / (budget * headroom)
    return max(ZERO, HALF - HALF * over), f"{cost.sum_words}, {above(cost.total, budget)}; negotiable", True


def above(total_cost: Decimal, budget: Decimal) -> str:
    """Return how far a list total lies above a budget."""
    return f"list is {percent(total_cost / budget - 1)} above the budget"


def percent(share: Decimal) -> str:
    """Return a share for a reader; what is not nothing never reads as 0 %."""
    return f"{(share * 100).quantize(ONE, ROUND_HALF_UP) or ('less than 1' if share else 0)} %"


def _compliance(need: Need, asked: Asked, card: VendorCard) -> tuple[Decimal, str, bool]:
    best = {each.label: each.best(card.evidence, need.today) for each in asked.frameworks}
    values = [LADDER[each.kind] if each else ZERO for each in best.values()]
    words = ", ".join(f"{label}: {each.kind if each else 'unknown'}" for label, each in best.items())
    return sum(values, ZERO) / len(values), words, all(each is not None for each in best.values())


def _freshness(need: Need, card: VendorCard) -> tuple[Decimal, str, bool]:
    if card.captured_on is None:
        return ZERO, "no date on the data", False
    days = max(0, (need.today - card.captured_on).days)
    score = min(ONE, max(ZERO, Decimal(STALE_DAYS - days) / (STALE_DAYS - FRESH_DAYS)))
    return score, f"captured {card.captured_on}, {days} days ago", True
