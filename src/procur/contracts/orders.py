"""Issue the purchase order of an active contract: UBL 2.1 with its checks, a PDF, rows (see `printing`)."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from procur.audit.trail import record
from procur.contracts.order_facts import OrderContact, OrderFacts, OrderParty, line_from_terms
from procur.contracts.order_paper import TEMPLATE, order_paper
from procur.contracts.order_rules import validate_order
from procur.contracts.printing import OpenSession, Outdated, in_turn
from procur.contracts.ubl import order_xml
from procur.core.actor import Actor
from procur.core.deal import Terms
from procur.core.errors import Conflict, DecisionNeeded, InvalidInput
from procur.core.money import show
from procur.db import Session
from procur.db.models import ContractRecord, Organization, PurchaseOrderRecord, VendorProfileRecord
from procur.db.repositories import (
    ContractRepository,
    NegotiationRepository,
    NumberRepository,
    OfferRepository,
    OrganizationRepository,
    PurchaseOrderRepository,
    VendorRepository,
)
from procur.documents.render import render
from procur.documents.store import DocumentStore, StoredDocument
from procur.events.facts import PurchaseOrderIssued
from procur.identity.zones import today_of

# "EM": the electronic address is an e-mail address (EAS code list).
E_MAIL = "EM"


@dataclass(frozen=True, slots=True)
class PrintedOrder:
    """An order as stored: what it says, its UBL and the same on paper."""

    facts: OrderFacts
    xml: StoredDocument
    paper: StoredDocument


def issue_order(
    open_session: OpenSession,
    actor: Actor,
    store: DocumentStore,
    contract_id: UUID,
    *,
    now: datetime,
    note: str | None = None,
) -> PurchaseOrderRecord:
    """Order what an active contract grants. An order that breaks a rule is not issued."""
    return in_turn(
        open_session,
        lambda session: plan_order(session, actor, contract_id, now=now, note=note),
        lambda facts: print_order(store, facts),
        lambda session, printed: record_order(session, actor, contract_id, printed, now=now, note=note),
    )


def plan_order(
    session: Session, actor: Actor, contract_id: UUID, *, now: datetime, note: str | None = None
) -> OrderFacts:
    """Return what the order will say if nothing changes until it is recorded."""
    actor.require("order.issue")
    contract = ContractRepository(session).get(contract_id)
    _check(contract)
    number = NumberRepository(session).upcoming("PO", now.year)
    return _facts(session, contract, number=number, on=_today(session, now), note=note)


def _today(session: Session, now: datetime) -> date:
    return today_of(OrganizationRepository(session).own(), now)


def print_order(store: DocumentStore, facts: OrderFacts) -> PrintedOrder:
    """Write the order as UBL, check it, and store it beside the same facts on paper."""
    xml = order_xml(facts)
    report = validate_order(xml)
    if not report.ok:
        raise InvalidInput(
            f"the order {facts.id} breaks the rules of its format and was not issued",
            field="order",
            details={"rule": [*report.xsd_errors, *(f"{v.rule}: {v.message}" for v in report.fatal)]},
        )
    # For vendors that read no UBL: the same facts on paper.
    paper = render(TEMPLATE, order_paper(facts), on=facts.issue_date)
    return PrintedOrder(facts, store.put(f"{facts.id}.xml", xml), store.put(f"{facts.id}.pdf", paper.pdf))


def record_order(
    session: Session,
    actor: Actor,
    contract_id: UUID,
    printed: PrintedOrder,
    *,
    now: datetime,
    note: str | None = None,
) -> PurchaseOrderRecord:
    """Write the order's rows; Outdated when it would say something else by now."""
    actor.require("order.issue")
    contract = ContractRepository(session).locked(contract_id)
    _check(contract)
    number = NumberRepository(session).next("PO", now.year)
    facts = _facts(session, contract, number=number, on=_today(session, now), note=note)
    if facts != printed.facts:
        raise Outdated(f"what {number} says has changed while it was printed", hint="issue it again")
    vendor = VendorRepository(session).get(contract.vendor_id)
    totals, line = facts.totals(), facts.lines[0]
    row = PurchaseOrderRepository(session).create(
        po_number=number,
        contract_id=contract.id,
        vendor_id=vendor.id,
        status="issued",
        issue_date=facts.issue_date,
        currency=facts.currency,
        line_total=totals.lines,
        tax_total=totals.tax or Decimal(0),
        payable=totals.payable,
        xml_path=printed.xml.path,
        xml_hash=printed.xml.sha256,
        document_path=printed.paper.path,
        document_hash=printed.paper.sha256,
        lines=[
            {
                "item_name": line.name,
                "description": line.description,
                "quantity": line.quantity,
                "unit_code": line.unit_code,
                "unit_price": line.unit_price,
                "line_total": line.net,
            }
        ],
    )
    ContractRepository(session).update(contract.id, purchase_order_id=number)
    record(
        session,
        actor,
        PurchaseOrderIssued(
            po_number=number,
            contract_id=contract.contract_id,
            payable=totals.payable,
            currency=facts.currency,
            xml_hash=printed.xml.sha256,
        ),
        now=now,
        description=f"{number} issued to {vendor.name}: {show(totals.payable, facts.currency)}",
        correlation_id=contract.contract_id,
    )
    return row


def _check(contract: ContractRecord) -> None:
    if contract.status != "active":
        raise DecisionNeeded(
            f"{contract.contract_id} is {contract.status}: an order needs a contract signed by both sides",
            field="status",
            hint=f"procur contract sign {contract.contract_id} --for buyer --as …, and --for vendor --as …",
        )
    if contract.purchase_order_id:
        raise Conflict(
            f"{contract.contract_id} has the order {contract.purchase_order_id} already", field="contract_id"
        )


def _facts(
    session: Session, contract: ContractRecord, *, number: str, on: date, note: str | None
) -> OrderFacts:
    """Return what the order says, from stored rows."""
    vendor = VendorRepository(session).get(contract.vendor_id)
    return OrderFacts(
        id=number,
        issue_date=on,
        currency=contract.currency,
        buyer=_buyer(OrganizationRepository(session).get(contract.organization_id)),
        seller=_seller(vendor),
        lines=(
            line_from_terms(
                _terms(contract),
                name=_item(session, contract, vendor),
                unit="user" if contract.term_months else "unit",
            ),
        ),
        note=note,
        contract_reference=contract.contract_id,
        # A one-off purchase has no period of service, and its delivery date is nobody's to invent.
        delivery_from=contract.start_date if contract.term_months else None,
        delivery_until=contract.end_date,
        payment_terms=contract.payment_terms,
    )


def _terms(contract: ContractRecord) -> Terms:
    return Terms(
        contract.unit_price,
        contract.quantity,
        contract.term_months,
        contract.payment_terms,
        contract.currency,
        tuple(contract.value_adds),
    )


def _item(session: Session, contract: ContractRecord, vendor: VendorProfileRecord) -> str:
    offer = OfferRepository(session).get(contract.final_offer_id)
    talks = NegotiationRepository(session).get(offer.negotiation_session_id)
    return f"{vendor.name} {talks.plan}" if talks.plan else vendor.name


def _seller(vendor: VendorProfileRecord) -> OrderParty:
    """Return the vendor as the order names it; its address and country are never made up."""
    missing = [name for name in ("contact_email", "country") if not getattr(vendor, name)]
    if missing:
        raise DecisionNeeded(
            f"{vendor.name} has no {' and no '.join(missing)} on record, so no order can be addressed to it",
            field=missing[0],
            hint=f"procur vendors change {vendor.vendor_id} --email orders@… --country XX",
        )
    return OrderParty(
        legal_name=vendor.name,
        endpoint_id=vendor.contact_email or "",
        endpoint_scheme=E_MAIL,
        country=vendor.country or "",
        address_lines=tuple(vendor.vendor_metadata.get("address", ())),
        **_tax_number(vendor.tax_id, vendor.country or ""),
    )


def _tax_number(tax_id: str | None, country: str) -> dict[str, Any]:
    """Return a number as VAT registration if it begins with its country, else as plain registration."""
    if not tax_id:
        return {}
    prefixes = {country.upper(), "EL" if country.upper() == "GR" else country.upper()}
    return {"tax_id" if tax_id[:2].upper() in prefixes else "registration_id": tax_id}


def _buyer(organization: Organization) -> OrderParty:
    missing = [name for name in ("billing_email", "country") if not getattr(organization, name)]
    if missing:
        raise DecisionNeeded(
            f"{organization.name} has no {' and no '.join(missing)} on record",
            field=missing[0],
            hint="procur init --billing-email … --country XX",
        )
    company = organization.settings.get("company", {})
    return OrderParty(
        legal_name=organization.name,
        endpoint_id=organization.billing_email or "",
        endpoint_scheme=E_MAIL,
        country=organization.country or "",
        address_lines=tuple(company.get("address", ())),
        **_tax_number(company.get("tax_id"), organization.country or ""),
        contact=OrderContact(email=organization.billing_email),
    )
