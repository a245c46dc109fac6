"""A simulated seller: its private numbers, drawn from stated bands, and how it answers a buyer.

The bands are public claims of sites that sell negotiation advice, to be treated as wide synthetic priors:
new software 25-40 % off list with two or more alternatives and 15-25 % without (knowledgelib 2026),
enterprise software 18-42 % (vendorbenchmark, redresscompliance 2026), ERP 30-45 % (thenegotiationexperts),
renewals 6-16 % below the proposed price (vendorbenchmark, 412 renewals), two and three years 10-15 % and
20-25 % (KeyBanc, via getmonetizely). What a volume or an extra is worth has no public band: those two are
assumptions, and so is the choice of personalities. Each seller draws its own figures, never one fixed number.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any, Literal

from procur.core.errors import InvalidInput
from procur.negotiation.engine import (
    BOULWARE,
    CONCEDER,
    LINEAR,
    TOUGH,
    AdditiveUtility,
    AnyIssue,
    AnyOutcome,
    Issue,
    Negotiator,
    Outcome,
    PriceIssue,
    Tactics,
)

# Discount from list at the seller's floor, as a share of the list price.
BANDS = {
    "new with alternatives": (0.25, 0.40),
    "new without alternatives": (0.15, 0.25),
    "enterprise": (0.18, 0.42),
    "erp": (0.30, 0.45),
    "renewal": (0.06, 0.16),
}
# What a commitment is worth to the seller against one year, as a share of the list price.
TERM_BANDS = {24: (0.10, 0.15), 36: (0.20, 0.25)}
CAPITAL_COST = (0.08, 0.12)  # per year
PREPAID_YEARS = 0.42  # how much earlier a year paid in advance comes than twelve monthly payments
VOLUME_BAND = (0.02, 0.06)  # of list price for each doubling of the quantity (assumption)
EXTRA_BAND = (0.005, 0.02)  # of list price for each extra given away (assumption)

# Concedes as the buyer does, at most eight tenths of what the buyer gave.
RECIPROCAL = Tactics(ending=0.05, exponent=0.5, waiting=0.0, patience=0.0, reciprocity=0.8, leeway=None)
PERSONALITIES = {
    "conceder": CONCEDER,
    "linear": LINEAR,
    "boulware": BOULWARE,
    "tough": TOUGH,
    "reciprocal": RECIPROCAL,
}


@dataclass(frozen=True)
class SellerProfile:
    """What a seller knows and tells nobody.

    `floor` is the lowest unit price on the first term, payment terms, quantity and no extras; the worths say
    by how much of the list price other terms lower (or raise, when negative) that price.
    """

    list_price: Decimal
    floor: Decimal
    personality: str
    term_worth: Mapping[int, float]
    payment_worth: Mapping[str, float]
    quantity_worth: Mapping[int, float]
    extras_worth: Mapping[tuple[str, ...], float]

    def worths(self) -> dict[str, dict[Any, float]]:
        """Return the worths by issue name."""
        return {
            "term_months": dict(self.term_worth),
            "payment_terms": dict(self.payment_worth),
            "quantity": dict(self.quantity_worth),
            "value_adds": dict(self.extras_worth),
        }


def draw_seller(
    seed: int | str,
    list_price: Decimal,
    *,
    category: str = "new with alternatives",
    floor: Decimal | None = None,
    personality: str | None = None,
    terms_months: Sequence[int] = (12, 24, 36),
    payment_days: Mapping[str, int] | None = None,
    quantities: Sequence[int] = (1,),
    extras: Sequence[tuple[str, ...]] = ((),),
) -> SellerProfile:
    """Draw the private side of one seller; the first of each sequence is what the floor refers to.

    `payment_days` are days from invoice by payment term, 0 for a year in advance. A known `floor` or
    `personality` replaces the drawn one; the rest of the draw stays the same.
    """
    if category not in BANDS:
        raise InvalidInput(
            f"no discount band for {category!r}", field="category", hint=f"one of {', '.join(BANDS)}"
        )
    if personality is not None and personality not in PERSONALITIES:
        raise InvalidInput(
            f"no personality {personality!r}", field="personality", hint=f"one of {', '.join(PERSONALITIES)}"
        )
    chance = random.Random(f"seller:{seed}")  # noqa: S311 - a simulation
    discount = chance.uniform(*BANDS[category])
    drawn = chance.choice(list(PERSONALITIES))
    capital = chance.uniform(*CAPITAL_COST) * chance.uniform(1.0, 2.0)  # some need cash more than others
    volume = chance.uniform(*VOLUME_BAND)
    term_worth = {months: _term_worth(months, terms_months[0], chance) for months in terms_months}
    days = dict(payment_days or {"NET30": 30})
    baseline = next(iter(days.values()))
    if floor is None:
        floor = (list_price * (1 - Decimal(f"{discount:.6f}"))).quantize(Decimal("0.01"), ROUND_CEILING)
    # A discount for a longer term comes off the discounted price: bands are not added up.
    paid = float(floor / list_price)
    return SellerProfile(
        list_price=list_price,
        floor=floor,
        personality=personality or drawn,
        term_worth={months: paid * worth for months, worth in term_worth.items()},
        payment_worth={term: paid * _early(baseline, number, capital) for term, number in days.items()},
        quantity_worth={count: paid * volume * _doublings(count / quantities[0]) for count in quantities},
        extras_worth={names: -sum(chance.uniform(*EXTRA_BAND) for _ in names) for names in extras},
    )


def _term_worth(months: int, baseline: int, chance: random.Random) -> float:
    """Draw what a term is worth against the baseline; straight between two and three years."""
    low, high = TERM_BANDS[24]
    two_years = chance.uniform(low, high)
    three_years = chance.uniform(*TERM_BANDS[36])
    if months <= baseline:
        return 0.0
    if months <= 24:  # noqa: PLR2004 - the band's own term
        return two_years * (months - baseline) / max(1, 24 - baseline)
    return two_years + (three_years - two_years) * min(1.0, (months - 24) / 12)


def _early(baseline: int, days: int, capital: float) -> float:
    """Return what being paid earlier than the baseline is worth, as simple interest on the price."""
    years = (PREPAID_YEARS if days == 0 else 0.0) + (baseline - days) / 365
    return capital * years


def _doublings(ratio: float) -> float:
    """Return how often a quantity doubles, straight in between (no logarithm: exact everywhere)."""
    whole = 0
    while ratio >= 2:  # noqa: PLR2004 - a doubling
        ratio /= 2
        whole += 1
    return whole + ratio - 1


def seller_utility(profile: SellerProfile, issues: Sequence[AnyIssue]) -> tuple[AdditiveUtility, float]:
    """Return the seller's utility and its value at the floor.

    It is money in shares of the list price: (price - floor) / list + the worth of the other terms, so that no
    deal and a deal at the floor are both worth 0.
    """
    listed = float(profile.list_price)
    known = profile.worths()
    weights: dict[str, float] = {}
    functions: dict[str, Mapping[Any, float] | list[tuple[float, float]]] = {}
    for issue in issues:
        weights[issue.name] = 1.0
        if isinstance(issue, PriceIssue):
            functions[issue.name] = [(0.0, 0.0), (listed, 1.0)]
            continue
        worths = known.get(issue.name, {})
        if missing := [value for value in issue.values if value not in worths]:
            raise InvalidInput(f"the seller has no worth for {issue.name} {missing[0]!r}", field=issue.name)
        functions[issue.name] = {value: worths[value] for value in issue.values}
    return AdditiveUtility(weights, functions), float(profile.floor) / listed


def seller_issues(profile: SellerProfile, issues: Sequence[AnyIssue]) -> list[AnyIssue]:
    """Return the issues as the seller sees them: its price runs from zero to its list price."""
    return [
        PriceIssue(issue.name, min(profile.floor, issue.low) / 2, profile.list_price, issue.step)
        if isinstance(issue, PriceIssue)
        else issue
        for issue in issues
    ]


class SimulatedSeller:
    """Answers a buyer's offers with a negotiator of its own; knows the profile, never the buyer's numbers.

    It asks for its list price first, gives up no more than its personality says, never offers less than the
    buyer's best bid is worth to it, and takes its floor exactly, in its last chance.
    """

    def __init__(
        self, profile: SellerProfile, issues: Sequence[AnyIssue], deadline: int, seed: int | str = 0
    ) -> None:
        own = seller_issues(profile, issues)
        utility, reservation = seller_utility(profile, own)
        self._negotiator = Negotiator(
            own,
            utility,
            reservation,
            deadline,
            "seller",
            seed=seed,
            tactics=PERSONALITIES[profile.personality],
        )

    def replay(self, history: Iterable[tuple[Literal["proposed", "received"], AnyOutcome, int]]) -> None:
        """Bring a new seller to where another one stood, without deciding (see `Negotiator.replay`)."""
        self._negotiator.replay(history)

    def propose(self, round_index: int, deadline: int | None = None) -> Outcome | None:
        """Return the seller's next offer; None when it walks away."""
        return self._negotiator.propose(round_index, deadline)

    def answer(
        self, offer: AnyOutcome, round_index: int, deadline: int | None = None
    ) -> tuple[str, Outcome | None]:
        """Return ("accept", None), ("counter", outcome) or ("end", None) for a buyer's offer."""
        decision = self._negotiator.respond(offer, round_index, deadline)
        if decision != "reject":
            return decision, None
        counter = self._negotiator.propose(round_index, deadline)
        return ("counter", counter) if counter is not None else ("end", None)


def issues_for(
    profile: SellerProfile, low: Decimal, high: Decimal, step: Decimal = Decimal("0.01")
) -> list[AnyIssue]:
    """Return the issues on which the seller has views: the price between two bounds and its choices."""
    choices = [Issue(name, tuple(worths)) for name, worths in profile.worths().items() if len(worths) > 1]
    return [PriceIssue("unit_price", low, high, step), *choices]
