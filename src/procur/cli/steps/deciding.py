"""Compare, award, approve; the approval policy."""

from typing import Any

from procur.approvals.policy import DEFAULT_POLICY
from procur.approvals.service import POLICY_NAME, activate_policy, may_decide
from procur.cli.steps.negotiating import economics_of
from procur.cli.workspace import Workspace
from procur.core.errors import InvalidInput
from procur.db.repositories import (
    ApprovalRepository,
    PolicyRepository,
    RequestRepository,
)
from procur.negotiation.award import decide_award, propose_award
from procur.negotiation.offers_compared import compare_offers


def compare_request(workspace: Workspace, request_id: str, *, horizon: int | None = None) -> dict[str, Any]:
    """Compare the final offers of a request."""
    with workspace.session() as session:
        workspace.actor(session, "negotiation.read")
        request = RequestRepository(session).named(request_id)
        compared = compare_offers(
            session, request, economics_of(session), now=workspace.clock.now(), horizon_months=horizon
        )
        told = compared.comparison.as_dict()
        for row in told["candidates"]:
            each = compared.offers[row["candidate"]]
            row["agreed"] = each.agreed
            row["offer_id"] = each.offer.offer_id
        return {"request_id": request_id, **told}


def award_request(
    workspace: Workspace, request_id: str, choice: str, *, reason: str | None = None
) -> dict[str, Any]:
    """Choose an offer and ask policy what that needs."""
    with workspace.session() as session:
        person = workspace.actor(session, "award.propose")
        requests = RequestRepository(session)
        # Locked from here: what is compared is what is awarded.
        request = requests.locked(requests.named(request_id).id)
        compared = compare_offers(session, request, economics_of(session), now=workspace.clock.now())
        award = propose_award(
            session,
            person,
            request,
            compared,
            choice=choice,
            now=workspace.clock.now(),
            sole_source_reason=reason,
        )
        return {
            "request_id": request_id,
            "choice": choice,
            "vendor_id": award.vendor.vendor_id,
            "vendor": award.vendor.name,
            "offer_id": award.offer.offer_id,
            "terms": award.offer.terms.as_dict(),
            "status": request.status,
            "decision": award.decision.as_dict(),
        }


def waiting_approvals(workspace: Workspace) -> dict[str, Any]:
    """Return what waits for this person's decision."""
    with workspace.session() as session:
        person = workspace.actor(session, "request.read")
        roles = [person.role] + (["approver"] if person.role == "owner" else [])
        repository = ApprovalRepository(session)
        found = repository.pending_for(roles=roles, person_id=person.user_id or "")
        rows = [
            row
            for row in found
            if may_decide(person, row, repository.for_subject(row.subject_type, row.subject_id))
        ]
        return {
            "person": person.id,
            "waiting": [
                {
                    "request_id": row.subject_id,
                    "step": row.step,
                    "role": row.required_role,
                    "amount": row.amount,
                    "currency": row.currency,
                    "why": row.policy_trace.get("reason"),
                }
                for row in rows
            ],
        }


def approve_request(
    workspace: Workspace, request_id: str, *, approve: bool, reason: str | None
) -> dict[str, Any]:
    """Approve or reject the next open step of a request as this person."""
    with workspace.session() as session:
        person = workspace.actor(session, "award.approve")
        request = RequestRepository(session).named(request_id)
        rows = decide_award(
            session, person, request, approve=approve, reason=reason, now=workspace.clock.now()
        )
        return {
            "request_id": request_id,
            "status": request.status,
            "decided_by": person.name,
            "approvals": [
                {"step": row.step, "role": row.required_role, "decision": row.decision} for row in rows
            ],
        }


def show_policy(workspace: Workspace) -> dict[str, Any]:
    """Return the policy in force: the organisation's own, or the packaged template."""
    with workspace.session() as session:
        workspace.actor(session, "policy.read")
        row = PolicyRepository(session).get_active_policy(POLICY_NAME)
        return dict(DEFAULT_POLICY) if row is None else {**row.policy_data, "version": row.version}


def set_policy(workspace: Workspace, data: Any) -> dict[str, Any]:
    """Check a policy and put it in force."""
    workspace.require("policy.write")
    if not isinstance(data, dict):
        raise InvalidInput("a policy is a JSON object", field="file")
    with workspace.session() as session:
        person = workspace.actor(session, "policy.write")
        policy = activate_policy(session, person, data, now=workspace.clock.now())
        return {
            "name": policy.name,
            "version": policy.version,
            "rules": len(policy.rules),
            "hash": policy.hash,
        }
