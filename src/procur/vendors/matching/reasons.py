"""Why a vendor is not on the shortlist: the nearest miss, with its numbers."""

from collections.abc import Sequence
from decimal import Decimal

from procur.core import money
from procur.vendors.matching.asked import Asked, AskedFeature
from procur.vendors.matching.model import LeftOut, Need, VendorCard
from procur.vendors.matching.plans import Option, price_order
from procur.vendors.matching.scoring import percent

# The further a plan got, the nearer the miss.
_ORDER = ("unit_unclear", "minimum_quantity", "maximum_quantity", "over_budget")


def nearest_miss(
    need: Need, asked: Asked, card: VendorCard, options: Sequence[Option], headroom: Decimal
) -> LeftOut:
    """Return why none of a vendor's plans can be bought as asked."""
    fitting = [option for option in options if option.may_have_all and option.obstacle]
    if not fitting:
        return _left_out(card, "must_have_missing", _missing(asked, options))
    code = max((option.obstacle or "" for option in fitting), key=_ORDER.index)
    stopped = [option for option in fitting if option.obstacle == code]
    words = {
        "unit_unclear": _unit_unclear,
        "minimum_quantity": _minimum,
        "maximum_quantity": _maximum,
    }
    told = words[code](need, stopped) if code in words else _over_budget(need, asked, stopped, headroom)
    return _left_out(card, code, told)


def other_category(card: VendorCard) -> LeftOut:
    """Return the reason for a vendor of another kind."""
    return _left_out(card, "other_category", f"other category ({card.category})")


def no_plans(card: VendorCard) -> LeftOut:
    """Return the reason for a vendor without a price list."""
    return _left_out(card, "no_plans", "no plans on record")


def other_currency(need: Need, card: VendorCard) -> LeftOut:
    """Return the reason for prices that cannot be compared."""
    words = f"priced in {card.currency}, request in {need.currency}, no exchange rate given"
    return _left_out(card, "other_currency", words)


def ranked_lower(card: VendorCard, place: int, score: Decimal, limit: int) -> LeftOut:
    """Return the reason for a vendor that fits behind better ones."""
    words = f"fits, but ranks {place} with a score of {score}; the shortlist holds {limit}"
    return _left_out(card, "ranked_lower", words)


def _left_out(card: VendorCard, code: str, words: str) -> LeftOut:
    return LeftOut(card.vendor_id, card.name, code, words)


def _missing(asked: Asked, options: Sequence[Option]) -> str:
    nowhere = [
        each
        for number, each in enumerate(asked.must_haves)
        if all(option.statuses[number] == "not_met" for option in options)
    ]
    if nowhere:
        return f"no plan lists {' or '.join(_label(each, options) for each in nowhere)}"
    nearest = min(options, key=lambda option: (option.statuses.count("not_met"), *price_order(option)))
    lacking = [
        each.label
        for each, status in zip(asked.must_haves, nearest.statuses, strict=True)
        if status == "not_met"
    ]
    return f"no plan lists every must-have; {nearest.plan.name} comes nearest and lacks {', '.join(lacking)}"


def _label(missing: AskedFeature, options: Sequence[Option]) -> str:
    names = (name for option in options for name in option.plan.features)
    lookalike = missing.lookalike_in(names)
    return f"{missing.label} ({lookalike} does not count)" if lookalike else missing.label


def _unit_unclear(need: Need, stopped: Sequence[Option]) -> str:
    option = min(stopped, key=price_order)
    plan = option.plan
    if plan.unit == "account":
        return f"{plan.name} is priced per account; the catalogue does not say how many people it covers"
    if plan.unit != "other":
        return f"{plan.name} is priced per {plan.unit}; the request counts in {need.unit}s"
    published = f'"{plan.published_unit}"' if plan.published_unit else "without a unit"
    return f"{plan.name} is priced {published}; the catalogue does not say what that comes to per {need.unit}"


def _minimum(need: Need, stopped: Sequence[Option]) -> str:
    plan = min((option.plan for option in stopped), key=lambda each: (each.min_quantity or 0, each.name))
    least = f"{plan.min_quantity} {need.unit}s"
    return f"lowest fitting plan {plan.name} needs {least}; the request has {need.quantity}"


def _maximum(need: Need, stopped: Sequence[Option]) -> str:
    plan = max((option.plan for option in stopped), key=lambda each: (each.max_quantity or 0, each.name))
    return f"{plan.name} takes at most {plan.max_quantity} {need.unit}s; the request has {need.quantity}"


def _over_budget(need: Need, asked: Asked, stopped: Sequence[Option], headroom: Decimal) -> str:
    sure = [option for option in stopped if option.has_all] or list(stopped)
    option = min(sure, key=price_order)
    labels = " and ".join(each.label for each in asked.must_haves)
    budget = money.show(need.budget or Decimal(0), need.currency)
    cost = option.cost.sum_words if option.cost else ""
    having, it = (f" with {labels}", " with it") if labels else ("", "")
    return (
        f"no plan{having} at up to {percent(headroom)} above the budget "
        f"(cheapest{it}: {option.plan.name} {cost} against {budget})"
    )
