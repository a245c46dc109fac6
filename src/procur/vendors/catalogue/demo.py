"""The packaged price data: real list prices of real vendors, a snapshot and no offer."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import Any

from procur.core.errors import InvalidInput
from procur.vendors.catalogue import checks, rows
from procur.vendors.catalogue.model import AddOn, EvidenceDraft, Limit, Plan, PricePoint, VendorDraft
from procur.vendors.vocabulary import Vocabulary, load

ATTRIBUTION = (
    "List prices: snapshots of vendors' public pricing pages 2019-2025, not offers and possibly outdated. "
    "From isa-group/SaaS-analysis (DOI 10.5281/zenodo.16106711), CC BY 4.0, shortened."
)
_UNITS = {
    **dict.fromkeys(("user", "seat", "editor", "person", "member", "license"), "user"),
    "": "account",
    "site": "site",
}
_FEWEST = ("minUsers", "minimumUsersRequired", "minLicenses")
_MOST = ("maxUsers", "usersLimit", "maxLicenses", "seatsLimit", "teamMembersLimit")


@lru_cache(maxsize=1)
def read_demo_catalogue() -> tuple[VendorDraft, ...]:
    """Return the packaged vendors with their price history."""
    vocabulary, history = load(), _history()
    document = json.loads(_data("saas_list_prices.json"), parse_float=Decimal)
    found = []
    for number, entry in enumerate(document["vendors"], start=1):
        row = rows.Row({**entry, "vendor_id": entry["id"]}, number)
        vendor = read_entry(row, vocabulary, "packaged price data")
        if row.faults:
            raise InvalidInput(f"the packaged price data is damaged: {row.faults[0]}")
        found.append(replace(vendor, price_history=history.get(vendor.vendor_id, ())))
    return tuple(found)


def is_packaged_format(entry: Mapping[str, Any]) -> bool:
    """Tell whether a JSON entry is written like the packaged file rather than in the documented format."""
    return {"id", "vendor", "plans"} <= set(entry)


def read_entry(row: rows.Row, vocabulary: Vocabulary, source: str) -> VendorDraft:
    """Return the vendor of one entry of the packaged format; look at `row.faults` before using it."""
    entry = row.values
    told = {
        "vendor_id": entry.get("id"),
        "name": entry.get("vendor"),
        "category": entry.get("category"),
        "currency": entry.get("currency"),
        "source": entry.get("source_url"),
        "captured_on": entry.get("captured"),
    }
    head = rows.Row(told, row.line)
    vendor = rows.read_vendor(head, vocabulary)
    row.faults.extend(head.faults)
    hints = row.optional("security_features_named", checks.texts, ())
    plans = _plans(row)
    vendor = replace(vendor, add_ons=_add_ons(row), features=_feature_hints(hints, vocabulary))
    vendor = rows.finish(vendor, plans, vocabulary, source)
    integrations = vocabulary.features.get("integrations")
    claims = rows.claimed_evidence(hints, vocabulary, vendor.source or source, vendor.captured_on)
    evidence = _joined(vendor.evidence, claims)
    return replace(
        vendor,
        evidence=evidence,
        compliance_frameworks=tuple(each.framework for each in evidence),
        integrations=tuple(each for each in vendor.features if integrations and integrations.names(each)),
    )


def _joined(first: Sequence[EvidenceDraft], second: Sequence[EvidenceDraft]) -> tuple[EvidenceDraft, ...]:
    known = {each.framework for each in first}
    return (*first, *(each for each in second if each.framework not in known))


def _feature_hints(hints: Sequence[str], vocabulary: Vocabulary) -> tuple[str, ...]:
    """Return the labels of features the page names somewhere, even if the stored list of a plan is cut."""
    known = (vocabulary.feature(hint) for hint in hints)
    return tuple(feature.label for feature in known if feature)


def _plans(row: rows.Row) -> list[Plan]:
    entries = row.optional("plans", checks.objects, ())
    factor = row.optional("annual_prepay_factor", checks.prepay_factor, None)
    per_user = any(_unit_of(str(each.get("unit") or ""))[0] == "user" for each in entries)
    plans: dict[str, Plan] = {}
    for number, each in enumerate(entries):
        part = rows.Row(each, row.line)
        plan = _plan(part, factor, vendor_is_per_user=per_user)
        if plan.name in plans:
            part.fault("plan", "stands twice for this vendor")
        plans[plan.name] = plan
        for fault in part.faults:
            row.fault(f"plans[{number}].{fault.field}", fault.reason)
    return list(plans.values())


def _plan(part: rows.Row, factor: Decimal | None, *, vendor_is_per_user: bool) -> Plan:
    quote_only = part.optional("quote_only", checks.flag, default=False)
    price = None if quote_only else part.optional("list_price", checks.price, None)
    if price is None and not quote_only:
        part.fault("list_price", "is missing although the plan is not quote only")
    published = part.optional("unit", lambda value: checks.text(value, longest=60), None)
    unit, period = _unit_of(published or "")
    if unit == "account" and price and (vendor_is_per_user or published is None):
        # The source writes a bare "/month", or nothing, beside plans that are sold per user: it does not say
        # what this price counts, and reading it as a flat price would make the plan look 50 times too cheap.
        unit = "other"
    limits = part.optional("limits", _limits, ())
    fewest, most, unlimited = _bounds(limits, quote_only=quote_only)
    features = part.optional("features", _features, ())
    listed = part.optional("features_on", checks.quantity, 0)
    return Plan(
        name=part.required("plan", checks.name),
        list_price=price,
        quote_only=quote_only,
        unit=unit,
        period=period,
        features=features,
        features_complete=listed <= len(features),
        limits=limits,
        min_quantity=fewest,
        max_quantity=most,
        unlimited=unlimited,
        prepay_factor=None if quote_only else factor,
        published_unit=published,
    )


def _unit_of(published: str) -> tuple[str, str]:
    """Return unit and period of "user/month"; what is not one countable thing is "other"."""
    counted, _, period = published.partition("/")
    return _UNITS.get(counted.strip().lower(), "other"), "year" if period == "year" else "month"


def _features(value: Any) -> tuple[str, ...]:
    """Return the feature names; the source writes some as a pair of name and value."""
    names = []
    for each in value if isinstance(value, list) else [value]:
        name, *values = each if isinstance(each, list) and each else [each]
        told = [str(value) for value in values if value is not True]
        names.append(f"{name} ({', '.join(told)})" if told else name)
    return checks.texts(names)


def _limits(value: Any) -> tuple[Limit, ...]:
    """Return name, value and unit of every limit; the source writes {name: [value, unit]}."""
    if not isinstance(value, dict) or not all(isinstance(each, list) and each for each in value.values()):
        raise InvalidInput("must hold a list of value and unit for every limit")
    return tuple(
        (checks.name(name), str(told)[:200], str(unit[0])[:60] if unit and unit[0] else None)
        for name, (told, *unit) in value.items()
    )


def _bounds(limits: Sequence[Limit], *, quote_only: bool) -> tuple[int | None, int | None, bool]:
    """Return the fewest and the most people of a plan, and whether the source says "unlimited".

    A limit of a plan that is only quoted is the source's placeholder (one user for an enterprise plan), so
    only the smallest number is kept there.
    """
    told = {name: value for name, value, _ in limits}
    fewest = next((_count(told[name]) for name in _FEWEST if name in told), None)
    most = next((told[name] for name in _MOST if name in told), "")
    return fewest, None if quote_only else _count(most), most == "unlimited"


def _count(told: str) -> int | None:
    """Return a limit as a number; 0 and everything that is no plain number limit nothing."""
    return int(told) or None if told.isascii() and told.isdecimal() and len(told) < 10 else None  # noqa: PLR2004


def _add_ons(row: rows.Row) -> tuple[AddOn, ...]:
    found = []
    for each in row.optional("add_ons", checks.objects, ()):
        part = rows.Row(each, row.line)
        found.append(
            AddOn(
                name=part.required("name", checks.name),
                list_price=part.optional("list_price", checks.price, None),
                quote_only=part.optional("quote_only", checks.flag, default=False),
                unit=part.optional("unit", checks.name, None),
                available_for=part.optional("available_for", checks.texts, ()),
            )
        )
        row.faults.extend(part.faults)
    return tuple(found)


def _history() -> dict[str, tuple[PricePoint, ...]]:
    found: dict[str, list[PricePoint]] = {}
    for line in csv.DictReader(io.StringIO(_data("saas_price_history_2019_2025.csv"))):
        price = None if line["list_price"] == "quote" else checks.price(line["list_price"])
        point = PricePoint(int(line["year"]), line["plan"], price, line["currency"], line["unit"] or None)
        found.setdefault(line["vendor_id"], []).append(point)
    return {vendor_id: tuple(points) for vendor_id, points in found.items()}


def _data(name: str) -> str:
    return (files("procur.vendors") / "data" / name).read_text(encoding="utf-8")
