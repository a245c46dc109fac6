"""What a vendor's profile says and who put it there; which of it a source may fill in."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time
from typing import Any

from procur.db.models import VendorProfileRecord
from procur.vendors.catalogue import Plan, cheapest
from procur.vendors.enrichment.confidence import FieldConfidence
from procur.vendors.enrichment.model import Observation, digest

# `vendor_metadata["enriched"]` maps a field of the profile to the source it was filled in from. What is not
# named there was recorded by a person or imported, and stays.
MARKS = "enriched"
# `vendor_metadata["by_hand"]` maps a field to the day on which a person recorded or confirmed it.
BY_HAND = "by_hand"
# Never filled in: where orders are sent and to whom they are addressed is for people to say.
_TEXTS = ("description", "contact_email", "country")

# What stands in the profile when nobody says anything.
_EMPTY: dict[str, dict[str, Any]] = {
    "plans": {"price_tiers": {}, "list_price": None},
    "description": {"description": None},
    "rating": {"rating": None, "review_count": 0},
}


def marks_of(vendor: VendorProfileRecord) -> dict[str, str]:
    """Return which fields of the profile came from enrichment, and from where."""
    found: dict[str, str] = dict(vendor.vendor_metadata.get(MARKS) or {})
    return found


def profile_observations(vendor: VendorProfileRecord) -> list[Observation]:
    """Return what was recorded of a vendor as observations: by a "person", or else of an "import"."""
    marked = marks_of(vendor)
    by_hand: dict[str, str] = vendor.vendor_metadata.get(BY_HAND) or {}
    captured = vendor.vendor_metadata.get("captured_on") or vendor.vendor_metadata.get("imported_on")
    imported_at = vendor.created_at if captured is None else _start_of(captured)
    imported_from = vendor.data_source or "recorded by hand"
    values: dict[str, dict[str, Any]] = {
        name: {"text": getattr(vendor, name)} for name in _TEXTS if getattr(vendor, name)
    }
    if plans := vendor.price_tiers.get("plans"):
        values["plans"] = {"plans": list(plans), "currency": vendor.currency}
    if vendor.list_price is not None:
        plan = cheapest(map(Plan.from_dict, plans or ()))
        terms = {"unit": plan.unit, "period": plan.period} if plan else {}
        values["list_price"] = {"amount": str(vendor.list_price), "currency": vendor.currency, **terms}
    if vendor.rating is not None:
        values["rating"] = {"rating": vendor.rating, "count": vendor.review_count}
    found = []
    for name, value in values.items():
        if name in marked:
            continue
        day = by_hand.get(name)
        kind, source, seen_at = (
            ("import", imported_from, imported_at)
            if day is None
            else ("person", "recorded by hand", _start_of(day))
        )
        found.append(
            Observation(name, value, source, kind, "as recorded", seen_at, digest(f"{name} {value}"))
        )
    return found


def changes_for(
    vendor: VendorProfileRecord, fields: Mapping[str, FieldConfidence], seen: Iterable[Observation]
) -> dict[str, Any]:
    """Return the columns that a source may fill in and that would change, with the marks to keep.

    Prices go together: plans, list price and currency, of one source. A vendor whose plans are recorded as
    only quoted has prices on record, too. Prices in another currency than the recorded one are not filled in.
    What was filled in and no source says any more goes.
    """
    marked = marks_of(vendor)
    outside = [each for each in seen if each.source_kind not in {"import", "person"}]
    changes: dict[str, Any] = {}
    marks = dict(marked)
    has_prices = bool(vendor.price_tiers.get("plans")) or vendor.list_price is not None
    # A vendor that was never imported has the default currency, which nobody recorded.
    imported = "imported_on" in vendor.vendor_metadata and "currency" not in marked
    own_currency = vendor.currency if imported else None
    if (
        ("plans" in marked or not has_prices)
        and (chosen := _chosen("plans", fields, outside))
        and own_currency in {None, chosen.value.get("currency") or vendor.currency}
    ):
        changes |= _prices(chosen.value, vendor)
        marks["plans"] = marks["list_price"] = chosen.source
        if own_currency is None:
            marks["currency"] = chosen.source
    if ("description" in marked or not vendor.description) and (
        chosen := _chosen("description", fields, outside)
    ):
        changes["description"] = chosen.value["text"]
        marks["description"] = chosen.source
    if ("rating" in marked or vendor.rating is None) and (chosen := _chosen("rating", fields, outside)):
        changes |= {"rating": chosen.value["rating"], "review_count": chosen.value["count"]}
        marks["rating"] = chosen.source
    said = {each.field for each in outside}
    for field, empty in _EMPTY.items():
        if field in marked and field not in said:
            changes |= empty
            marks = {name: source for name, source in marks.items() if name not in {field, *empty}}
    changes = {name: value for name, value in changes.items() if getattr(vendor, name) != value}
    if marks != marked:
        changes["vendor_metadata"] = {**vendor.vendor_metadata, MARKS: marks}
    return changes


def _start_of(day: str) -> datetime:
    return datetime.combine(datetime.fromisoformat(day), time(), UTC)


def _chosen(
    field: str, fields: Mapping[str, FieldConfidence], outside: Iterable[Observation]
) -> Observation | None:
    """Return the newest observation of a field's likeliest value."""
    if field not in fields:
        return None
    found = [each for each in outside if each.field == field and each.value == fields[field].value]
    return max(found, key=lambda each: (each.observed_at, each.source), default=None)


def _prices(value: Mapping[str, Any], vendor: VendorProfileRecord) -> dict[str, Any]:
    plans = list(value["plans"])
    plan = cheapest(map(Plan.from_dict, plans))
    return {
        "price_tiers": {"plans": plans},
        "list_price": plan.list_price if plan else None,
        "currency": value.get("currency") or vendor.currency,
    }
