"""Which plan of a vendor would be bought, and what it costs at list."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from procur.core import money
from procur.core.finance import MONTHS_PER_YEAR
from procur.vendors.catalogue import Plan
from procur.vendors.matching.asked import Asked
from procur.vendors.matching.model import Need, VendorCard

_TIMES = "\N{MULTIPLICATION SIGN}"
_STEP = Decimal("0.0001")  # what the database keeps of a price


@dataclass(frozen=True, slots=True)
class Cost:
    """What a plan costs at list in the request's currency; `price` is per billed unit and period."""

    price: Decimal
    billed_quantity: int
    period: str
    currency: str
    prepay_factor: Decimal | None

    @property
    def unit_price(self) -> Decimal:
        """Return the price per billed unit and month, or per unit for a one-off purchase."""
        return _round(self.price / MONTHS_PER_YEAR) if self.period == "year" else self.price

    @property
    def total(self) -> Decimal:
        """Return what a year, or the one purchase, costs."""
        return self.price * self.billed_quantity * (MONTHS_PER_YEAR if self.period == "month" else 1)

    @property
    def prepaid_total(self) -> Decimal | None:
        """Return a year's cost when paid in advance; None without a published factor for it."""
        if self.prepay_factor is None or self.prepay_factor == 1 or self.period != "month":
            return None
        return money.to_cents(self.total * self.prepay_factor, self.currency)

    @property
    def sum_words(self) -> str:
        """Return the sum in words: price, quantity, months and what they come to."""
        factors = [money.show_price(self.price, self.currency)]
        factors += [str(self.billed_quantity)] if self.billed_quantity != 1 else []
        factors += [str(MONTHS_PER_YEAR)] if self.period == "month" else []
        told = money.show(self.total, self.currency) + ("" if self.period == "once" else " a year")
        return f"{f' {_TIMES} '.join(factors)} = {told}" if len(factors) > 1 else told


@dataclass(frozen=True, slots=True)
class Option:
    """One plan judged: `statuses` of the must-haves, `obstacle` is why it cannot be bought as asked."""

    plan: Plan
    statuses: tuple[str, ...]
    cost: Cost | None
    obstacle: str | None

    @property
    def has_all(self) -> bool:
        """Tell whether every must-have is known to be there."""
        return all(status == "met" for status in self.statuses)

    @property
    def may_have_all(self) -> bool:
        """Tell whether no must-have is known to be missing."""
        return "not_met" not in self.statuses


def judge(need: Need, asked: Asked, card: VendorCard, rate: Decimal, ceiling: Decimal | None) -> list[Option]:
    """Return every plan of a vendor with its cost and its first obstacle."""
    found = []
    for plan in card.plans:
        cost = cost_of(plan, need, rate)
        obstacle = _obstacle(plan, need, cost)
        if obstacle is None and cost and ceiling is not None and cost.total > ceiling:
            obstacle = "over_budget"
        statuses = tuple(each.status(plan) for each in asked.must_haves)
        found.append(Option(plan, statuses, cost, obstacle))
    return found


def choose(options: Sequence[Option]) -> Option | None:
    """Return the cheapest plan that has everything; failing that, what comes nearest to being known to fit.

    A plan that is only quoted counts when no priced plan has everything: vendors quote above their list, so a
    quoted plan is no way around a listed one that is too dear.
    """
    able = [option for option in options if option.obstacle is None and option.may_have_all]
    priced = [option for option in able if option.cost]
    quoted = [option for option in able if option.cost is None]
    if any(option.cost and option.has_all and option.obstacle == "over_budget" for option in options):
        quoted = []
    tiers = (
        [option for option in priced if option.has_all],
        [option for option in quoted if option.has_all],
        priced,
        quoted,
    )
    best = next((tier for tier in tiers if tier), None)
    return min(best, key=price_order) if best else None


def price_order(option: Option) -> tuple[Decimal, str]:
    """Order options by list cost, plans without a price last."""
    return (option.cost.total if option.cost else Decimal("Infinity"), option.plan.name)


def cost_of(plan: Plan, need: Need, rate: Decimal) -> Cost | None:
    """Return what the plan costs for this need, or None when the vendor only quotes it."""
    if plan.list_price is None:
        return None
    price = _round(plan.list_price * rate) if rate != 1 else plan.list_price
    billed = 1 if plan.unit == "account" else need.quantity
    return Cost(price, billed, plan.period, need.currency, plan.prepay_factor)


def _obstacle(plan: Plan, need: Need, cost: Cost | None) -> str | None:
    """Return the code of what stands against buying this plan in this quantity."""
    if cost and plan.unit == "account":
        covered = plan.unlimited or plan.max_quantity is not None
        if not covered:
            return "unit_unclear"
    elif cost and plan.unit != need.unit and cost.total:
        return "unit_unclear"
    if plan.min_quantity is not None and need.quantity < plan.min_quantity:
        return "minimum_quantity"
    if plan.max_quantity is not None and need.quantity > plan.max_quantity:
        return "maximum_quantity"
    return None


def _round(price: Decimal) -> Decimal:
    return price.quantize(_STEP, rounding=ROUND_HALF_UP)
