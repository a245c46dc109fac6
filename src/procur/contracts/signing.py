"""Each side signs the stored document for itself; the second signature puts the contract in force."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from procur.audit.trail import record
from procur.contracts.certificate import TEMPLATE, Signature, certificate_paper
from procur.contracts.printing import OpenSession, Outdated, in_turn
from procur.contracts.reading import vendor_of
from procur.core.actor import Actor
from procur.core.errors import Conflict, DecisionNeeded, InvalidInput, NotAllowed
from procur.db import Session
from procur.db.models import ContractRecord, RequestRecord
from procur.db.repositories import (
    ContractRepository,
    OfferRepository,
    OrganizationRepository,
    RequestRepository,
    UserRepository,
    VendorRepository,
)
from procur.documents.render import render
from procur.documents.store import DocumentStore
from procur.events.facts import ContractActivated, ContractSigned
from procur.negotiation.mandates import hold_to_mandate, mandate_in_force
from procur.sourcing.service import move_request

SIDES = ("buyer", "vendor")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which contract a person signs, for which side, and whether they do so with points still open."""

    contract_id: UUID
    side: str
    despite_open_points: bool = False


@dataclass(frozen=True, slots=True)
class SignaturePlan:
    """The document that is signed, and the certificate that the second signature makes (None: the first)."""

    number: str
    path: str
    sha256: str | None
    paper: dict[str, Any] | None
    on: date


@dataclass(frozen=True, slots=True)
class PrintedSignature:
    """What was planned, with the stored certificate's path and hash."""

    plan: SignaturePlan
    certificate: dict[str, str] | None


def sign_contract(
    open_session: OpenSession, actor: Actor, store: DocumentStore, wanted: Wanted, *, now: datetime
) -> ContractRecord:
    """Sign the stored document for one side, as oneself; the second signature makes the contract active.

    The document is read and its hash compared first, so that what is signed is what was drafted. A document
    that still has points to be completed is signed only by somebody who says so.
    """
    return in_turn(
        open_session,
        lambda session: plan_signature(session, actor, wanted, now=now),
        lambda plan: print_signature(store, plan),
        lambda session, printed: record_signature(session, actor, wanted, printed, now=now),
    )


def plan_signature(session: Session, actor: Actor, wanted: Wanted, *, now: datetime) -> SignaturePlan:
    """Return what is signed, after every look at whether it may be."""
    contract = ContractRepository(session).get(wanted.contract_id)
    _may_sign(session, actor, contract, wanted.side)
    request = RequestRepository(session).get(contract.request_id)
    _check(session, request, contract, wanted, now=now)
    return _plan(session, actor, contract, wanted.side, now)


def print_signature(store: DocumentStore, plan: SignaturePlan) -> PrintedSignature:
    """Compare the document with its hash, and store the page that tells who signed and when."""
    store.get(plan.path, sha256=plan.sha256)
    if plan.paper is None:
        return PrintedSignature(plan, None)
    rendered = render(TEMPLATE, plan.paper, on=plan.on)
    stored = store.put(f"{plan.number}-signatures.pdf", rendered.pdf)
    return PrintedSignature(plan, {"path": stored.path, "sha256": stored.sha256})


def record_signature(
    session: Session, actor: Actor, wanted: Wanted, printed: PrintedSignature, *, now: datetime
) -> ContractRecord:
    """Write the signature; Outdated when the other side has signed since it was planned."""
    contracts, side = ContractRepository(session), wanted.side
    contract = contracts.get(wanted.contract_id)
    _may_sign(session, actor, contract, side)
    # Of two sides that sign at once the second one sees the first signature.
    request = RequestRepository(session).locked(contract.request_id)
    contract = contracts.locked(contract.id)
    _check(session, request, contract, wanted, now=now)
    if _plan(session, actor, contract, side, now) != printed.plan:
        raise Outdated(f"{contract.contract_id} has changed while it was signed", hint="sign it again")
    contracts.update(
        contract.id,
        **{
            f"signed_by_{side}": True,
            f"{side}_signature_date": now,
            f"{side}_signer_id": actor.id,
        },
    )
    record(
        session,
        actor,
        ContractSigned(
            contract_id=contract.contract_id,
            side=side,
            signer=actor.id,
            document_hash=contract.document_hash or "",
        ),
        now=now,
        description=f"{actor.name} signed {contract.contract_id} for the {side}",
        category="compliance",
    )
    if printed.certificate is not None:
        contracts.update(
            contract.id,
            status="active",
            special_terms={**contract.special_terms, "certificate": printed.certificate},
        )
        record(
            session,
            actor,
            ContractActivated(contract_id=contract.contract_id),
            now=now,
            description=f"{contract.contract_id} is in force: both sides have signed",
        )
        move_request(session, actor, request, "contracted", now=now)
    return contract


def _check(
    session: Session, request: RequestRecord, contract: ContractRecord, wanted: Wanted, *, now: datetime
) -> None:
    """Refuse what cannot be signed, or not like this."""
    if contract.status != "pending_signature":
        raise Conflict(
            f"{contract.contract_id} is {contract.status}; there is nothing to sign", field="status"
        )
    if getattr(contract, f"signed_by_{wanted.side}"):
        raise Conflict(f"{contract.contract_id} is signed by the {wanted.side} already", field="side")
    open_points = contract.special_terms.get("open_points", [])
    if open_points and not wanted.despite_open_points:
        raise DecisionNeeded(
            f"{contract.contract_id} still has {len(open_points)} points to be completed",
            field="open_points",
            hint="draft it with --set FIELD=TEXT, or sign it as it is with --despite-open-points",
            details={"to be completed": list(open_points)},
        )
    if wanted.side == "buyer":
        # What binds the company is held to the mandate of this moment, which may be tighter, or have ended.
        offer = OfferRepository(session).get(contract.final_offer_id)
        hold_to_mandate(offer, mandate_in_force(session, request), now=now)


def _may_sign(session: Session, actor: Actor, contract: ContractRecord, side: str) -> None:
    """Each side signs for itself: the buyer's people never for the vendor, nor the other way round."""
    if side not in SIDES:
        raise InvalidInput("side is buyer or vendor", field="side")
    if actor.kind != "user" or actor.user_id is None:
        raise NotAllowed("only a person can sign")
    actor.require(f"contract.sign_for_{side}")
    if side == "vendor":
        vendor = VendorRepository(session).get(contract.vendor_id)
        if vendor_of(session, actor) != vendor.id:
            raise NotAllowed(f"{actor.name} does not sign for {vendor.name}")


def _plan(
    session: Session, actor: Actor, contract: ContractRecord, side: str, now: datetime
) -> SignaturePlan:
    """Return the document that is signed and, with this second signature, the certificate as data."""
    path, sha256 = contract.document_path or "", contract.document_hash
    other = "vendor" if side == "buyer" else "buyer"
    if not getattr(contract, f"signed_by_{other}"):
        return SignaturePlan(contract.contract_id, path, sha256, None, now.date())
    organization = OrganizationRepository(session).get(contract.organization_id)
    parties = {"buyer": organization.name, "vendor": VendorRepository(session).get(contract.vendor_id).name}
    signed: dict[str, tuple[str, datetime]] = {
        side: (actor.id, now),
        other: (
            getattr(contract, f"{other}_signer_id"),
            getattr(contract, f"{other}_signature_date"),
        ),
    }
    users, signatures = UserRepository(session), []
    for each in SIDES:
        email, at = signed[each]
        person = users.get_by_email(email)
        name = person.full_name if person is not None and person.full_name else email
        signatures.append(Signature(each, parties[each], name, email, at))
    paper = certificate_paper(
        contract.contract_id, document=path, sha256=sha256 or "", signatures=tuple(signatures)
    )
    on = max(signature.at for signature in signatures).date()
    return SignaturePlan(contract.contract_id, path, sha256, paper, on)
