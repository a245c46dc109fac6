"""Choose an offer, ask policy what that needs, and take the approvers' decisions to the request."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from procur.approvals.policy import Decision
from procur.approvals.service import ask_for_approvals, decide, decide_by_policy
from procur.audit.trail import record
from procur.core.actor import Actor
from procur.core.errors import Conflict, DecisionNeeded, NotFound
from procur.core.money import show
from procur.db import Session
from procur.db.models import ApprovalRecord, OfferRecord, RequestRecord, VendorEvidence, VendorProfileRecord
from procur.db.repositories import (
    ContractRepository,
    NegotiationRepository,
    OfferRepository,
    RequestRepository,
    VendorRepository,
)
from procur.events.facts import AwardProposed
from procur.negotiation.mandates import hold_to_mandate, mandate_in_force
from procur.negotiation.offers_compared import Compared, open_offers
from procur.sourcing.budgets import budget_over
from procur.sourcing.service import move_request
from procur.vendors.catalogue import ACCEPTED_EVIDENCE

SUBJECT = "request"
PICKS = ("best_value", "lowest_cost", "lowest_risk")
RELATED_DAYS = 90


@dataclass(frozen=True, slots=True)
class Award:
    """The offer chosen, what policy decided, and the approvals that were asked for."""

    offer: OfferRecord
    vendor: VendorProfileRecord
    decision: Decision
    approvals: list[ApprovalRecord]


def propose_award(
    session: Session,
    actor: Actor,
    request: RequestRecord,
    compared: Compared,
    *,
    choice: str,
    now: datetime,
    sole_source_reason: str | None = None,
) -> Award:
    """Award to a pick (best_value, lowest_cost, lowest_risk) or a vendor's id; policy says what it needs.

    A decision that blocks (over budget, missing evidence, too few quotes) raises DecisionNeeded and changes
    nothing. The offer is held to the mandate in this transaction, by us and by the database.
    """
    actor.require("award.propose")
    request = RequestRepository(session).locked(request.id)
    if request.status not in {"negotiating", "rejected"}:
        raise Conflict(
            f"{request.request_id} is {request.status}; only a negotiated request can be awarded",
            field="status",
        )
    offer = _chosen(compared, choice)
    vendor = VendorRepository(session).get(offer.vendor_id)
    terms = offer.terms
    mandate = mandate_in_force(session, request)
    hold_to_mandate(offer, mandate, now=now)
    decision = decide_by_policy(session, _facts(session, request, offer, sole_source_reason, now=now))
    if decision.outcome == "blocked":
        raise DecisionNeeded(
            f"policy blocks the award to {vendor.name}: {'; '.join(decision.blocks)}",
            field="policy",
            hint=_way_out(decision, vendor),
            details={"block": list(decision.blocks)},
        )
    if not offer.accepted:
        OfferRepository(session).accept(offer.id, mandate_id=mandate.id, accepted_at=now)
    if request.status == "rejected":
        move_request(session, actor, request, "negotiating", now=now, reason="awarded again")
    approvals = ask_for_approvals(
        session,
        decision,
        subject_type=SUBJECT,
        subject_id=request.request_id,
        requester_id=request.user_id,
        proposer=actor,
        amount=terms.total,
        currency=terms.currency,
    )
    record(
        session,
        actor,
        AwardProposed(
            request_id=request.request_id,
            offer_id=offer.offer_id,
            outcome=decision.outcome,
            total=terms.total,
            currency=terms.currency,
        ),
        now=now,
        description=f"Award of {request.request_id} to {vendor.name} proposed: "
        f"{show(terms.total, terms.currency)}; policy: {decision.outcome.replace('_', ' ')}",
        category="compliance",
    )
    RequestRepository(session).award(request.id, offer.id)
    move_request(session, actor, request, "awaiting_approval" if approvals else "approved", now=now)
    return Award(offer, vendor, decision, approvals)


def decide_award(
    session: Session,
    actor: Actor,
    request: RequestRecord,
    *,
    approve: bool,
    reason: str | None,
    now: datetime,
) -> list[ApprovalRecord]:
    """Decide the next open step as this person; the last approval approves, any rejection ends it."""
    actor.require("award.approve")
    # Locked, so that of two approvers who decide at once the second one sees that nothing else is open.
    request = RequestRepository(session).locked(request.id)
    if request.status != "awaiting_approval":
        raise NotFound(
            f"{request.request_id} does not wait for approval (it is {request.status})", field="status"
        )
    if not approve and not reason:
        raise DecisionNeeded("a rejection needs a reason", field="reason", hint="--reason …")
    rows = decide(
        session,
        actor,
        subject_type=SUBJECT,
        subject_id=request.request_id,
        approve=approve,
        reason=reason,
        now=now,
    )
    if not approve:
        move_request(session, actor, request, "rejected", now=now, reason=reason, awarded_offer_id=None)
    elif all(row.decision == "approved" for row in rows):
        move_request(session, actor, request, "approved", now=now, approved_at=now, approved_by=actor.user_id)
    return rows


def _chosen(compared: Compared, choice: str) -> OfferRecord:
    """Return the stored offer that a pick or a vendor id names."""
    picked = compared.comparison.pick(choice)
    if picked is not None:
        return compared.offers[picked.key].offer
    for key, each in compared.offers.items():
        if choice in {key, key.partition("/")[0]}:
            return each.offer
    if choice in PICKS:
        raise DecisionNeeded(
            compared.comparison.reason or "no offer can be picked",
            field="choice",
            hint="procur compare says what each offer lacks; procur vendors evidence records what was seen",
        )
    names = [*PICKS, *(key.partition("/")[0] for key in compared.offers)]
    raise NotFound(
        f"there is no pick or vendor {choice!r}", field="choice", hint="one of: " + ", ".join(names)
    )


def _facts(
    session: Session,
    request: RequestRecord,
    offer: OfferRecord,
    sole_source_reason: str | None,
    *,
    now: datetime,
) -> dict[str, object]:
    """Return what is known about the award, for the policy; None stays unknown."""
    terms = offer.terms
    vendor = VendorRepository(session).get(offer.vendor_id)
    months = terms.term_months
    budget = budget_over(request, months)
    evidence = VendorRepository(session).evidence_for([vendor.id])[vendor.id]
    held = {row.framework for row in evidence if _proves(row, now)}
    talks = NegotiationRepository(session).get(offer.negotiation_session_id)
    unknown = talks.buyer_state["unknown"]
    return {
        "currency": terms.currency,
        "total": terms.total,
        "yearly_total": terms.yearly,
        "budget_total": budget,
        "unit_price": terms.unit_price,
        "quantity": terms.quantity,
        "term_months": months,
        "payment_terms": terms.payment_terms,
        "quotes_received": len(open_offers(session, request, now=now)),
        "sole_source_reason": sole_source_reason,
        "new_vendor": not ContractRepository(session).for_vendor(vendor.id),
        "vendor_id": vendor.vendor_id,
        "request_type": request.request_type,
        "category": request.category,
        "department": request.department,
        "holds_company_data": True if request.request_type == "saas" else None,
        "required_frameworks": tuple(request.compliance_requirements),
        "evidence_held": tuple(sorted(held)),
        "unknown_requirements": tuple(sorted(label for key, label in unknown.items() if key not in held)),
        "total_with_related": terms.total + _recent_total(session, vendor, terms.currency, now),
        "decided_on": now.date(),
    }


def _recent_total(session: Session, vendor: VendorProfileRecord, currency: str, now: datetime) -> Decimal:
    """Return what was contracted with the vendor in the last 90 days: purchases must not be split."""
    since = now - timedelta(days=RELATED_DAYS)
    recent = [
        row.total_value
        for row in ContractRepository(session).for_vendor(vendor.id)
        if row.status != "terminated" and row.currency == currency and row.created_at >= since
    ]
    return sum(recent, Decimal(0))


def _proves(row: VendorEvidence, now: datetime) -> bool:
    return row.kind in ACCEPTED_EVIDENCE and (row.valid_until is None or row.valid_until >= now.date())


def _way_out(decision: Decision, vendor: VendorProfileRecord) -> str:
    if any(block.startswith("the policy counts in") for block in decision.blocks):
        return "procur policy show > policy.json; set its currency and amounts; procur policy set policy.json"
    if decision.missing_evidence:
        framework = decision.missing_evidence[0]
        return (
            f"procur vendors evidence {vendor.vendor_id} --framework {framework} --kind report "
            "--source … once somebody has seen it"
        )
    return "procur policy show; procur award --sole-source-reason … documents why there are fewer quotes"
