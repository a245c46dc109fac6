"""What matching is asked and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from procur.vendors.catalogue import EvidenceDraft, Plan, VendorDraft

LEFT_OUT_CODES = (
    "other_category",
    "no_plans",
    "other_currency",
    "must_have_missing",
    "unit_unclear",
    "minimum_quantity",
    "maximum_quantity",
    "over_budget",
    "ranked_lower",
)


@dataclass(frozen=True, slots=True)
class Need:
    """What is wanted. Features and frameworks may be vocabulary keys or the words people wrote.

    `category` None looks at every category. `budget_yearly` bounds twelve months of a subscription;
    `budget_total` is used where it is None (a one-off purchase). `unit` is what `quantity` counts.
    `exchange_rates` gives how much of `currency` one unit of another currency is worth.
    """

    category: str | None
    quantity: int
    currency: str
    today: date
    related_categories: tuple[str, ...] = ()
    budget_yearly: Decimal | None = None
    budget_total: Decimal | None = None
    must_haves: tuple[str, ...] = ()
    nice_to_haves: tuple[str, ...] = ()
    required_frameworks: tuple[str, ...] = ()
    preferred_frameworks: tuple[str, ...] = ()
    request_type: str = "saas"
    unit: str = "user"
    exchange_rates: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def budget(self) -> Decimal | None:
        """Return what twelve months, or the one purchase, may cost."""
        return self.budget_total if self.budget_yearly is None else self.budget_yearly


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each part counts; parts a request does not ask for drop out and the rest is scaled up."""

    category: Decimal = Decimal(30)
    must_haves: Decimal = Decimal(20)
    nice_to_haves: Decimal = Decimal(10)
    price: Decimal = Decimal(20)
    compliance: Decimal = Decimal(15)
    freshness: Decimal = Decimal(5)


@dataclass(frozen=True, slots=True)
class VendorCard:
    """What matching looks at: built from a draft or from stored rows by plain values.

    `prices_from` is the page or feed that the prices were read from while nobody has confirmed them; None for
    prices that a person or a catalogue gave.
    """

    vendor_id: str
    name: str
    category: str
    currency: str
    plans: tuple[Plan, ...] = ()
    features: tuple[str, ...] = ()
    evidence: tuple[EvidenceDraft, ...] = ()
    rating: float | None = None
    captured_on: date | None = None
    source: str | None = None
    prices_from: str | None = None

    @classmethod
    def from_draft(cls, draft: VendorDraft) -> "VendorCard":
        """Return the card of a vendor as read from the catalogue."""
        return cls(
            vendor_id=draft.vendor_id,
            name=draft.name,
            category=draft.category,
            currency=draft.currency,
            plans=draft.plans,
            features=draft.features,
            evidence=draft.evidence,
            captured_on=draft.captured_on,
            source=draft.source,
        )


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing asked and what the catalogue says about it: `status` is met, not_met or unknown."""

    kind: str  # must_have, nice_to_have, required_framework, preferred_framework
    key: str
    label: str
    status: str
    words: str
    feature: str | None = None
    plan: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a score (0 to 1) and its share of the whole; not `known`: scored 0 for want of data."""

    name: str
    score: Decimal
    share: Decimal
    words: str
    known: bool = True


@dataclass(frozen=True, slots=True)
class Match:
    """A vendor on the shortlist with the plan that would be negotiated.

    `unit_price` is per billed unit and month (per unit for a one-off purchase); `billed_quantity` is 1 where
    the price covers a whole account. `list_total` is a year's cost at list (the purchase's, when `period` is
    "once"), `prepaid_total` the same with the published factor for paying a year in advance. All None when
    `quote_only`.
    """

    vendor: VendorCard
    plan: Plan
    currency: str
    unit_price: Decimal | None
    billed_quantity: int
    period: str
    list_total: Decimal | None
    prepaid_total: Decimal | None
    above_budget: bool
    quote_only: bool
    score: Decimal
    parts: tuple[Part, ...]
    requirements: tuple[Requirement, ...]
    questions: tuple[str, ...]
    blocked_by: tuple[str, ...]
    words: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A vendor that is not on the shortlist: a stable code and the reason with its numbers."""

    vendor_id: str
    name: str
    code: str
    words: str


@dataclass(frozen=True, slots=True)
class Matching:
    """The answer: the shortlist, everybody else, and by which weights and headroom it was made."""

    shortlist: tuple[Match, ...]
    left_out: tuple[LeftOut, ...]
    weights: Weights
    headroom: Decimal
