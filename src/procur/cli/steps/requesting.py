"""Requests: open, show, list, match."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from procur.cli.steps.limits import mandate_dict
from procur.cli.steps.setting_up import vocabulary_of
from procur.cli.workspace import Workspace
from procur.contracts import cancelling
from procur.db.models import RequestRecord
from procur.db.repositories import (
    ApprovalRepository,
    MandateRepository,
    NegotiationRepository,
    OfferRepository,
    RequestRepository,
    UserRepository,
    VendorRepository,
)
from procur.sourcing.assist import assist
from procur.sourcing.intake import Intake, read_request
from procur.sourcing.service import demand_complete, need_of, open_request, shortlist
from procur.vendors.matching import Match, Matching, Need

Ask = Callable[[Intake], Intake]


def new_request(
    workspace: Workspace,
    text: str,
    *,
    answers: Mapping[str, str] | None = None,
    ask: Ask | None = None,
    currency: str | None = None,
    with_model: bool = False,
) -> dict[str, Any]:
    """Read a request, ask for what is missing (`ask`, on a terminal) and store it once it is complete."""
    vocabulary = vocabulary_of(workspace)
    workspace.require("request.write")
    intake = read_request(
        text, vocabulary=vocabulary, today=workspace.clock.today(), default_currency=currency
    )
    told = None
    if with_model:
        helped = assist(intake)
        intake, told = helped.intake, helped.told
    for name, answer in (answers or {}).items():
        intake = intake.answer(name, answer)
    if ask is not None and not intake.is_complete:
        intake = ask(intake)
    demand_complete(intake)
    with workspace.session() as session:
        row = open_request(session, workspace.actor(session), intake, now=workspace.clock.now())
        return {"request_id": row.request_id, "intake": intake.as_dict(), "model": told}


def show_request(workspace: Workspace, request_id: str) -> dict[str, Any]:
    """Return a request with everything that came of it."""
    with workspace.session() as session:
        person = workspace.actor(session, "request.read")
        # Limits, offers and the award are for those who negotiate and decide.
        inside = person.may("negotiation.read")
        row = RequestRepository(session).named(request_id)
        talks = NegotiationRepository(session).for_request(row.id)
        vendors = VendorRepository(session).get_many(each.vendor_id for each in talks)
        mandate = MandateRepository(session).latest_for(row.id)
        approvals = ApprovalRepository(session).for_subject("request", request_id)
        names = UserRepository(session).names({a.decided_by for a in approvals if a.decided_by})
        awarded = None
        if inside and row.awarded_offer_id:
            offer = OfferRepository(session).get(row.awarded_offer_id)
            awarded = {
                "vendor": vendors[offer.vendor_id].name,
                "offer_id": offer.offer_id,
                **offer.terms.as_dict(),
            }
        return {
            **_request_line(row),
            "intake": row.specs.get("intake", {}),
            "mandate": mandate_dict(mandate) if inside and mandate is not None else None,
            "negotiations": [
                {
                    "session_id": each.session_id,
                    "vendor": vendors[each.vendor_id].name,
                    "status": each.status,
                    "round": each.current_round,
                    "outcome": each.outcome,
                    "reason": each.outcome_reason,
                }
                for each in talks
                if inside
            ],
            "awarded": awarded,
            "approvals": [
                {
                    "step": a.step,
                    "role": a.required_role,
                    "decision": a.decision,
                    "by": names.get(a.decided_by) if a.decided_by else None,
                    "reason": a.reason,
                }
                for a in approvals
            ],
        }


def cancel_request(workspace: Workspace, request_id: str, *, reason: str) -> dict[str, Any]:
    """Cancel a request: its open talks, approvals and drafts end with it."""
    with workspace.session() as session:
        person = workspace.actor(session, "request.write")
        row = RequestRepository(session).named(request_id)
        ended = cancelling.cancel_request(session, person, row, reason=reason, now=workspace.clock.now())
        return {
            "request_id": request_id,
            "status": row.status,
            "approvals": [
                {"step": each.step, "role": each.required_role, "decision": each.decision}
                for each in ended.approvals
            ],
            "talks": [each.session_id for each in ended.talks],
            "contracts": [each.contract_id for each in ended.contracts],
        }


def list_requests(
    workspace: Workspace, *, status: str | None, limit: int, cursor: str | None
) -> dict[str, Any]:
    """Return a page of requests, newest first."""
    with workspace.session() as session:
        workspace.actor(session, "request.read")
        repository = RequestRepository(session)
        filters: dict[str, Any] = {"status": status} if status else {}
        page = repository.page(limit=limit, cursor=cursor, **filters)
        return {
            "requests": [_request_line(row) for row in page.rows],
            "by_status": repository.count_by_status(),
            "next_cursor": page.next_cursor,
        }


def _request_line(row: RequestRecord) -> dict[str, Any]:
    return {
        "request_id": row.request_id,
        "title": row.title,
        "status": row.status,
        "category": row.category,
        "quantity": row.quantity,
        "budget_max": row.budget_max,
        "billing_cadence": row.billing_cadence,
        "currency": row.currency,
        "created_at": row.created_at.isoformat(),
    }


def match_request(
    workspace: Workspace, request_id: str, *, limit: int, rates: Mapping[str, Decimal] | None = None
) -> dict[str, Any]:
    """Match a stored request to the organisation's vendors."""
    with workspace.session() as session:
        person = workspace.actor(session, "request.write")
        row = RequestRepository(session).named(request_id)
        matching = shortlist(
            session,
            person,
            row,
            vocabulary_of(workspace),
            now=workspace.clock.now(),
            limit=limit,
            exchange_rates=dict(rates or {}),
        )
        return _matching_dict(row, need_of(row, today=workspace.clock.today()), matching)


def _matching_dict(request: RequestRecord, need: Need, matching: Matching) -> dict[str, Any]:
    return {
        "request_id": request.request_id,
        "currency": request.currency,
        "budget": need.budget,
        "headroom": matching.headroom,
        "shortlist": [_match_dict(found) for found in matching.shortlist],
        "left_out": [
            {"vendor_id": one.vendor_id, "name": one.name, "code": one.code, "reason": one.words}
            for one in matching.left_out
        ],
    }


def _match_dict(found: Match) -> dict[str, Any]:
    return {
        "vendor_id": found.vendor.vendor_id,
        "name": found.vendor.name,
        "plan": found.plan.name,
        "unit_price": found.unit_price,
        "list_total": found.list_total,
        "prepaid_total": found.prepaid_total,
        "above_budget": found.above_budget,
        "quote_only": found.quote_only,
        "score": found.score,
        "words": found.words,
        "parts": [
            {
                "name": part.name,
                "score": part.score,
                "share": part.share,
                "words": part.words,
                "known": part.known,
            }
            for part in found.parts
        ],
        "requirements": [
            {"label": each.label, "status": each.status, "kind": each.kind, "words": each.words}
            for each in found.requirements
        ],
        "questions": list(found.questions),
        "blocked_by": list(found.blocked_by),
    }
