"""Each side signs the stored document for itself; the second signature puts the contract in force."""

from datetime import datetime

from procur.audit.trail import record
from procur.contracts.certificate import TEMPLATE, Signature, certificate_paper
from procur.contracts.reading import vendor_of
from procur.core.actor import Actor
from procur.core.errors import Conflict, DecisionNeeded, InvalidInput, NotAllowed
from procur.db import Session
from procur.db.models import ContractRecord
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


def sign_contract(
    session: Session,
    actor: Actor,
    store: DocumentStore,
    contract: ContractRecord,
    *,
    side: str,
    now: datetime,
    despite_open_points: bool = False,
) -> ContractRecord:
    """Sign the stored document for one side, as oneself; the second signature makes the contract active.

    The document is read and its hash compared first, so that what is signed is what was drafted. A document
    that still has points to be completed is signed only by somebody who says so.
    """
    if side not in SIDES:
        raise InvalidInput("side is buyer or vendor", field="side")
    if actor.kind != "user" or actor.user_id is None:
        raise NotAllowed("only a person can sign")
    _may_sign(session, actor, contract, side)
    # Of two sides that sign at once the second one sees the first signature.
    request = RequestRepository(session).locked(contract.request_id)
    contracts = ContractRepository(session)
    contract = contracts.locked(contract.id)
    if contract.status != "pending_signature":
        raise Conflict(
            f"{contract.contract_id} is {contract.status}; there is nothing to sign", field="status"
        )
    if getattr(contract, f"signed_by_{side}"):
        raise Conflict(f"{contract.contract_id} is signed by the {side} already", field="side")
    open_points = contract.special_terms.get("open_points", [])
    if open_points and not despite_open_points:
        raise DecisionNeeded(
            f"{contract.contract_id} still has {len(open_points)} points to be completed",
            field="open_points",
            hint="draft it with --set FIELD=TEXT, or sign it as it is with --despite-open-points",
            details={"to be completed": list(open_points)},
        )
    if side == "buyer":
        # What binds the company is held to the mandate of this moment, which may be tighter, or have ended.
        offer = OfferRepository(session).get(contract.final_offer_id)
        hold_to_mandate(offer, mandate_in_force(session, request), now=now)
    store.get(contract.document_path or "", sha256=contract.document_hash)
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
    if contract.signed_by_buyer and contract.signed_by_vendor:
        contracts.update(
            contract.id,
            status="active",
            special_terms={**contract.special_terms, "certificate": _certify(session, store, contract)},
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


def _may_sign(session: Session, actor: Actor, contract: ContractRecord, side: str) -> None:
    """Each side signs for itself: the buyer's people never for the vendor, nor the other way round."""
    actor.require(f"contract.sign_for_{side}")
    if side == "vendor":
        vendor = VendorRepository(session).get(contract.vendor_id)
        if vendor_of(session, actor) != vendor.id:
            raise NotAllowed(f"{actor.name} does not sign for {vendor.name}")


def _certify(session: Session, store: DocumentStore, contract: ContractRecord) -> dict[str, str]:
    """Store the page that tells who signed and when; return its path and hash."""
    organization = OrganizationRepository(session).get(contract.organization_id)
    vendor = VendorRepository(session).get(contract.vendor_id)
    users = UserRepository(session)
    signatures = []
    for side, party in (("buyer", organization.name), ("vendor", vendor.name)):
        email, at = getattr(contract, f"{side}_signer_id"), getattr(contract, f"{side}_signature_date")
        person = users.get_by_email(email)
        name = person.full_name if person is not None and person.full_name else email
        signatures.append(Signature(side, party, name, email, at))
    paper = certificate_paper(
        contract.contract_id,
        document=contract.document_path or "",
        sha256=contract.document_hash or "",
        signatures=tuple(signatures),
    )
    rendered = render(TEMPLATE, paper, on=max(signature.at for signature in signatures).date())
    stored = store.put(f"{contract.contract_id}-signatures.pdf", rendered.pdf)
    return {"path": stored.path, "sha256": stored.sha256}
