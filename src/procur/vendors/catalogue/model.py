"""What the catalogue knows about a vendor, as plain values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

# What a price counts. "user" covers seats, editors, members and licences; "other" is everything whose number
# cannot be told from a count of people or pieces (channels, contacts, blocks of 500 ...).
UNITS = ("user", "account", "site", "piece", "hour", "day", "other")
PERIODS = ("month", "year", "once")
# From the strongest to the weakest; a name on a price page is never more than "claimed".
EVIDENCE_KINDS = ("certified", "report", "in_progress", "claimed")
# What proves something, strongest first: policy, comparison, matching and contracts take nothing less.
ACCEPTED_EVIDENCE = EVIDENCE_KINDS[:2]

Limit = tuple[str, str, str | None]  # name, value as published, unit as published


@dataclass(frozen=True, slots=True)
class Plan:
    """One line of a price list.

    `list_price` is None when the vendor only quotes. `max_quantity` None means no limit is stated, which is
    not the same as `unlimited`. `features_complete` is False when the stored list is cut, so that a feature
    missing from it is unknown rather than absent. `prepay_factor` is the published factor for paying a year
    in advance.
    """

    name: str
    list_price: Decimal | None = None
    quote_only: bool = False
    unit: str = "user"
    period: str = "month"
    features: tuple[str, ...] = ()
    features_complete: bool = True
    limits: tuple[Limit, ...] = ()
    min_quantity: int | None = None
    max_quantity: int | None = None
    unlimited: bool = False
    prepay_factor: Decimal | None = None
    published_unit: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as a JSON object for `vendor_profiles.price_tiers`; money as text."""
        return {
            "name": self.name,
            "list_price": None if self.list_price is None else str(self.list_price),
            "quote_only": self.quote_only,
            "unit": self.unit,
            "period": self.period,
            "features": list(self.features),
            "features_complete": self.features_complete,
            "limits": [list(limit) for limit in self.limits],
            "min_quantity": self.min_quantity,
            "max_quantity": self.max_quantity,
            "unlimited": self.unlimited,
            "prepay_factor": None if self.prepay_factor is None else str(self.prepay_factor),
            "published_unit": self.published_unit,
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "Plan":
        """Return the plan that `as_dict` wrote; keys that a later version added are not needed."""
        price, factor = stored.get("list_price"), stored.get("prepay_factor")
        return cls(
            name=stored["name"],
            list_price=None if price is None else Decimal(price),
            quote_only=stored.get("quote_only", False),
            unit=stored.get("unit", "user"),
            period=stored.get("period", "month"),
            features=tuple(stored.get("features", ())),
            features_complete=stored.get("features_complete", True),
            limits=tuple((name, value, unit) for name, value, unit in stored.get("limits", ())),
            min_quantity=stored.get("min_quantity"),
            max_quantity=stored.get("max_quantity"),
            unlimited=stored.get("unlimited", False),
            prepay_factor=None if factor is None else Decimal(factor),
            published_unit=stored.get("published_unit"),
        )


def monthly(price: Decimal, period: str) -> Decimal:
    """Return what a price comes to in a month; one that is paid once stays as it is."""
    return (price / 12).quantize(Decimal("0.0001")) if period == "year" else price


def cheapest(plans: Iterable[Plan]) -> Plan | None:
    """Return the cheapest paid plan, by the month; None where nothing is paid or only quoted.

    Prices of different units do not compare: of the unit that most plans have (per user before others).
    """
    paid: dict[tuple[str, bool], list[Plan]] = {}
    for plan in plans:
        if plan.list_price:
            paid.setdefault((plan.unit, plan.period == "once"), []).append(plan)
    if not paid:
        return None
    usual = min(paid, key=lambda each: (-len(paid[each]), UNITS.index(each[0]), each[1]))
    return min(paid[usual], key=lambda plan: monthly(plan.list_price or Decimal(0), plan.period))


@dataclass(frozen=True, slots=True)
class AddOn:
    """Something sold on top of a plan; `available_for` is empty when the source names no plans."""

    name: str
    list_price: Decimal | None
    quote_only: bool
    unit: str | None
    available_for: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the add-on as a JSON object; money as text."""
        return {
            "name": self.name,
            "list_price": None if self.list_price is None else str(self.list_price),
            "quote_only": self.quote_only,
            "unit": self.unit,
            "available_for": list(self.available_for),
        }


@dataclass(frozen=True, slots=True)
class PricePoint:
    """What a plan cost on the list in one year; `list_price` None: only quoted."""

    year: int
    plan: str
    list_price: Decimal | None
    currency: str
    unit: str | None

    def as_dict(self) -> dict[str, Any]:
        """Return the point as a JSON object; money as text."""
        return {
            "year": self.year,
            "plan": self.plan,
            "list_price": None if self.list_price is None else str(self.list_price),
            "currency": self.currency,
            "unit": self.unit,
        }


@dataclass(frozen=True, slots=True)
class EvidenceDraft:
    """What speaks for a compliance framework: its kind, where it was seen, how long it holds."""

    framework: str
    kind: str
    source: str
    valid_until: date | None = None
    captured_on: date | None = None


@dataclass(frozen=True, slots=True)
class VendorDraft:
    """A vendor as read from a source, before it is stored."""

    vendor_id: str
    name: str
    category: str
    currency: str
    website: str | None = None
    description: str | None = None
    plans: tuple[Plan, ...] = ()
    features: tuple[str, ...] = ()
    integrations: tuple[str, ...] = ()
    certifications: tuple[str, ...] = ()
    compliance_frameworks: tuple[str, ...] = ()
    evidence: tuple[EvidenceDraft, ...] = ()
    contact_email: str | None = None
    country: str | None = None
    tax_id: str | None = None
    source: str | None = None
    captured_on: date | None = None
    price_history: tuple[PricePoint, ...] = ()
    add_ons: tuple[AddOn, ...] = ()


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that cannot be taken: its line (in JSON the number of the entry), the field and why."""

    line: int
    vendor_id: str | None
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What a file holds. A vendor with one rejected row is not among `vendors`.

    The rule for importing: when anything is rejected, nothing is imported, unless the caller asks to skip bad
    rows. `counted_in` is what `RejectedRow.line` counts: "line" or "entry".
    """

    vendors: tuple[VendorDraft, ...]
    rejected: tuple[RejectedRow, ...]
    total_rows: int
    warnings: tuple[str, ...] = ()
    counted_in: str = "line"

    @property
    def clean(self) -> bool:
        """Tell whether every row of the file can be taken."""
        return not self.rejected
