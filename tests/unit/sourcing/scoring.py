"""How a reading is compared with the labels of a sentence."""

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

from procur.sourcing.intake import Intake, read_request
from procur.vendors.vocabulary import load

TODAY = date(2026, 11, 21)
HERE = Path(__file__).parent
SINGLE = (
    "request_type",
    "category",
    "quantity",
    "billing_cadence",
    "term_months",
    "department",
    "cost_center",
)
LISTS = (
    "also_wanted",
    "must_haves",
    "nice_to_haves",
    "not_needed",
    "compliance_required",
    "compliance_preferred",
    "payment_refused",
)


def sentences(name: str) -> list[dict[str, Any]]:
    read = tomllib.loads((HERE / name).read_text(encoding="utf-8"))
    return [one for one in read["sentence"] if "skip" not in one]


def intake_of(sentence: dict[str, Any]) -> Intake:
    currency = sentence.get("default_currency")
    return read_request(sentence["text"], vocabulary=load(), today=TODAY, default_currency=currency)


def told(intake: Intake) -> dict[str, Any]:
    """Return every field in the form the labels use."""
    fields: dict[str, Any] = {}
    for name in SINGLE:
        found = getattr(intake, name)
        fields[name] = None if found is None else found.value
    for name in LISTS:
        fields[name] = [found.value for found in getattr(intake, name)]
    fields["payment_terms"] = [f"{found.value} {found.strength}" for found in intake.payment_terms]
    for name in ("yearly", "total"):
        limit = getattr(intake, f"budget_{name}")
        fields[name] = None if limit is None else f"{limit.value.maximum} {limit.value.currency}"
    limit = intake.budget_yearly or intake.budget_total
    fields["minimum"] = None if limit is None or limit.value.minimum is None else str(limit.value.minimum)
    fields["approximate"] = limit is not None and limit.value.approximate
    fields["currency"] = None if intake.currency is None else intake.currency.value
    fields["needed_by"] = None if intake.needed_by is None else intake.needed_by.value.isoformat()
    fields["unread"] = [span.words for span in intake.unread]
    fields["questions"] = [one.field for one in intake.questions]
    fields["contradictions"] = [one.field for one in intake.contradictions]
    return fields


def expected(sentence: dict[str, Any]) -> dict[str, Any]:
    """Return the labels with the fields that are not named filled in as missing."""
    blank: dict[str, Any] = dict.fromkeys((*SINGLE, "yearly", "total", "minimum", "needed_by"))
    blank |= {name: [] for name in (*LISTS, "payment_terms", "unread", "questions", "contradictions")}
    blank |= {"approximate": False}
    limit = sentence.get("yearly") or sentence.get("total")
    blank["currency"] = limit.split()[1] if limit else None
    known = {name: value for name, value in sentence.items() if name in {*blank, "currency"}}
    return blank | known


def wrong_fields(sentence: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return each field that differs: what was read, what the label says."""
    read, label = told(intake_of(sentence)), expected(sentence)
    return {name: (read[name], label[name]) for name in label if read[name] != label[name]}
