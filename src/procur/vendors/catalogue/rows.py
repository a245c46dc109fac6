"""From raw fields to a vendor: the same checks and rules for CSV and JSON files."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, TypeVar

from procur.core.errors import InvalidInput
from procur.vendors.catalogue import checks
from procur.vendors.catalogue.model import (
    EVIDENCE_KINDS,
    PERIODS,
    UNITS,
    EvidenceDraft,
    Plan,
    RejectedRow,
    VendorDraft,
)
from procur.vendors.vocabulary import Vocabulary

Value = TypeVar("Value")
Default = TypeVar("Default")

REQUIRED_FIELDS = ("vendor_id", "name", "category", "currency")
VENDOR_LISTS = ("integrations", "certifications", "compliance_frameworks")
VENDOR_FIELDS = (
    *REQUIRED_FIELDS,
    *("website", "description", "contact_email", "country", "tax_id", "source", "captured_on"),
    *VENDOR_LISTS,
)
PLAN_FIELDS = (
    *("plan", "list_price", "quote_only", "unit", "period", "features", "min_quantity", "max_quantity"),
    "prepay_factor",
)
_BLANK: tuple[Any, ...] = (None, "", [])
_UNIT_WORDS = {
    **dict.fromkeys(("seat", "editor", "person", "member", "license", "licence", "user", "users"), "user"),
    **dict.fromkeys(("unit", "item", "piece", "pieces", "each"), "piece"),
}


class Row:
    """One row's fields, and what is wrong with them."""

    def __init__(self, values: Mapping[str, Any], line: int) -> None:
        self.values = values
        self.line = line
        self.faults: list[RejectedRow] = []
        told = values.get("vendor_id")
        self.vendor_id = told.strip()[:64] or None if isinstance(told, str) else None

    def fault(self, field: str, reason: str) -> None:
        """Note that the row cannot be taken."""
        self.faults.append(RejectedRow(self.line, self.vendor_id, field, reason))

    def optional(self, field: str, check: Callable[[Any], Value], default: Default) -> Value | Default:
        """Return the checked value, or the default when the field is blank or wrong."""
        value = self.values.get(field)
        if value in _BLANK:
            return default
        try:
            return check(value)
        except InvalidInput as error:
            self.fault(field, error.message)
            return default

    def required(self, field: str, check: Callable[[Any], str]) -> str:
        """Return the checked value; a blank one is a fault."""
        if self.values.get(field) in _BLANK:
            self.fault(field, "is missing")
        return self.optional(field, check, "")


def read_vendor(row: Row, vocabulary: Vocabulary) -> VendorDraft:
    """Return the vendor of a row without its plans; look at `row.faults` before using it."""
    category = row.required("category", checks.name)
    known = vocabulary.category(category)
    return VendorDraft(
        vendor_id=row.required("vendor_id", checks.vendor_id),
        name=row.required("name", checks.name),
        category=known.key if known else category,
        currency=row.required("currency", checks.currency),
        website=row.optional("website", checks.website, None),
        description=row.optional("description", _long_text, None),
        integrations=row.optional("integrations", checks.texts, ()),
        certifications=row.optional("certifications", checks.texts, ()),
        compliance_frameworks=row.optional("compliance_frameworks", checks.texts, ()),
        contact_email=row.optional("contact_email", checks.email, None),
        country=row.optional("country", checks.country, None),
        tax_id=row.optional("tax_id", checks.name, None),
        source=row.optional("source", _short_text, None),
        captured_on=row.optional("captured_on", checks.day, None),
    )


def read_plan(row: Row) -> Plan | None:
    """Return the plan of a row, or None when all its plan fields are blank; faults are noted on the row."""
    if all(row.values.get(field) in _BLANK for field in PLAN_FIELDS):
        return None
    quote_only = row.optional("quote_only", checks.flag, default=False)
    price = row.values.get("list_price")
    if isinstance(price, str) and price.strip().lower() == "quote":
        quote_only, price = True, None
    if price in _BLANK and not quote_only:
        row.fault("list_price", 'is missing; write a price, 0 for a free plan or "quote"')
    elif price not in _BLANK and quote_only:
        row.fault("list_price", "is given although the plan is quote only")
    plan = Plan(
        name=row.required("plan", checks.name),
        list_price=None if quote_only else row.optional("list_price", checks.price, None),
        quote_only=quote_only,
        unit=row.optional("unit", _unit, "user"),
        period=row.optional("period", checks.one_of(PERIODS), "month"),
        features=row.optional("features", checks.texts, ()),
        min_quantity=row.optional("min_quantity", checks.quantity, None),
        max_quantity=row.optional("max_quantity", checks.quantity, None),
        prepay_factor=row.optional("prepay_factor", checks.prepay_factor, None),
    )
    if plan.min_quantity and plan.max_quantity and plan.min_quantity > plan.max_quantity:
        row.fault("min_quantity", f"{plan.min_quantity} is above max_quantity {plan.max_quantity}")
    return plan


def read_evidence(row: Row, default_source: str) -> EvidenceDraft:
    """Return one piece of evidence that the file's author states, with its kind."""
    return EvidenceDraft(
        framework=row.required("framework", checks.name),
        kind=row.required("kind", checks.one_of(EVIDENCE_KINDS)),
        source=row.optional("source", _short_text, default_source),
        valid_until=row.optional("valid_until", checks.day, None),
        captured_on=row.optional("captured_on", checks.day, None),
    )


def finish(vendor: VendorDraft, plans: Iterable[Plan], vocabulary: Vocabulary, source: str) -> VendorDraft:
    """Join a vendor with its plans; compliance words in names become claims, never certificates."""
    plans = tuple(plans)
    names = tuple(dict.fromkeys(name for plan in plans for name in plan.features))
    features = tuple(dict.fromkeys((*vendor.features, *names)))
    seen = (*features, *vendor.compliance_frameworks, *vendor.certifications)
    claims = claimed_evidence(seen, vocabulary, vendor.source or source, vendor.captured_on)
    stated = tuple(
        replace(each, framework=_framework(each.framework, vocabulary)) for each in vendor.evidence
    )
    proven = {each.framework for each in stated}
    evidence = (*stated, *(claim for claim in claims if claim.framework not in proven))
    frameworks = tuple(dict.fromkeys(each.framework for each in evidence))
    return replace(
        vendor, plans=plans, features=features, evidence=evidence, compliance_frameworks=frameworks
    )


def claimed_evidence(
    names: Iterable[str], vocabulary: Vocabulary, source: str, captured_on: date | None
) -> tuple[EvidenceDraft, ...]:
    """Return one claim per framework that the names mention, with where it was read."""
    keys = dict.fromkeys(each.key for name in names for each in vocabulary.frameworks_named_in(name))
    return tuple(EvidenceDraft(key, "claimed", source, captured_on=captured_on) for key in keys)


def _framework(told: str, vocabulary: Vocabulary) -> str:
    known = vocabulary.framework(told)
    return known.key if known else told


def _unit(value: Any) -> str:
    told = checks.text(value, longest=60).lower()
    return checks.one_of(UNITS)(_UNIT_WORDS.get(told, told))


def _short_text(value: Any) -> str:
    return checks.text(value, longest=500)


def _long_text(value: Any) -> str:
    return checks.text(value, longest=4000, lines=True)
