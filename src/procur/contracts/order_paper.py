"""The purchase order as the data that its PDF template prints, beside the XML that machines read."""

from typing import Any

from procur.contracts.clause_values import clean, day
from procur.contracts.order_facts import Allowance, OrderFacts, OrderLine, OrderParty
from procur.core.money import show, show_price

TEMPLATE = "purchase_order"
# UN/ECE codes that a reader would not understand.
_UNITS = {"C62": "", "EA": "", "H87": "", "MON": "months", "DAY": "days", "HUR": "hours", "ANN": "years"}


def order_paper(facts: OrderFacts) -> dict[str, Any]:
    """Return the printed purchase order as data; the same facts always give the same paper."""
    return {
        "title": "Purchase Order",
        "number": clean(facts.id),
        "issued": day(facts.issue_date),
        "parties": [_party(facts.buyer, "Buyer"), _party(facts.seller, "Seller")],
        "terms": [{"label": label, "value": value} for label, value in _terms(facts) if value],
        "lines": [_line(line, facts.currency) for line in facts.lines],
        "totals": [{"label": label, "amount": amount} for label, amount in _totals(facts)],
        "note": clean(facts.note) if facts.note else None,
    }


def _party(party: OrderParty, role: str) -> dict[str, Any]:
    town = " ".join(part for part in (party.postal_code, party.city) if part)
    lines = [*party.address_lines, town, party.country]
    known = [("Tax number", party.tax_id), ("Registration", party.registration_id)]
    address = f"{party.endpoint_id} ({party.endpoint_scheme})"
    return {
        "role": role,
        "name": clean(party.legal_name),
        "address": [clean(line) for line in lines if line.strip()],
        "ids": [
            f"{label}: {clean(value)}" for label, value in (*known, ("Electronic address", address)) if value
        ],
    }


def _terms(facts: OrderFacts) -> list[tuple[str, str | None]]:
    first, last = facts.delivery_from, facts.delivery_until
    days = " to ".join(day(moment) for moment in (first, last) if moment)
    place = " ".join(clean(part) for part in (facts.delivery_terms, facts.delivery_place) if part)
    return [
        ("Contract", clean(facts.contract_reference) if facts.contract_reference else None),
        ("Your reference", clean(facts.customer_reference) if facts.customer_reference else None),
        ("Delivery", ", ".join(part for part in (place, days) if part) or None),
        ("Payment", clean(facts.payment_terms) if facts.payment_terms else None),
        ("Valid until", day(facts.valid_until) if facts.valid_until else None),
    ]


def _line(line: OrderLine, currency: str) -> dict[str, Any]:
    unit = _UNITS.get(line.unit_code, line.unit_code)
    base = f" / {line.base_quantity:,f}" if line.base_quantity and line.base_quantity != 1 else ""
    return {
        "id": clean(line.id),
        "name": clean(line.name),
        "description": clean(line.description) if line.description else None,
        "quantity": f"{line.quantity:,f} {unit}".strip(),
        "unit_price": show_price(line.unit_price, currency) + base,
        "amount": show(line.net, currency),
        "allowances": [_allowance(item, currency) for item in line.allowances],
    }


def _allowance(item: Allowance, currency: str) -> str:
    return f"{clean(item.reason)}: {show(item.amount if item.charge else -item.amount, currency)}"


def _totals(facts: OrderFacts) -> list[tuple[str, str]]:
    totals, currency = facts.totals(), facts.currency
    inner = [(clean(item.reason), item.amount if item.charge else -item.amount) for item in facts.allowances]
    rows = [("Sum of lines", totals.lines), *inner, ("Total before tax", totals.exclusive)]
    if totals.tax is not None and totals.inclusive is not None:
        rows += [("Tax", totals.tax), ("Total with tax", totals.inclusive)]
    if facts.prepaid:
        rows.append(("Prepaid", -facts.prepaid))
    if facts.rounding:
        rows.append(("Rounding", facts.rounding))
    rows.append(("Payable", totals.payable))
    return [(label, show(amount, currency)) for label, amount in rows]
