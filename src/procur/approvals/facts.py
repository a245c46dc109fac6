"""The facts a policy may ask about: their names, types and canonical form."""

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from procur.core.errors import InvalidInput
from procur.core.money import decimal

Value = Decimal | int | str | bool | date | tuple[str, ...]

KINDS = ("amount", "integer", "text", "boolean", "date", "texts")

# name -> (kind, meaning). Amounts are in the policy's currency; a policy may declare further facts.
FACTS: dict[str, tuple[str, str]] = {
    "currency": ("text", "currency of every amount below"),
    "total": ("amount", "total contract value before tax, over the whole term"),
    "yearly_total": ("amount", "what twelve months cost before tax"),
    "total_with_related": ("amount", "total plus recent purchases of the same kind from the same vendor"),
    "budget_total": ("amount", "what the budget still allows for this purchase over the same term"),
    "unit_price": ("amount", "per unit and month, or per unit for a one-off purchase"),
    "quantity": ("integer", "units bought"),
    "term_months": ("integer", "length of the commitment; 0 for a one-off purchase"),
    "payment_terms": ("text", "NET30, PREPAID ..."),
    "quotes_received": ("integer", "vendors that made an offer for this request"),
    "sole_source_reason": ("text", "documented reason for fewer quotes"),
    "new_vendor": ("boolean", "nothing was bought from this vendor before"),
    "vendor_id": ("text", "the vendor chosen"),
    "request_type": ("text", "saas, hardware, services or goods"),
    "category": ("text", "category of what is bought"),
    "department": ("text", "who pays"),
    "holds_company_data": ("boolean", "the vendor stores or processes data of the organisation"),
    "required_frameworks": ("texts", "compliance frameworks that the request demands"),
    "evidence_held": ("texts", "frameworks with valid evidence: a certificate or an auditor's report"),
    "unknown_requirements": ("texts", "must-haves that nobody has confirmed"),
    "decided_on": ("date", "the day of the decision; rules have effective dates"),
}


def read_value(kind: str, raw: object, *, where: str) -> Value:
    """Return a raw JSON value as a value of this kind, or raise InvalidInput naming the place."""
    if kind == "amount":
        return decimal(raw, field=where)
    if kind == "date":
        return read_date(raw, where=where)
    if kind == "texts":
        if isinstance(raw, list | tuple) and all(isinstance(item, str) for item in raw):
            return tuple(sorted(raw))
    elif kind == "integer":
        if isinstance(raw, int) and not isinstance(raw, bool):
            return raw
    elif isinstance(raw, {"text": str, "boolean": bool}[kind]):
        return raw  # type: ignore[return-value]  # narrowed by the table above
    raise InvalidInput(f"{where} must be of the kind {kind}, not {raw!r}", field=where)


def read_facts(kinds: Mapping[str, str], raw: Mapping[str, object]) -> dict[str, Value]:
    """Return the known facts, typed; None and blank text mean unknown and are left out."""
    strangers = sorted(set(raw) - set(kinds))
    if strangers:
        raise InvalidInput(f"no such fact: {', '.join(strangers)}", field=strangers[0])
    known = {name: value for name, value in raw.items() if value is not None}
    typed = {name: read_value(kinds[name], value, where=name) for name, value in known.items()}
    return {
        name: value for name, value in typed.items() if not (isinstance(value, str) and not value.strip())
    }


def plain(value: Value | None) -> Any:
    """Return a value as JSON shows it: amounts and dates as text, no trailing zeros that change the hash."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, date):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def digest(document: object) -> str:
    """Return the SHA-256 of a JSON document in canonical form."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def read_date(raw: object, *, where: str) -> date:
    """Return a date or its ISO text as a date, or raise InvalidInput naming the place."""
    if isinstance(raw, date):
        return raw
    try:
        return date.fromisoformat(str(raw))
    except ValueError as error:
        raise InvalidInput(f"{where} must be a date like 2027-03-31, not {raw!r}", field=where) from error
