"""Draft a contract from an approved award."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from procur.audit.trail import record
from procur.contracts.contract_facts import Billing, ContractFacts, Evidence, PartyFacts
from procur.contracts.paper import TEMPLATE, ContractPaper, contract_paper
from procur.contracts.schedules import payments
from procur.core.actor import Actor
from procur.core.errors import Conflict, DecisionNeeded, InvalidInput
from procur.core.finance import add_months
from procur.core.money import show
from procur.db import Session
from procur.db.models import (
    ContractRecord,
    OfferRecord,
    Organization,
    RequestRecord,
    VendorEvidence,
    VendorProfileRecord,
)
from procur.db.repositories import (
    ContractRepository,
    NegotiationRepository,
    NumberRepository,
    OfferRepository,
    OrganizationRepository,
    RequestRepository,
    VendorRepository,
)
from procur.documents.render import render
from procur.documents.store import DocumentStore
from procur.events.facts import ContractDrafted, ContractWithdrawn
from procur.negotiation.briefs import Economics
from procur.negotiation.mandates import hold_to_mandate, mandate_in_force
from procur.negotiation.wording import extra_label
from procur.vendors.catalogue import ACCEPTED_EVIDENCE
from procur.vendors.vocabulary import Vocabulary

NOTICE_DAYS = 60
# What a person may settle when drafting, beside the award: fields of ContractFacts.
DETAILS = (
    "delivery_date",
    "governing_law",
    "courts",
    "availability",
    "service_credit",
    "support",
    "incoterm",
    "delivery_place",
    "warranty_period",
    "spare_parts_period",
    "liability_cap",
)
_BILLING: dict[str, Billing] = {"monthly": "monthly", "quarterly": "quarterly", "annual": "yearly"}


@dataclass(frozen=True, slots=True)
class Draft:
    """A stored draft and the paper it was rendered from."""

    row: ContractRecord
    paper: ContractPaper


def draft_contract(
    session: Session,
    actor: Actor,
    store: DocumentStore,
    vocabulary: Vocabulary,
    request: RequestRecord,
    *,
    now: datetime,
    start_date: date | None = None,
    details: Mapping[str, str] | None = None,
    special_terms: Sequence[str] = (),
) -> Draft:
    """Write the contract of an approved request, render it and store it with its SHA-256.

    `details` fill what the award does not settle (see DETAILS); what stays open is marked in the document and
    listed in `special_terms["open_points"]`, and keeps the contract from being signed by accident.
    """
    actor.require("contract.draft")
    settled: dict[str, Any] = dict(details or {})
    if "delivery_date" in settled:
        settled["delivery_date"] = _day(settled["delivery_date"])
    if strange := sorted(set(details or {}) - set(DETAILS)):
        raise InvalidInput(
            f"a contract has no detail {strange[0]!r}", field=strange[0], hint="one of: " + ", ".join(DETAILS)
        )
    request = RequestRepository(session).locked(request.id)
    if request.status != "approved" or request.awarded_offer_id is None:
        raise DecisionNeeded(
            f"{request.request_id} is {request.status}: a contract needs an approved award",
            field="status",
            hint=f"procur award {request.request_id}, then procur approve {request.request_id}",
        )
    _set_aside(session, actor, request, now=now)
    offer = OfferRepository(session).get(request.awarded_offer_id)
    # The totals of the contract come from the stored offer, held to the mandate once more.
    hold_to_mandate(offer, mandate_in_force(session, request), now=now)
    vendor = VendorRepository(session).get(offer.vendor_id)
    number = NumberRepository(session).next("CON", now.year)
    start = start_date or now.date()
    facts = _facts(
        session, request, offer, vendor, vocabulary, number=number, on=now.date(), start=start,
        details=settled, special_terms=tuple(special_terms),
    )  # fmt: skip
    paper = contract_paper(facts)
    rendered = render(TEMPLATE, paper.data, on=now.date())
    stored = store.put(f"{number}.pdf", rendered.pdf)
    terms = facts.terms
    row = ContractRepository(session).create(
        contract_id=number,
        request_id=request.id,
        vendor_id=vendor.id,
        final_offer_id=offer.id,
        unit_price=terms.unit_price,
        quantity=terms.quantity,
        term_months=terms.term_months,
        payment_terms=terms.payment_terms,
        total_value=terms.total,
        currency=terms.currency,
        start_date=facts.first_day,
        end_date=facts.last_day,
        renewal_date=None if facts.last_day is None else facts.last_day + timedelta(days=1),
        renewal_notice_days=facts.renewal_notice_days,
        auto_renew=facts.auto_renew,
        document_path=stored.path,
        document_hash=stored.sha256,
        template_version=f"{rendered.template} {rendered.version}, clauses {paper.library_version}",
        status="pending_signature",
        value_adds=list(terms.value_adds),
        special_terms={
            "paragraphs": list(special_terms),
            "open_points": [point.what for point in paper.open_points],
        },
        payment_schedule=[
            {"label": part.label, "due": str(part.due), "amount": str(part.amount)}
            for part in payments(facts)
        ],
    )
    record(
        session,
        actor,
        ContractDrafted(
            contract_id=number,
            request_id=request.request_id,
            document_hash=stored.sha256,
            total=terms.total,
            currency=terms.currency,
        ),
        now=now,
        description=f"{number} drafted with {vendor.name}: {show(terms.total, terms.currency)}, "
        f"document {stored.path}",
        correlation_id=request.request_id,
    )
    return Draft(row, paper)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(
            f"the delivery date is written like 2027-01-31, not {text!r}", field="delivery_date"
        ) from error


def _set_aside(session: Session, actor: Actor, request: RequestRecord, *, now: datetime) -> None:
    """End an earlier draft that nobody has signed; one with a signature stands."""
    contracts = ContractRepository(session)
    for row in contracts.for_request(request.id):
        if row.status == "terminated":
            continue
        if row.signed_by_buyer or row.signed_by_vendor:
            raise Conflict(
                f"{request.request_id} has the contract {row.contract_id}, which is signed already",
                field="request_id",
            )
        withdraw_contract(session, actor, request, row, reason="set aside unsigned, for a new draft", now=now)


def withdraw_contract(
    session: Session, actor: Actor, request: RequestRecord, row: ContractRecord, *, reason: str, now: datetime
) -> None:
    """End a contract that is not in force; the signature that one side may have given stays on record."""
    ContractRepository(session).advance(
        row.id, expected={"status": ["draft", "pending_signature"]}, status="terminated"
    )
    record(
        session,
        actor,
        ContractWithdrawn(contract_id=row.contract_id, request_id=request.request_id, reason=reason),
        now=now,
        description=f"{row.contract_id} was withdrawn: {reason}",
        correlation_id=request.request_id,
    )


def _facts(
    session: Session,
    request: RequestRecord,
    offer: OfferRecord,
    vendor: VendorProfileRecord,
    vocabulary: Vocabulary,
    *,
    number: str,
    on: date,
    start: date,
    details: Mapping[str, Any],
    special_terms: tuple[str, ...],
) -> ContractFacts:
    """Return what the contract says, from stored rows; what nobody has recorded stays None."""
    terms = offer.terms
    organization = OrganizationRepository(session).get(request.organization_id)
    talks = NegotiationRepository(session).get(offer.negotiation_session_id)
    recurring = bool(terms.term_months)
    end = add_months(start, terms.term_months) - timedelta(days=1) if recurring else None
    features = {key: feature.label for key, feature in vocabulary.features.items()}
    return ContractFacts(
        number=number,
        effective_date=on,
        buyer=buyer_party(organization),
        vendor=PartyFacts(
            legal_name=vendor.name,
            address_lines=tuple(vendor.vendor_metadata.get("address", ())),
            country=vendor.country,
            tax_id=vendor.tax_id,
            email=vendor.contact_email,
        ),
        request_type=request.request_type,  # type: ignore[arg-type]  # a CHECK holds the four values
        item=_item(vendor, talks.plan, request),
        # Never the request's own words: they hold the budget, and the vendor reads this.
        description=_what(request, vocabulary),
        terms=replace(terms, value_adds=tuple(extra_label(name) for name in terms.value_adds)),
        start_date=start,
        end_date=end,
        auto_renew=False,
        renewal_notice_days=NOTICE_DAYS if recurring else None,
        price_hold="price_hold" in terms.value_adds,
        must_haves=tuple(features.get(key, key) for key in request.must_haves),
        compliance=_compliance(session, request, vendor, vocabulary),
        billing=_BILLING[Economics.from_settings(organization.settings).billing] if recurring else "once",
        special_terms=special_terms,
        **details,
    )


def _item(vendor: VendorProfileRecord, plan: str | None, request: RequestRecord) -> str:
    """Return what is bought: a plan of a service, or a model of a thing."""
    if not plan:
        return vendor.name
    return f"{vendor.name}, plan {plan}" if request.request_type == "saas" else f"{vendor.name} {plan}"


def _what(request: RequestRecord, vocabulary: Vocabulary) -> str:
    """Return what is bought, by category."""
    keys = [request.category or "", *request.specs.get("also_wanted", ())]
    labels = [vocabulary.categories[key].label if key in vocabulary.categories else key for key in keys]
    return ", ".join(label for label in labels if label)


def buyer_party(organization: Organization) -> PartyFacts:
    """Return the buying organisation as a party, from what its settings say."""
    told = organization.settings.get("company", {})
    return PartyFacts(
        legal_name=organization.name,
        address_lines=tuple(told.get("address", ())),
        country=organization.country,
        registration_id=told.get("registration_id"),
        tax_id=told.get("tax_id"),
        email=organization.billing_email,
    )


def _compliance(
    session: Session, request: RequestRecord, vendor: VendorProfileRecord, vocabulary: Vocabulary
) -> tuple[Evidence, ...]:
    """Return each framework asked for with its best stored proof; a claim proves nothing."""
    rows = VendorRepository(session).evidence_for([vendor.id]).get(vendor.id, ())
    wanted = [(key, True) for key in request.compliance_requirements]
    wanted += [(key, False) for key in request.specs.get("compliance_preferred", ())]
    found = []
    for key, required in wanted:
        label = vocabulary.frameworks[key].label if key in vocabulary.frameworks else key
        proofs = [row for row in rows if row.framework == key and row.kind in ACCEPTED_EVIDENCE]
        if proofs:
            best = min(proofs, key=_strength)
            status = "certified" if best.kind == "certified" else "report"
            found.append(
                Evidence(label, status, best.source, best.valid_until, required=required)  # type: ignore[arg-type]
            )
        else:
            found.append(Evidence(label, required=required))
    return tuple(found)


def _strength(row: VendorEvidence) -> tuple[int, int]:
    until = row.valid_until or date.max
    return (ACCEPTED_EVIDENCE.index(row.kind), -until.toordinal())
