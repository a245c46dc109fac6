"""Open the talks with every shortlisted vendor of a request."""

from collections.abc import Sequence
from datetime import datetime

from procur.core.actor import Actor
from procur.core.errors import Conflict, DecisionNeeded
from procur.db import Session
from procur.db.models import NegotiationSessionRecord, RequestRecord
from procur.db.repositories import (
    MandateRepository,
    NegotiationRepository,
    RequestRepository,
    VendorRepository,
)
from procur.negotiation.agents import buyer_move
from procur.negotiation.briefs import Economics, brief_of, buyer_states, seller_state
from procur.negotiation.due import schedule_rounds
from procur.negotiation.mandates import mandate_from_request, write_mandate
from procur.negotiation.service import Opening, start_session
from procur.sourcing.service import move_request
from procur.vendors.matching import Match, Matching


def open_talks(
    session: Session,
    actor: Actor,
    request: RequestRecord,
    matching: Matching,
    *,
    economics: Economics,
    seed: int,
    rounds: int,
    counterpart: str,
    now: datetime,
) -> list[NegotiationSessionRecord]:
    """Start one session per shortlisted vendor, under the request's mandate (written if there is none).

    The first round of each is asked for in the same transaction.
    """
    actor.require("negotiation.run")
    request = RequestRepository(session).locked(request.id)
    if NegotiationRepository(session).for_request(request.id):
        raise Conflict(
            f"{request.request_id} is being negotiated already",
            field="request_id",
            hint=f"procur negotiate {request.request_id} --resume",
        )
    matches = _negotiable(request, matching, counterpart)
    row = MandateRepository(session).latest_for(request.id)
    if row is None:
        row = write_mandate(
            session, actor, request, mandate_from_request(request), now=now, reason="as the request says"
        )
    mandate = row.limits
    states = buyer_states(request, mandate, matches, economics, seed=seed)
    keys = VendorRepository(session).keys_of(match.vendor.vendor_id for match in matches)
    vendors = VendorRepository(session).get_many(keys.values())
    RequestRepository(session).update(request.id, seed=seed)
    move_request(session, actor, request, "negotiating", now=now)
    rows = [
        start_session(
            session,
            actor,
            request,
            row,
            Opening(
                vendor=vendors[keys[match.vendor.vendor_id]],
                plan=match.plan.name,
                list_unit_price=match.unit_price,
                buyer_state=state,
                seller_state=seller_state(mandate, match, seed=seed, rivals=len(matches) - 1)
                if counterpart == "simulated"
                else {},
                seed=seed,
            ),
            counterpart=counterpart,
            rounds=rounds,
            now=now,
        )
        for match, state in zip(matches, states, strict=True)
    ]
    for talks in rows:
        # Talks that cannot be played must not be on record: the first move is tried before the commit.
        buyer_move(brief_of(talks, mandate), (), 1)
    schedule_rounds(session, request, by=actor.user_id)
    return rows


def _negotiable(request: RequestRecord, matching: Matching, counterpart: str) -> Sequence[Match]:
    """Return whom to talk to; a simulated vendor needs a list price to be drawn around.

    One that nobody has confirmed is none: what a vendor drawn around a misread price offers would count
    against all others.
    """
    if not matching.shortlist:
        raise DecisionNeeded(
            f"no vendor fits {request.request_id}",
            field="request_id",
            hint=f"procur match {request.request_id} says why; change the request or import more vendors",
        )
    priced = [m for m in matching.shortlist if m.unit_price != 0]
    if not priced:
        free = ", ".join(f"{m.vendor.name} {m.plan.name}" for m in matching.shortlist)
        raise DecisionNeeded(
            f"what fits is free at list price ({free}): there is nothing to negotiate",
            field="request_id",
            hint="use it, or ask for more in the request",
        )
    if counterpart != "simulated":
        return priced
    found = [m for m in priced if m.unit_price is not None and m.vendor.prices_from is None]
    unconfirmed = [m.vendor.vendor_id for m in priced if m.vendor.prices_from]
    if not found and unconfirmed:
        raise DecisionNeeded(
            f"prices that nobody has confirmed, read from pages: {', '.join(unconfirmed)}",
            field="counterpart",
            hint=f"look at them, then: procur vendors confirm-prices {unconfirmed[0]}",
        )
    if not found:
        raise DecisionNeeded(
            "every vendor on the shortlist only quotes: a simulated vendor would have to invent a price",
            field="counterpart",
            hint="negotiate with the vendors themselves: --counterpart person",
        )
    return found
