"""From a request in plain words to an award that waits for approval."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from procur.cli.steps.setting_up import vocabulary_of
from procur.cli.workspace import Workspace
from procur.core.actor import negotiating_agent
from procur.core.deal import Mandate, Terms
from procur.core.errors import Conflict, DecisionNeeded
from procur.db import Session
from procur.db.models import MandateRecord, RequestRecord
from procur.db.repositories import (
    ApprovalRepository,
    MandateRepository,
    NegotiationRepository,
    OfferRepository,
    RequestRepository,
    UserRepository,
    VendorRepository,
)
from procur.identity.service import own_organization
from procur.negotiation.agents import Answer
from procur.negotiation.award import decide_award, propose_award
from procur.negotiation.briefs import Economics, preferences_of
from procur.negotiation.mandates import (
    changed,
    mandate_from_request,
    mandate_of,
    stored_terms,
    write_mandate,
)
from procur.negotiation.offers_compared import compare_offers
from procur.negotiation.opening import open_talks
from procur.negotiation.service import DEFAULT_ROUNDS, record_answer, waiting_offer
from procur.negotiation.tasks import OnRound, negotiate, replay
from procur.sourcing.assist import assist
from procur.sourcing.intake import Intake, read_request
from procur.sourcing.service import demand_complete, need_of, open_request, shortlist
from procur.vendors.matching import Match, Matching, Need

Ask = Callable[[Intake], Intake]


def economics_of(session: Session) -> Economics:
    """Return the organisation's cost of capital and its other figures."""
    return Economics.from_settings(own_organization(session).settings)


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
    intake = read_request(
        text, vocabulary=vocabulary_of(workspace), today=workspace.clock.today(), default_currency=currency
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
        row = RequestRepository(session).named(request_id)
        talks = NegotiationRepository(session).for_request(row.id)
        vendors = VendorRepository(session).get_many(each.vendor_id for each in talks)
        mandate = MandateRepository(session).latest_for(row.id)
        approvals = ApprovalRepository(session).for_subject("request", request_id)
        names = UserRepository(session).names({a.decided_by for a in approvals if a.decided_by})
        awarded = None
        if row.awarded_offer_id:
            offer = OfferRepository(session).get(row.awarded_offer_id)
            awarded = {
                "vendor": vendors[offer.vendor_id].name,
                "offer_id": offer.offer_id,
                **stored_terms(offer).as_dict(),
            }
        return {
            **_request_line(row),
            "intake": row.specs.get("intake", {}),
            "mandate": None if mandate is None else _mandate_dict(mandate),
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


def list_requests(
    workspace: Workspace, *, status: str | None, limit: int, cursor: str | None
) -> dict[str, Any]:
    """Return a page of requests, newest first."""
    with workspace.session() as session:
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
        "currency": row.currency,
        "created_at": row.created_at.isoformat(),
    }


def match_request(
    workspace: Workspace, request_id: str, *, limit: int, rates: Mapping[str, Decimal] | None = None
) -> dict[str, Any]:
    """Match a stored request to the organisation's vendors."""
    with workspace.session() as session:
        row = RequestRepository(session).named(request_id)
        matching = shortlist(
            session,
            workspace.actor(session),
            row,
            vocabulary_of(workspace),
            now=workspace.clock.now(),
            limit=limit,
            exchange_rates=dict(rates or {}),
        )
        return _matching_dict(row, need_of(row, today=workspace.clock.today()), matching)


def show_mandate(workspace: Workspace, request_id: str) -> dict[str, Any]:
    """Return a request's mandate: the one in force, or the one the request itself would give."""
    with workspace.session() as session:
        request = RequestRepository(session).named(request_id)
        rows = MandateRepository(session).versions_for(request.id)
        proposed = None if rows else _limits(mandate_from_request(request))
        return {
            "request_id": request_id,
            "versions": [_mandate_dict(row) for row in rows],
            "proposed": proposed,
        }


def set_mandate(
    workspace: Workspace, request_id: str, *, reason: str | None = None, **limits: Any
) -> dict[str, Any]:
    """Write the next version of a mandate: the one in force with these limits instead."""
    with workspace.session() as session:
        request = RequestRepository(session).named(request_id)
        row = MandateRepository(session).latest_for(request.id)
        current = mandate_from_request(request) if row is None else mandate_of(row)
        written = write_mandate(
            session,
            workspace.actor(session),
            request,
            changed(current, **limits),
            now=workspace.clock.now(),
            reason=reason,
        )
        return {"request_id": request_id, **_mandate_dict(written)}


def negotiate_request(
    workspace: Workspace,
    request_id: str,
    *,
    seed: int | None = None,
    rounds: int = DEFAULT_ROUNDS,
    counterpart: str = "simulated",
    limit: int = 5,
    resume: bool = False,
    on_start: Callable[[dict[str, Any]], None] | None = None,
    on_round: OnRound | None = None,
) -> dict[str, Any]:
    """Negotiate with every shortlisted vendor; with `resume`, play on what a stop left unfinished."""
    with workspace.session() as session:
        person = workspace.actor(session)
        request = RequestRepository(session).named(request_id)
        talks = NegotiationRepository(session).for_request(request.id)
        if talks and not resume:
            raise Conflict(
                f"{request_id} is being negotiated already, or was",
                field="request_id",
                hint=f"procur negotiate {request_id} --resume plays on; procur compare {request_id} compares",
            )
        if not talks:
            matching = shortlist(
                session, person, request, vocabulary_of(workspace), now=workspace.clock.now(), limit=limit
            )
            talks = open_talks(
                session,
                person,
                request,
                matching,
                economics=economics_of(session),
                seed=secrets.randbelow(2**31) if seed is None else seed,
                rounds=rounds,
                counterpart=counterpart,
                now=workspace.clock.now(),
            )
        started = {
            "request_id": request_id,
            "seed": request.seed,
            "rounds": talks[0].max_rounds,
            "counterpart": talks[0].counterpart,
            "preferences": preferences_of(talks[0].buyer_state).as_dict(),
            "mandate": _mandate_dict(MandateRepository(session).get(talks[0].mandate_id)),
        }
    if on_start is not None:
        on_start(started)
    agent = negotiating_agent(person)
    negotiate(workspace.session, agent, request_id, now=workspace.clock.now, on_round=on_round)
    return started | show_negotiations(workspace, request_id)


def show_negotiations(workspace: Workspace, request_id: str) -> dict[str, Any]:
    """Return how each session of a request stands, with its final offer."""
    with workspace.session() as session:
        request = RequestRepository(session).named(request_id)
        talks = NegotiationRepository(session).for_request(request.id)
        offers = OfferRepository(session).for_request(request.id)
        vendors = VendorRepository(session).get_many(row.vendor_id for row in talks)
        by_id = {offer.id: offer for offer in offers}
        told = []
        for row in talks:
            final = by_id.get(row.final_offer_id) if row.final_offer_id else None
            open_offer = waiting_offer([o for o in offers if o.negotiation_session_id == row.id])
            told.append(
                {
                    "session_id": row.session_id,
                    "vendor_id": vendors[row.vendor_id].vendor_id,
                    "vendor": vendors[row.vendor_id].name,
                    "plan": row.plan,
                    "status": row.status,
                    "rounds": row.current_round,
                    "outcome": row.outcome,
                    "reason": row.outcome_reason,
                    "list_unit_price": row.list_unit_price,
                    "final": None if final is None else {"by": final.actor, **stored_terms(final).as_dict()},
                    "waiting_for_vendor": None
                    if row.status != "active" or open_offer is None
                    else stored_terms(open_offer).as_dict() | {"message": open_offer.message},
                }
            )
        return {"request_id": request_id, "negotiations": told}


def show_negotiation(workspace: Workspace, session_id: str) -> dict[str, Any]:
    """Return one session with every offer of every round."""
    with workspace.session() as session:
        row = NegotiationRepository(session).named(session_id)
        vendor = VendorRepository(session).get(row.vendor_id)
        request = RequestRepository(session).get(row.request_id)
        return {
            "session_id": session_id,
            "request_id": request.request_id,
            "vendor": vendor.name,
            "plan": row.plan,
            "counterpart": row.counterpart,
            "status": row.status,
            "outcome": row.outcome,
            "reason": row.outcome_reason,
            "seed": row.seed,
            "engine": row.buyer_state.get("engine"),
            "offers": [
                {
                    "offer_id": offer.offer_id,
                    "round": offer.round_number,
                    "by": "buyer" if offer.actor == "buyer" else "vendor",
                    **stored_terms(offer).as_dict(),
                    "utility": offer.utility_buyer,
                    "accepted": offer.accepted,
                    "message": offer.message,
                    "rationale": list(offer.rationale),
                }
                for offer in OfferRepository(session).for_session(row.id)
            ],
        }


def replay_negotiation(workspace: Workspace, session_id: str) -> dict[str, Any]:
    """Decide every round of a session again and tell whether it equals what is stored."""
    rounds = replay(workspace.session, session_id)
    return {
        "session_id": session_id,
        "same": all(each.same for each in rounds),
        "rounds": [
            {
                "round": each.round,
                "same": each.same,
                "buyer": each.move.kind,
                "terms": None if each.move.terms is None else each.move.terms.as_dict(),
                "vendor": None if each.answer is None else each.answer.kind,
            }
            for each in rounds
        ],
    }


def answer_for_vendor(
    workspace: Workspace, session_id: str, answer: str, *, message: str | None, **changes: Any
) -> dict[str, Any]:
    """Record what a vendor's person answered (accept, counter, end), then let the agent play on."""
    with workspace.session() as session:
        person = workspace.actor(session)
        row = NegotiationRepository(session).named(session_id)
        request = RequestRepository(session).get(row.request_id)
        ours = waiting_offer(OfferRepository(session).for_session(row.id))
        if row.status != "active" or row.counterpart == "simulated" or ours is None:
            raise DecisionNeeded(
                f"{session_id} does not wait for a vendor's answer", field="session_id",
                hint=f"procur negotiation show {session_id}",
            )  # fmt: skip
        terms = None
        if answer == "counter":
            given = {name: value for name, value in changes.items() if value is not None}
            terms = _terms_on_the_table(row.buyer_state, stored_terms(ours), given)
        kind: Any = answer
        record_answer(
            session,
            person,
            request,
            row,
            ours=ours,
            answer=Answer(kind, terms, message),
            now=workspace.clock.now(),
        )
        request_id = request.request_id
    negotiate(workspace.session, negotiating_agent(person), request_id, now=workspace.clock.now)
    return show_negotiations(workspace, request_id)


def _terms_on_the_table(state: Mapping[str, Any], ours: Terms, given: Mapping[str, Any]) -> Terms:
    """Return the vendor's typed counter-offer: our offer with its changes, among the values on the table."""
    terms = replace(ours, **given)
    terms = replace(terms, value_adds=tuple(sorted(terms.value_adds)))
    # Raises InvalidInput naming the issue when a value is not on the table: a person has to take over then.
    preferences_of(state).worth(terms)
    return terms


def compare_request(workspace: Workspace, request_id: str, *, horizon: int | None = None) -> dict[str, Any]:
    """Compare the final offers of a request."""
    with workspace.session() as session:
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
        request = RequestRepository(session).named(request_id)
        compared = compare_offers(session, request, economics_of(session), now=workspace.clock.now())
        award = propose_award(
            session,
            workspace.actor(session),
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
            "terms": stored_terms(award.offer).as_dict(),
            "status": request.status,
            "decision": award.decision.as_dict(),
        }


def waiting_approvals(workspace: Workspace) -> dict[str, Any]:
    """Return what waits for this person's decision."""
    with workspace.session() as session:
        person = workspace.actor(session)
        roles = [person.role] + (["approver"] if person.role == "owner" else [])
        rows = ApprovalRepository(session).pending_for(roles=roles, person_id=person.user_id or "")
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
                    "own": row.requester_id == person.user_id,
                }
                for row in rows
            ],
        }


def approve_request(
    workspace: Workspace, request_id: str, *, approve: bool, reason: str | None
) -> dict[str, Any]:
    """Approve or reject the next open step of a request as this person."""
    with workspace.session() as session:
        person = workspace.actor(session)
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


def _mandate_dict(row: MandateRecord) -> dict[str, Any]:
    return _limits(mandate_of(row)) | {
        "version": row.version,
        "source": row.source,
        "reason": row.reason,
        "expires_at": None if row.expires_at is None else row.expires_at.isoformat(),
    }


def _limits(mandate: Mandate) -> dict[str, Any]:
    return {
        "currency": mandate.currency,
        "max_total": mandate.max_total,
        "max_yearly": mandate.max_yearly,
        "max_unit_price": mandate.max_unit_price,
        "quantity": [mandate.min_quantity, mandate.max_quantity],
        "terms_months": list(mandate.terms_months),
        "payment_terms": list(mandate.payment_terms),
    }
