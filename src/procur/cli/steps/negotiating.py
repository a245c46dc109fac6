"""Mandates and negotiations."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from procur.cli.steps.limits import limits_dict, mandate_dict
from procur.cli.steps.rounds import Looking, OnRound, OnWait, look_on, play_off
from procur.cli.steps.setting_up import vocabulary_of
from procur.cli.workspace import Workspace
from procur.core.deal import Terms
from procur.core.errors import Conflict, DecisionNeeded
from procur.db import Session
from procur.db.models import RequestRecord
from procur.db.repositories import (
    MandateRepository,
    NegotiationRepository,
    OfferRepository,
    RequestRepository,
    VendorRepository,
)
from procur.identity.service import own_organization
from procur.negotiation.agents import Answer
from procur.negotiation.briefs import Economics, preferences_of
from procur.negotiation.due import schedule_again
from procur.negotiation.mandates import (
    changed,
    mandate_from_request,
    write_mandate,
)
from procur.negotiation.opening import open_talks
from procur.negotiation.replaying import replay
from procur.negotiation.service import DEFAULT_ROUNDS, record_answer, waiting_offer
from procur.negotiation.watching import Watch
from procur.sourcing.budgets import is_recurring
from procur.sourcing.service import matches_of, shortlist


def economics_of(session: Session) -> Economics:
    """Return the organisation's cost of capital and its other figures."""
    return Economics.from_settings(own_organization(session).settings)


def show_mandate(workspace: Workspace, request_id: str) -> dict[str, Any]:
    """Return a request's mandate: the one in force, or the one the request itself would give."""
    with workspace.session() as session:
        workspace.actor(session, "negotiation.read")
        request = RequestRepository(session).named(request_id)
        rows = MandateRepository(session).versions_for(request.id)
        proposed = None if rows else limits_dict(mandate_from_request(request))
        return {
            "request_id": request_id,
            "versions": [mandate_dict(row) for row in rows],
            "proposed": proposed,
        }


def set_mandate(
    workspace: Workspace, request_id: str, *, reason: str | None = None, **limits: Any
) -> dict[str, Any]:
    """Write the next version of a mandate: the one in force with these limits instead."""
    with workspace.session() as session:
        person = workspace.actor(session, "mandate.write")
        request = RequestRepository(session).named(request_id)
        row = MandateRepository(session).latest_for(request.id)
        current = mandate_from_request(request) if row is None else row.limits
        written = write_mandate(
            session,
            person,
            request,
            changed(current, **limits),
            now=workspace.clock.now(),
            reason=reason,
        )
        return {"request_id": request_id, **mandate_dict(written)}


def negotiate_request(
    workspace: Workspace,
    request_id: str,
    *,
    seed: int | None = None,
    rounds: int = DEFAULT_ROUNDS,
    counterpart: str = "simulated",
    limit: int = 5,
    resume: bool = False,
    background: bool = False,
    on_start: Callable[[dict[str, Any]], None] | None = None,
    on_round: OnRound | None = None,
    on_wait: OnWait | None = None,
) -> dict[str, Any]:
    """Negotiate with every shortlisted vendor; with `resume`, play on what a stop left unfinished.

    The rounds are asked for as jobs in the transaction that opens the talks, and worked off here; with
    `background` that is left to workers.
    """
    with workspace.session() as session:
        person = workspace.actor(session, "negotiation.run")
        request = RequestRepository(session).named(request_id)
        talks = NegotiationRepository(session).for_request(request.id)
        if talks and not resume:
            raise Conflict(
                f"{request_id} is being negotiated already, or was",
                field="request_id",
                hint=f"procur negotiate {request_id} --resume plays on; procur compare {request_id} compares",
            )
        watch = Watch(request_id)
        if talks:
            watch.news(session)  # what is on record already is not told as news
            schedule_again(session, person, request, now=workspace.clock.now())
        else:
            words = vocabulary_of(workspace)
            if request.status == "sourcing":
                matching = matches_of(session, request, words, today=workspace.clock.today(), limit=limit)
            else:
                matching = shortlist(session, person, request, words, now=workspace.clock.now(), limit=limit)
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
            "unsaid": _unsaid(request),
            "preferences": preferences_of(talks[0].buyer_state).as_dict(),
            "mandate": mandate_dict(MandateRepository(session).get(talks[0].mandate_id)),
            "background": background,
        }
    if on_start is not None:
        on_start(started)
    if not background:
        play_off(workspace, watch, on_round=on_round, on_wait=on_wait)
    return started | show_negotiations(workspace, request_id)


def _unsaid(request: RequestRecord) -> list[str]:
    """Return what the request leaves to the usual mandate."""
    found = []
    if is_recurring(request) and request.specs.get("term_strength") != "must":
        found.append("terms of one to three years")
    if not request.specs.get("payment_required"):
        found.append("every usual payment term")
    if not request.specs.get("quantity_exact"):
        found.append("up to a fifth more units")
    return found


def show_negotiations(workspace: Workspace, request_id: str) -> dict[str, Any]:
    """Return how each session of a request stands, with its final offer."""
    with workspace.session() as session:
        workspace.actor(session, "negotiation.read")
        request = RequestRepository(session).named(request_id)
        talks = NegotiationRepository(session).for_request(request.id)
        offers = OfferRepository(session).for_request(request.id)
        vendors = VendorRepository(session).get_many(row.vendor_id for row in talks)
        by_id = {offer.id: offer for offer in offers}
        told = []
        for row in talks:
            final = by_id.get(row.final_offer_id) if row.final_offer_id else None
            own = [o for o in offers if o.negotiation_session_id == row.id]
            open_offer = waiting_offer(own)
            theirs = [o for o in own if o.actor == "seller"]
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
                    "their_last": None
                    if not theirs
                    else theirs[-1].terms.as_dict() | {"message": theirs[-1].message},
                    "final": None if final is None else {"by": final.actor, **final.terms.as_dict()},
                    "waiting_for_vendor": None
                    if row.status != "active" or open_offer is None
                    else open_offer.terms.as_dict() | {"message": open_offer.message},
                }
            )
        return {"request_id": request_id, "negotiations": told}


def show_negotiation(workspace: Workspace, session_id: str) -> dict[str, Any]:
    """Return one session with every offer of every round."""
    with workspace.session() as session:
        workspace.actor(session, "negotiation.read")
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
                    **offer.terms.as_dict(),
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
    workspace.require("negotiation.read")
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
    workspace: Workspace,
    session_id: str,
    answer: str,
    *,
    message: str | None,
    background: bool = False,
    **changes: Any,
) -> dict[str, Any]:
    """Record what a vendor's person answered (accept, counter, end), then let the agent play on.

    With `background` its rounds are left to workers.
    """
    with workspace.session() as session:
        person = workspace.actor(session, "negotiation.run")
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
            terms = _terms_on_the_table(row.buyer_state, ours.terms, given)
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
    if not background:
        play_off(workspace, Watch(request_id))
    return show_negotiations(workspace, request_id)


def watch_negotiation(workspace: Workspace, number: str, *, on_round: OnRound) -> dict[str, Any]:
    """Tell the rounds of a request (REQ-…) or of one session (NEG-…) until they have ended; how they did."""
    with workspace.session(read_only=True) as session:
        workspace.actor(session, "negotiation.read")
        if number.startswith("NEG-"):
            row = NegotiationRepository(session).named(number)
            watch = Watch(RequestRepository(session).get(row.request_id).request_id, number)
        else:
            watch = Watch(RequestRepository(session).named(number).request_id)
    look_on(Looking(workspace, watch, on_round))
    told = show_negotiations(workspace, watch.request_id)
    found = [each for each in told["negotiations"] if watch.session_id in {None, each["session_id"]}]
    return {**told, "negotiations": found}


def _terms_on_the_table(state: Mapping[str, Any], ours: Terms, given: Mapping[str, Any]) -> Terms:
    """Return the vendor's typed counter-offer: our offer with its changes, among the values on the table."""
    terms = replace(ours, **given)
    terms = replace(terms, value_adds=tuple(sorted(terms.value_adds)))
    # Raises InvalidInput naming the issue when a value is not on the table: a person has to take over then.
    preferences_of(state).worth(terms)
    return terms
