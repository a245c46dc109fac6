"""Match vendors to a need: one pass over the cards, the same answer for the same question."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from procur.vendors.matching import asked as asking
from procur.vendors.matching import plans, reasons, scoring
from procur.vendors.matching.model import LeftOut, Match, Matching, Need, Requirement, VendorCard, Weights
from procur.vendors.vocabulary import Vocabulary

DEFAULT_WEIGHTS = Weights()
# List prices are where a negotiation starts: this far above the budget a vendor is still worth talking to.
DEFAULT_HEADROOM = Decimal("0.25")
_OLD_PRICE_DAYS = 365


def match(
    need: Need,
    cards: Iterable[VendorCard],
    vocabulary: Vocabulary,
    weights: Weights = DEFAULT_WEIGHTS,
    *,
    limit: int = 5,
    headroom: Decimal = DEFAULT_HEADROOM,
) -> Matching:
    """Return the best `limit` vendors with their reasons and everybody else with theirs.

    Ordered by score, then list cost, then vendor id; those left out by vendor id.
    """
    need = _with_keys(need, vocabulary)
    known = vocabulary.categories.get(need.category or "")
    related = known.related if known else ()
    asked = asking.resolve(need, vocabulary)
    fitting: list[Match] = []
    left_out: list[LeftOut] = []
    for card in cards:
        answer = _look_at(need, asked, card, related=related, weights=weights, headroom=headroom)
        if isinstance(answer, Match):
            fitting.append(answer)
        else:
            left_out.append(answer)
    fitting.sort(key=_rank)
    for place, each in enumerate(fitting[limit:], start=limit + 1):
        left_out.append(reasons.ranked_lower(each.vendor, place, each.score, limit))
    left_out.sort(key=lambda each: each.vendor_id)
    return Matching(tuple(fitting[:limit]), tuple(left_out), weights, headroom)


def _with_keys(need: Need, vocabulary: Vocabulary) -> Need:
    """Return the need with categories by their keys, whatever words it was written in."""

    def key(phrase: str) -> str:
        known = vocabulary.category(phrase)
        return known.key if known else phrase

    return replace(
        need,
        category=None if need.category is None else key(need.category),
        related_categories=tuple(key(each) for each in need.related_categories),
    )


def _look_at(
    need: Need,
    asked: asking.Asked,
    card: VendorCard,
    *,
    related: Sequence[str],
    weights: Weights,
    headroom: Decimal,
) -> Match | LeftOut:
    fit = scoring.category_fit(need, card, related)
    if fit is None:
        return reasons.other_category(card)
    if not card.plans:
        return reasons.no_plans(card)
    rate = Decimal(1) if card.currency == need.currency else need.exchange_rates.get(card.currency)
    if rate is None:
        return reasons.other_currency(need, card)
    ceiling = None if need.budget is None else need.budget * (1 + headroom)
    options = plans.judge(need, asked, card, rate, ceiling)
    option = plans.choose(options)
    if option is None:
        return reasons.nearest_miss(need, asked, card, options, headroom)
    answered = asking.answers(asked, card, option.plan, need.today)
    parts = scoring.score_parts(
        need, asked, card, option, answered=answered, fit=fit, weights=weights, headroom=headroom
    )
    cost = option.cost
    over = bool(cost and need.budget is not None and cost.total > need.budget)
    return Match(
        vendor=card,
        plan=option.plan,
        currency=need.currency,
        unit_price=cost.unit_price if cost else None,
        billed_quantity=cost.billed_quantity if cost else need.quantity,
        period=option.plan.period,
        list_total=cost.total if cost else None,
        prepaid_total=cost.prepaid_total if cost else None,
        above_budget=over,
        quote_only=cost is None,
        score=scoring.total(parts),
        parts=parts,
        requirements=answered,
        questions=_questions(need, asked, card, option, answered),
        blocked_by=tuple(
            each.key for each in answered if each.kind == "required_framework" and each.status != "met"
        ),
        words=_words(need, card, option, rate),
    )


def _rank(each: Match) -> tuple[Decimal, Decimal, str]:
    price = Decimal("Infinity") if each.list_total is None else each.list_total
    return (-each.score, price, each.vendor.vendor_id)


def _questions(
    need: Need,
    asked: asking.Asked,
    card: VendorCard,
    option: plans.Option,
    answered: Sequence[Requirement],
) -> tuple[str, ...]:
    found = asking.questions(asked, answered)
    if option.cost is None:
        found.append(f"What does the plan {option.plan.name} cost for {need.quantity} {need.unit}s?")
    elif card.prices_from:
        found.append(f"Is the price of {option.plan.name}, read at {card.prices_from}, right?")
    elif card.captured_on and (need.today - card.captured_on).days > _OLD_PRICE_DAYS:
        found.append(f"Is the list price of {card.captured_on} for {option.plan.name} still current?")
    return tuple(found)


def _words(need: Need, card: VendorCard, option: plans.Option, rate: Decimal) -> str:
    """Return the line for the screen: plan, sum, and where it stands against the budget."""
    plan, cost = option.plan, option.cost
    if cost is None:
        return f"{plan.name}: no list price, a quote is needed"
    words = f"{plan.name}: {cost.sum_words}"
    if rate != 1:
        words += f" (1 {card.currency} = {rate} {need.currency})"
    if need.budget and cost.total > need.budget:
        words += f"; {scoring.above(cost.total, need.budget)}; negotiable"
    return words
