"""The contract as the data that its template prints: parties, term sheet, clauses, annexes, signatures."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from procur.contracts.clause_values import UNKNOWN, clean, day, plural
from procur.contracts.clauses import Clause, Clauses, OpenPoint, draft
from procur.contracts.contract_facts import ContractFacts, Instalment, PartyFacts
from procur.contracts.schedules import Period, payments, price_years
from procur.core.deal import PAYMENT_DAYS
from procur.core.money import show, show_price

TEMPLATE = "contract"
_TITLES = {
    "saas": "Subscription Agreement",
    "hardware": "Hardware Supply Agreement",
    "goods": "Supply Agreement",
    "services": "Services Agreement",
}


@dataclass(frozen=True, slots=True)
class ContractPaper:
    """A drafted contract: `data` goes to `documents.render`, `open_points` to whoever completes it."""

    title: str
    clauses: tuple[Clause, ...]
    open_points: tuple[OpenPoint, ...]
    library_version: str
    data: dict[str, Any]


def contract_paper(facts: ContractFacts) -> ContractPaper:
    """Draft the contract; the same facts always give the same paper."""
    drafted = draft(facts)
    title = _TITLES[facts.request_type]
    points = (*_party_points(facts), *drafted.open_points)
    return ContractPaper(
        title, drafted.clauses, points, drafted.library_version, _data(facts, drafted, title, points)
    )


def _data(
    facts: ContractFacts, drafted: Clauses, title: str, points: tuple[OpenPoint, ...]
) -> dict[str, Any]:
    terms, currency = facts.terms, facts.terms.currency
    return {
        "title": title,
        "number": clean(facts.number),
        "effective": day(facts.effective_date),
        "library_version": drafted.library_version,
        "open_points": len(points),
        "parties": [_party(facts.buyer, "Buyer"), _party(facts.vendor, "Vendor")],
        "purchase": {
            "item": clean(facts.item),
            "description": clean(facts.description) if facts.description else None,
            "quantity": f"{terms.quantity:,} {plural(clean(facts.counted), terms.quantity)}",
            "unit_price": show_price(terms.unit_price, currency),
            "per": f"per {clean(facts.counted)}" + (" and month" if terms.term_months else ""),
            "term": f"{terms.term_months} months" if terms.term_months else "one-off",
            "total": show(terms.total, currency),
        },
        "terms": [{"label": label, "value": value} for label, value in _terms(facts, drafted) if value],
        "clauses": [
            {
                "number": str(clause.number),
                "title": clause.title,
                "paragraphs": [
                    {"number": p.number, "text": p.text, "items": list(p.items)} for p in clause.paragraphs
                ],
            }
            for clause in drafted.clauses
        ],
        "prices": {
            "rows": [_price_row(facts, year) for year in price_years(facts)],
            "dated": terms.term_months > 0,
            "total": _total(facts),
        },
        "payments": {
            "rows": [_payment_row(part, currency) for part in payments(facts)],
            "total": _total(facts),
        },
        "payment_note": _payment(facts),
    }


def _party(party: PartyFacts, role: str) -> dict[str, Any]:
    address = [clean(line) for line in (*party.address_lines, party.country or "") if line.strip()]
    known = [("Registration", party.registration_id), ("Tax number", party.tax_id), ("E-mail", party.email)]
    return {
        "role": role,
        "name": clean(party.legal_name),
        "address": address if party.address_lines else [*address, f"[to be completed: address of {role}]"],
        "ids": [f"{label}: {clean(value)}" for label, value in known if value],
        "signatory": clean(party.signatory) if party.signatory else None,
        "signatory_title": clean(party.signatory_title) if party.signatory_title else None,
    }


def _party_points(facts: ContractFacts) -> tuple[OpenPoint, ...]:
    parties = (("buyer_address", facts.buyer), ("vendor_address", facts.vendor))
    return tuple(
        OpenPoint(key, UNKNOWN[key], ("parties",)) for key, party in parties if not party.address_lines
    )


def _terms(facts: ContractFacts, drafted: Clauses) -> list[tuple[str, str | None]]:
    ends = facts.last_day
    return [
        ("Term", f"{day(facts.first_day)} to {day(ends)}" if ends else None),
        ("Renewal", _renewal(facts) if ends else None),
        ("Delivery", _delivery(facts)),
        ("Payment", _payment(facts)),
        ("Currency", f"{facts.terms.currency}, for all amounts of this Agreement"),
        ("Value-adds", "; ".join(map(clean, facts.terms.value_adds)) or None),
        (
            "Governing law",
            clean(facts.governing_law) if facts.governing_law else _ask(drafted, "governing_law"),
        ),
    ]


def _ask(drafted: Clauses, key: str) -> str | None:
    asked = any(point.key == key for point in drafted.open_points)
    return f"[to be completed: {UNKNOWN[key]}]" if asked else None


def _renewal(facts: ContractFacts) -> str:
    if not facts.auto_renew:
        return "None; ends without notice"
    if facts.notice_deadline is None:
        return f"Automatic; [to be completed: {UNKNOWN['notice_days']}]"
    last = day(facts.notice_deadline)
    return f"Automatic, {facts.renewal_notice_days} days\u2019 notice, at the latest on {last}"


def _delivery(facts: ContractFacts) -> str | None:
    place = " ".join(clean(part) for part in (facts.incoterm, facts.delivery_place) if part)
    by = f"by {day(facts.delivery_date)}" if facts.delivery_date else ""
    return ", ".join(part for part in (place, by) if part) or None


def _payment(facts: ContractFacts) -> str:
    terms = facts.terms.payment_terms
    if terms == "PREPAID":
        return "In advance per contract year" if facts.terms.term_months else "In advance"
    if terms == "MILESTONES":
        return "By milestone, after acceptance"
    return f"Net {PAYMENT_DAYS[terms]} days from the invoice date"


def _price_row(facts: ContractFacts, year: Period) -> dict[str, str]:
    terms = facts.terms
    return {
        "label": year.label,
        "period": f"{day(year.first)} to {day(year.last)}" if year.last else "",
        "months": str(year.months) if year.months else "",
        "quantity": f"{terms.quantity:,}",
        "unit_price": show_price(terms.unit_price, terms.currency),
        "amount": show(year.amount, terms.currency),
    }


def _payment_row(part: Instalment, currency: str) -> dict[str, str]:
    due = day(part.due) if isinstance(part.due, date) else clean(part.due)
    return {"label": clean(part.label), "due": due, "amount": show(part.amount, currency)}


def _total(facts: ContractFacts) -> str:
    return show(facts.terms.total, facts.terms.currency)
