"""The JSON format: a list of vendors with their plans. Described in docs/reference/catalogue-format.md."""

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from procur.core.errors import InvalidInput
from procur.vendors.catalogue import checks, demo, rows
from procur.vendors.catalogue.model import EvidenceDraft, ImportReport, Plan, RejectedRow, VendorDraft
from procur.vendors.vocabulary import Vocabulary

_VENDOR_KEYS = {*rows.VENDOR_FIELDS, "features", "evidence", "plans"}
_PLAN_KEYS = {*rows.PLAN_FIELDS, "name"}
_EVIDENCE_KEYS = {"framework", "kind", "source", "valid_until", "captured_on"}


def parse(content: str) -> Any:
    """Return the JSON value with every fraction as Decimal; a key that stands twice is refused."""
    try:
        return json.loads(
            content, parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_object
        )
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"the file is not readable JSON: {error}", field="path") from error


def read_document(content: str, vocabulary: Vocabulary, source: str) -> ImportReport:
    """Return what a JSON text holds, vendor by vendor."""
    document = parse(content)
    entries = document.get("vendors") if isinstance(document, dict) else document
    if not isinstance(entries, list):
        raise InvalidInput('the file must hold a list of vendors, or {"vendors": [...]}', field="path")
    read: dict[str, VendorDraft] = {}
    rejected: list[RejectedRow] = []
    for number, entry in enumerate(entries, start=1):
        values = entry if isinstance(entry, dict) else {}
        packaged = demo.is_packaged_format(values)
        row = rows.Row({**values, "vendor_id": values.get("id")} if packaged else values, number)
        if not isinstance(entry, dict):
            row.fault("entry", "must be an object with the fields of a vendor")
        read_entry = demo.read_entry if packaged else _vendor
        vendor = read_entry(row, vocabulary, source)
        if vendor.vendor_id in read:
            row.fault("vendor_id", "stands twice in the file")
        if not row.faults:
            read[vendor.vendor_id] = vendor
        rejected.extend(row.faults)
    # As in a CSV file: when one of two entries of the same id is rejected, neither is taken.
    bad = {row.vendor_id for row in rejected}
    vendors = tuple(vendor for vendor in read.values() if vendor.vendor_id not in bad)
    return ImportReport(vendors, tuple(rejected), len(entries), counted_in="entry")


def _vendor(row: rows.Row, vocabulary: Vocabulary, source: str) -> VendorDraft:
    _no_other_keys(row, row.values, _VENDOR_KEYS)
    vendor = rows.read_vendor(row, vocabulary)
    vendor = replace(
        vendor,
        features=row.optional("features", checks.texts, ()),
        evidence=tuple(
            _evidence(row, number, each, vendor.source or source)
            for number, each in enumerate(row.optional("evidence", checks.objects, ()))
        ),
    )
    plans: dict[str, Plan] = {}
    for number, each in enumerate(row.optional("plans", checks.objects, ())):
        plan = _plan(row, number, each)
        if plan and plan.name in plans:
            row.fault(f"plans[{number}].name", f"{plan.name!r} stands twice for this vendor")
        elif plan:
            plans[plan.name] = plan
    return rows.finish(vendor, plans.values(), vocabulary, source)


def _plan(row: rows.Row, number: int, values: Mapping[str, Any]) -> Plan | None:
    part = rows.Row({**values, "plan": values.get("name")}, row.line)
    _no_other_keys(part, values, _PLAN_KEYS)
    plan = rows.read_plan(part)
    if plan is None:
        part.fault("name", "is missing")
    _adopt(row, part, f"plans[{number}].")
    return plan


def _evidence(row: rows.Row, number: int, values: Mapping[str, Any], source: str) -> EvidenceDraft:
    part = rows.Row(values, row.line)
    _no_other_keys(part, values, _EVIDENCE_KEYS)
    evidence = rows.read_evidence(part, source)
    _adopt(row, part, f"evidence[{number}].")
    return evidence


def _adopt(row: rows.Row, part: rows.Row, prefix: str) -> None:
    for fault in part.faults:
        field = "name" if fault.field == "plan" else fault.field
        row.fault(prefix + field, fault.reason)


def _no_other_keys(row: rows.Row, values: Mapping[str, Any], known: set[str]) -> None:
    for key in values:
        if key not in known:
            row.fault(str(key)[:60], f"is not a field; known are {', '.join(sorted(known))}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        twice = next(key for key, _ in pairs if [name for name, _ in pairs].count(key) > 1)
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return read


def _no_constant(told: str) -> None:
    raise ValueError(f"{told} is not a number")
