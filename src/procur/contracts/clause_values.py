"""The words, flags and lists that the clause library asks for, computed from the facts of a deal."""

import unicodedata
from datetime import date

from procur.contracts.contract_facts import ContractFacts, Evidence, PartyFacts
from procur.core.deal import PAYMENT_DAYS
from procur.core.money import show, show_price

# What to ask for where a fact is unknown.
UNKNOWN = {
    "governing_law": "governing law",
    "courts": "competent courts",
    "availability": "availability per month in percent",
    "service_credit": "service credit per shortfall",
    "support": "support hours, channels and response times",
    "description": "scope of work",
    "milestones": "milestones",
    "milestone_days": "payment days for milestone invoices",
    "billing": "invoicing interval",
    "notice_days": "notice period in days",
    "notice_deadline": "last day for notice",
    "renewal_cap": "cap on price increases at renewal",
    "incoterm": "Incoterms rule",
    "delivery_place": "named place of delivery",
    "delivery_date": "delivery date",
    "warranty_period": "warranty period",
    "spare_parts_period": "spare parts period",
    "buyer_email": "e-mail address of Buyer for notices",
    "vendor_email": "e-mail address of Vendor for notices",
    "buyer_address": "address of Buyer",
    "vendor_address": "address of Vendor",
}
_MONTH_NAMES = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_BILLING = {
    "monthly": "each month in advance",
    "quarterly": "each quarter in advance",
    "yearly": "each contract year in advance",
    "once": "once, after it has performed",
}


# A position of the library, like the wording of the clause that uses it.
_CAP = "the total Charges payable under this Agreement"


def clean(text: str) -> str:
    """Return a fact from outside on one line, in composed Unicode form."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def day(value: date) -> str:
    """Write a date so that no reader takes the day for the month."""
    return f"{value.day} {_MONTH_NAMES[value.month - 1]} {value.year}"


def plural(unit: str, quantity: int) -> str:
    """Return the unit in the number that goes with the quantity."""
    if quantity == 1:
        return unit
    if unit.endswith("y") and unit[-2:-1] not in "aeiou":
        return f"{unit[:-1]}ies"
    return f"{unit}es" if unit.endswith(("s", "x", "z", "ch", "sh")) else f"{unit}s"


def values(facts: ContractFacts) -> dict[str, str | None]:
    """Return every word that the library may ask for; None where the fact is unknown."""
    terms = facts.terms
    optional = {
        "governing_law": facts.governing_law,
        "courts": facts.courts,
        "availability": facts.availability,
        "service_credit": facts.service_credit,
        "support": facts.support,
        "incoterm": facts.incoterm,
        "delivery_place": facts.delivery_place,
        "warranty_period": facts.warranty_period,
        "spare_parts_period": facts.spare_parts_period,
        "buyer_email": facts.buyer.email,
        "vendor_email": facts.vendor.email,
    }
    dates = {
        "end": facts.last_day,
        "notice_deadline": facts.notice_deadline,
        "delivery_date": facts.delivery_date,
    }
    return {
        **{name: clean(text) if text and text.strip() else None for name, text in optional.items()},
        **{name: None if value is None else day(value) for name, value in dates.items()},
        "description": _sentence(facts.description),
        "number": clean(facts.number),
        "effective": day(facts.effective_date),
        "start": day(facts.first_day),
        "buyer": _described(facts.buyer),
        "vendor": _described(facts.vendor),
        "item": clean(facts.item),
        "unit": clean(facts.counted),
        "units": plural(clean(facts.counted), terms.quantity),
        "quantity": f"{terms.quantity:,}",
        "unit_price": show_price(terms.unit_price, terms.currency),
        "total": show(terms.total, terms.currency),
        "term_months": str(terms.term_months),
        "net_days": str(PAYMENT_DAYS[terms.payment_terms]),
        "billing": _BILLING[facts.billing or "once"] if facts.billing or not terms.term_months else None,
        "notice_days": None if facts.renewal_notice_days is None else str(facts.renewal_notice_days),
        "renewal_cap": None if facts.renewal_cap_percent is None else f"{facts.renewal_cap_percent:f}%",
        "milestones": None,
        "milestone_days": None,
        "liability_cap": clean(facts.liability_cap) if facts.liability_cap else _CAP,
    }


def flags(facts: ContractFacts) -> dict[str, bool]:
    """Return the conditions that clauses and paragraphs of the library may name."""
    terms, listed = facts.terms, lists(facts)
    has_term, prepaid = terms.term_months > 0, terms.payment_terms == "PREPAID"
    milestones = terms.payment_terms == "MILESTONES"
    return {
        "saas": facts.request_type == "saas",
        "goods": facts.request_type in ("hardware", "goods"),
        "services": facts.request_type == "services",
        "has_term": has_term,
        "auto_renew": facts.auto_renew and has_term,
        "capped": has_term and (facts.auto_renew or facts.renewal_cap_percent is not None),
        "price_hold": facts.price_hold and has_term,
        "prepaid_yearly": prepaid and has_term,
        "prepaid_once": prepaid and not has_term,
        "milestone_payment": milestones,
        "net": not prepaid and not milestones,
        "schedule": bool(facts.payment_schedule),
        "description": bool(facts.description and facts.description.strip()),
        "compliance": bool(facts.compliance),
        **{name: bool(items) for name, items in listed.items()},
    }


def lists(facts: ContractFacts) -> dict[str, tuple[str, ...]]:
    """Return the lists of facts that a paragraph may carry as items."""
    today = facts.effective_date
    lacking = [e for e in facts.compliance if not e.holds(today)]
    return {
        "must_haves": tuple(map(clean, facts.must_haves)),
        "value_adds": tuple(map(clean, facts.terms.value_adds)),
        "special_terms": tuple(map(clean, facts.special_terms)),
        "evidenced": tuple(_proof(e) for e in facts.compliance if e.holds(today)),
        "promised_evidence": tuple(_gap(e) for e in lacking if e.required),
        "unevidenced": tuple(_gap(e) for e in lacking if not e.required),
    }


def _described(party: PartyFacts) -> str:
    """Return the name with what identifies it in a register; nothing that is not known."""
    known = [clean(party.legal_name)]
    if party.registration_id:
        known.append(f"registered under number {clean(party.registration_id)}")
    if party.tax_id:
        known.append(f"tax number {clean(party.tax_id)}")
    return ", ".join(known)


def _sentence(text: str | None) -> str | None:
    said = clean(text or "")
    return f"{said}." if said and said[-1] not in ".!?" else said or None


def _proof(evidence: Evidence) -> str:
    what = "certificate" if evidence.status == "certified" else "audit report"
    until = f", valid until {day(evidence.valid_until)}" if evidence.valid_until else ""
    return f"{clean(evidence.framework)}: {what}, {clean(evidence.source or '')}{until}"


def _gap(evidence: Evidence) -> str:
    if evidence.status != "unknown" and evidence.source and evidence.valid_until:
        return f"{clean(evidence.framework)} (evidence lapsed on {day(evidence.valid_until)})"
    return clean(evidence.framework)
