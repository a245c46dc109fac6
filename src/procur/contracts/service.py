"""Draft a contract from an approved award: planned, printed and recorded (see `printing`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from procur.audit.trail import record
from procur.contracts.contract_facts import ContractFacts
from procur.contracts.paper import TEMPLATE, ContractPaper, contract_paper
from procur.contracts.printing import OpenSession, Outdated, in_turn
from procur.contracts.schedules import payments
from procur.contracts.settled import contract_facts
from procur.core.actor import Actor
from procur.core.errors import Conflict, DecisionNeeded, InvalidInput
from procur.core.money import show
from procur.db import Session
from procur.db.models import ContractRecord, OfferRecord, RequestRecord, VendorProfileRecord
from procur.db.repositories import (
    ContractRepository,
    NumberRepository,
    OfferRepository,
    OrganizationRepository,
    RequestRepository,
    VendorRepository,
)
from procur.documents.render import render
from procur.documents.store import DocumentStore, StoredDocument
from procur.events.facts import ContractDrafted, ContractWithdrawn
from procur.identity.zones import today_of
from procur.negotiation.mandates import hold_to_mandate, mandate_in_force
from procur.vendors.vocabulary import Vocabulary

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


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which contract: of this request (its business id), from which day (None: that of drafting).

    `details` fill what the award does not settle (see DETAILS); what stays open is marked in the document and
    listed in `special_terms["open_points"]`, and keeps the contract from being signed by accident.
    """

    request_id: str
    start_date: date | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    special_terms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PrintedContract:
    """A stored document, and all that it was printed from."""

    facts: ContractFacts
    paper: ContractPaper
    template_version: str
    document: StoredDocument


@dataclass(frozen=True, slots=True)
class Draft:
    """A recorded draft and the paper it was rendered from."""

    row: ContractRecord
    paper: ContractPaper


def draft_contract(
    open_session: OpenSession,
    actor: Actor,
    store: DocumentStore,
    vocabulary: Vocabulary,
    wanted: Wanted,
    *,
    now: datetime,
) -> Draft:
    """Write the contract of an approved request, render it and store it with its SHA-256."""
    return in_turn(
        open_session,
        lambda session: plan_draft(session, actor, vocabulary, wanted, now=now),
        lambda facts: print_draft(store, facts),
        lambda session, printed: record_draft(session, actor, vocabulary, wanted, printed, now=now),
    )


def plan_draft(
    session: Session, actor: Actor, vocabulary: Vocabulary, wanted: Wanted, *, now: datetime
) -> ContractFacts:
    """Return what the contract will say if nothing changes until it is recorded."""
    actor.require("contract.draft")
    request = RequestRepository(session).named(wanted.request_id)
    _standing(session, request)
    number = NumberRepository(session).upcoming("CON", now.year)
    return _basis(session, vocabulary, request, wanted, number=number, now=now)[0]


def print_draft(store: DocumentStore, facts: ContractFacts) -> PrintedContract:
    """Render the contract and store it; the same facts give the same bytes, so a repeat stores the same."""
    paper = contract_paper(facts)
    rendered = render(TEMPLATE, paper.data, on=facts.effective_date)
    version = f"{rendered.template} {rendered.version}, clauses {paper.library_version}"
    return PrintedContract(facts, paper, version, store.put(f"{facts.number}.pdf", rendered.pdf))


def record_draft(
    session: Session,
    actor: Actor,
    vocabulary: Vocabulary,
    wanted: Wanted,
    printed: PrintedContract,
    *,
    now: datetime,
) -> Draft:
    """Write the contract's row; Outdated when it would say something else by now."""
    actor.require("contract.draft")
    requests = RequestRepository(session)
    request = requests.locked(requests.named(wanted.request_id).id)
    earlier = _standing(session, request)
    number = NumberRepository(session).next("CON", now.year)
    facts, offer, vendor = _basis(session, vocabulary, request, wanted, number=number, now=now)
    if facts != printed.facts:
        raise Outdated(
            f"what the contract of {request.request_id} says has changed while it was printed",
            hint="draft it again",
        )
    for row in earlier:
        withdraw_contract(session, actor, request, row, reason="set aside unsigned, for a new draft", now=now)
    terms, paper, stored = facts.terms, printed.paper, printed.document
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
        template_version=printed.template_version,
        status="pending_signature",
        value_adds=list(terms.value_adds),
        special_terms={
            "paragraphs": list(wanted.special_terms),
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


def _basis(
    session: Session,
    vocabulary: Vocabulary,
    request: RequestRecord,
    wanted: Wanted,
    *,
    number: str,
    now: datetime,
) -> tuple[ContractFacts, OfferRecord, VendorProfileRecord]:
    """Return what the contract says now, the awarded offer and its vendor."""
    offer = OfferRepository(session).get(request.awarded_offer_id)
    # The totals of the contract come from the stored offer, held to the mandate once more.
    hold_to_mandate(offer, mandate_in_force(session, request), now=now)
    vendor = VendorRepository(session).get(offer.vendor_id)
    today = today_of(OrganizationRepository(session).own(), now)
    facts = contract_facts(
        session,
        request,
        offer,
        vendor,
        vocabulary,
        number=number,
        on=today,
        start=wanted.start_date or today,
        details=_settled(wanted.details),
        special_terms=tuple(wanted.special_terms),
    )
    return facts, offer, vendor


def _settled(details: Mapping[str, str]) -> dict[str, Any]:
    if strange := sorted(set(details) - set(DETAILS)):
        raise InvalidInput(
            f"a contract has no detail {strange[0]!r}", field=strange[0], hint="one of: " + ", ".join(DETAILS)
        )
    settled: dict[str, Any] = dict(details)
    if "delivery_date" in settled:
        settled["delivery_date"] = _day(settled["delivery_date"])
    return settled


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(
            f"the delivery date is written like 2027-01-31, not {text!r}", field="delivery_date"
        ) from error


def _standing(session: Session, request: RequestRecord) -> list[ContractRecord]:
    """Return the unsigned drafts that a new one sets aside; refuse where none can be drafted."""
    if request.status != "approved" or request.awarded_offer_id is None:
        raise DecisionNeeded(
            f"{request.request_id} is {request.status}: a contract needs an approved award",
            field="status",
            hint=f"procur award {request.request_id}, then procur approve {request.request_id}",
        )
    standing = [
        row for row in ContractRepository(session).for_request(request.id) if row.status != "terminated"
    ]
    for row in standing:
        if row.signed_by_buyer or row.signed_by_vendor:
            raise Conflict(
                f"{request.request_id} has the contract {row.contract_id}, which is signed already",
                field="request_id",
            )
    return standing


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
