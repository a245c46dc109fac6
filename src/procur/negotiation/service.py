"""Start sessions, put finished rounds on record, settle. Each call is one transaction of its caller."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from procur.audit.trail import record
from procur.core.actor import Actor
from procur.core.deal import Terms
from procur.core.errors import Conflict, InvalidInput, OutsideMandate
from procur.core.money import show
from procur.db import Session
from procur.db.models import (
    MandateRecord,
    NegotiationSessionRecord,
    OfferRecord,
    RequestRecord,
    VendorProfileRecord,
)
from procur.db.repositories import (
    NegotiationRepository,
    NumberRepository,
    OfferRepository,
    RequestRepository,
    VendorRepository,
)
from procur.events.facts import (
    NegotiationFailed,
    NegotiationSettled,
    NegotiationStarted,
    OfferSent,
    RoundPlayed,
)
from procur.negotiation.agents import Answer, Exchange, Move
from procur.negotiation.due import schedule_rounds
from procur.negotiation.mandates import hold_to_mandate, mandate_in_force
from procur.negotiation.wording import buyer_says, vendor_says

OFFER_VALID_DAYS = 30
DEFAULT_ROUNDS = 10


@dataclass(frozen=True, slots=True)
class Opening:
    """One vendor to negotiate with: the plan, its list price per unit and month, and both sides' state."""

    vendor: VendorProfileRecord
    plan: str
    list_unit_price: Any
    buyer_state: dict[str, Any]
    seller_state: dict[str, Any]
    seed: int


@dataclass(frozen=True, slots=True)
class Played:
    """What happened in one round of one session, decided outside any transaction under one mandate."""

    session_id: str
    round: int
    move: Move
    answer: Answer | None
    mandate_version: int


def start_session(
    session: Session,
    actor: Actor,
    request: RequestRecord,
    mandate: MandateRecord,
    opening: Opening,
    *,
    counterpart: str,
    rounds: int,
    now: datetime,
) -> NegotiationSessionRecord:
    """Open the talks with one vendor; a second start for the same request and vendor is a Conflict."""
    actor.require("negotiation.run")
    if not 1 <= rounds <= 100:  # noqa: PLR2004 - said in the message
        raise InvalidInput("a negotiation has between 1 and 100 rounds", field="rounds")
    row = NegotiationRepository(session).create(
        session_id=NumberRepository(session).next("NEG", now.year),
        request_id=request.id,
        vendor_id=opening.vendor.id,
        mandate_id=mandate.id,
        status="active",
        current_round=0,
        max_rounds=rounds,
        counterpart=counterpart,
        plan=opening.plan,
        list_unit_price=opening.list_unit_price,
        seed=opening.seed,
        buyer_state=opening.buyer_state,
        seller_state=opening.seller_state,
        started_at=now,
    )
    record(
        session,
        actor,
        NegotiationStarted(
            session_id=row.session_id,
            request_id=request.request_id,
            vendor_id=opening.vendor.vendor_id,
            counterpart=counterpart,
            max_rounds=rounds,
        ),
        now=now,
        description=f"Talks with {opening.vendor.name} ({counterpart}) about {request.request_id} began",
        negotiation_session_id=row.id,
        correlation_id=request.request_id,
    )
    return row


class _Offer(Protocol):
    """What of an offer matters here, however it was read."""

    @property
    def round_number(self) -> Any: ...
    @property
    def actor(self) -> Any: ...
    @property
    def terms(self) -> Terms: ...


Offered = TypeVar("Offered", bound=_Offer)


def exchanges(offers: Sequence[_Offer]) -> list[Exchange]:
    """Return a session's finished rounds, in order, from its stored offers."""
    sides: dict[int, dict[str, _Offer]] = {}
    for offer in offers:
        sides.setdefault(offer.round_number, {})[offer.actor] = offer
    return [
        Exchange(number, both["buyer"].terms, both["seller"].terms)
        for number, both in sorted(sides.items())
        if len(both) == 2  # noqa: PLR2004 - both sides have spoken
    ]


def waiting_offer(offers: Sequence[Offered]) -> Offered | None:
    """Return the buyer's offer that the vendor has not answered yet."""
    answered = {offer.round_number for offer in offers if offer.actor == "seller"}
    open_offers = [o for o in offers if o.actor == "buyer" and o.round_number not in answered]
    return open_offers[-1] if open_offers else None


def record_round(
    session: Session, actor: Actor, request: RequestRecord, played: Played, *, now: datetime
) -> NegotiationSessionRecord:
    """Put one round on record: both offers and the step from the expected round, or the session's end.

    Raises Conflict when the round is on record already (another process, or a retry, was faster), or when a
    newer mandate is in force than the one under which it was decided.
    """
    actor.require("negotiation.run")
    request = RequestRepository(session).locked(request.id)
    sessions, offers = NegotiationRepository(session), OfferRepository(session)
    row = sessions.locked(sessions.named(played.session_id).id)
    if row.status != "active" or row.current_round != played.round - 1:
        raise Conflict(
            f"{row.session_id} is not waiting for round {played.round}: it is {row.status} in round "
            f"{row.current_round}",
            field="round",
        )
    mandate = mandate_in_force(session, request)
    if mandate.version != played.mandate_version:
        raise Conflict(
            f"mandate {mandate.version} is in force; round {played.round} of {row.session_id} was decided "
            f"under mandate {played.mandate_version}",
            field="mandate",
            hint=f"procur negotiate {request.request_id} --resume",
        )
    if row.mandate_id != mandate.id:
        sessions.update(row.id, mandate_id=mandate.id)
    move, answer = played.move, played.answer
    if move.kind == "accept":
        last = offers.latest(row.id, "seller")
        if last is None or last.terms != move.terms:
            raise Conflict(f"the offer to accept in {row.session_id} is not the vendor's last one")
        _settle(session, actor, request, row, last, accepted_by="buyer", now=now)
        return row
    if move.kind == "end":
        _fail(
            session,
            actor,
            request,
            row,
            outcome="no_agreement",
            reason="nothing inside the mandate beats the best alternative",
            now=now,
        )
        return row
    ours = _add_offer(
        session, request, row, number=played.round, side="buyer", terms=_terms(move.terms), now=now, move=move
    )
    if answer is None:
        record(
            session,
            actor,
            OfferSent(session_id=row.session_id, round=played.round, offer_id=ours.offer_id),
            now=now,
            description=f"Round {played.round} of {row.session_id}: our offer waits for the vendor's answer",
            negotiation_session_id=row.id,
            correlation_id=request.request_id,
        )
        return row
    return _add_answer(session, actor, request, row, ours=ours, answer=answer, now=now)


def record_answer(
    session: Session,
    actor: Actor,
    request: RequestRecord,
    row: NegotiationSessionRecord,
    *,
    ours: OfferRecord,
    answer: Answer,
    now: datetime,
) -> NegotiationSessionRecord:
    """Put the vendor's answer to our offer of this round on record, once; ask for what is due then."""
    actor.require("negotiation.run")
    request = RequestRepository(session).locked(request.id)
    row = NegotiationRepository(session).locked(row.id)
    if row.status != "active" or row.current_round != ours.round_number - 1:
        raise Conflict(
            f"{row.session_id} does not wait for an answer to round {ours.round_number}: it is {row.status} "
            f"in round {row.current_round}",
            field="round",
        )
    row = _add_answer(session, actor, request, row, ours=ours, answer=answer, now=now)
    schedule_rounds(session, request, by=actor.user_id)
    return row


def _add_answer(
    session: Session,
    actor: Actor,
    request: RequestRecord,
    row: NegotiationSessionRecord,
    *,
    ours: OfferRecord,
    answer: Answer,
    now: datetime,
) -> NegotiationSessionRecord:
    number = ours.round_number
    written = [ours.offer_id]
    if answer.kind == "counter":
        theirs = _add_offer(
            session,
            request,
            row,
            number=number,
            side="seller",
            terms=_terms(answer.terms),
            now=now,
            answer=answer,
        )
        written.append(theirs.offer_id)
    NegotiationRepository(session).increment_round(row.id, expected=number - 1)
    record(
        session,
        actor,
        RoundPlayed(session_id=row.session_id, round=number, offers=tuple(written)),
        now=now,
        description=f"Round {number} of {row.session_id}: the vendor's answer is {answer.kind}",
        negotiation_session_id=row.id,
        correlation_id=request.request_id,
    )
    if answer.kind == "accept":
        _settle(session, actor, request, row, ours, accepted_by="vendor", now=now)
    elif answer.kind == "end":
        _fail(
            session,
            actor,
            request,
            row,
            outcome="withdrawn",
            reason=answer.message or "the vendor ended the talks",
            now=now,
        )
    elif number >= row.max_rounds:
        _fail(
            session,
            actor,
            request,
            row,
            outcome="no_agreement",
            reason=f"no agreement after {number} rounds",
            now=now,
        )
    return row


def withdraw_talks(
    session: Session, actor: Actor, request: RequestRecord, *, now: datetime, reason: str
) -> list[NegotiationSessionRecord]:
    """End every open session of a request from the buyer's side; return them."""
    rows = [row for row in NegotiationRepository(session).for_request(request.id) if row.status == "active"]
    for row in rows:
        _fail(session, actor, request, row, outcome="withdrawn", reason=reason, now=now)
    return rows


def _add_offer(
    session: Session,
    request: RequestRecord,
    row: NegotiationSessionRecord,
    *,
    number: int,
    side: str,
    terms: Terms,
    now: datetime,
    move: Move | None = None,
    answer: Answer | None = None,
) -> OfferRecord:
    """Store one side's offer: ours under the mandate in force, a vendor's under none until it is accepted."""
    said = answer.message if answer is not None and answer.message else None
    last = number >= row.max_rounds
    listed = row.list_unit_price
    return OfferRepository(session).create(
        offer_id=f"{row.session_id}-{number:02d}-{'B' if side == 'buyer' else 'V'}",
        request_id=request.id,
        vendor_id=row.vendor_id,
        negotiation_session_id=row.id,
        mandate_id=row.mandate_id if side == "buyer" else None,
        unit_price=terms.unit_price,
        quantity=terms.quantity,
        term_months=terms.term_months,
        payment_terms=terms.payment_terms,
        currency=terms.currency,
        value_adds=list(terms.value_adds),
        discount_percent=None if not listed else round((1 - terms.unit_price / listed) * 100, 2),
        utility_buyer=None if move is None else move.utility,
        round_number=number,
        actor=side,
        rationale=[] if move is None else [move.rationale | {"reservation": move.reservation}],
        strategy=None if move is None else str(move.rationale.get("reason")),
        valid_until=now + timedelta(days=OFFER_VALID_DAYS),
        message=said or (buyer_says(terms, last=last) if side == "buyer" else vendor_says(terms)),
    )


def _settle(
    session: Session,
    actor: Actor,
    request: RequestRecord,
    row: NegotiationSessionRecord,
    offer: OfferRecord,
    *,
    accepted_by: str,
    now: datetime,
) -> None:
    """Agree on the terms of a stored offer, held to the mandate in force inside this transaction."""
    mandate = mandate_in_force(session, request)
    if offer.mandate_id not in {None, mandate.id}:
        raise OutsideMandate(
            f"offer {offer.offer_id} was made under an earlier mandate than {mandate.version}",
            field="offer",
            hint="record the answer as a counter-offer: the agent then decides under the mandate in force",
        )
    hold_to_mandate(offer, mandate, now=now)
    OfferRepository(session).accept(offer.id, mandate_id=mandate.id, accepted_at=now)
    terms = offer.terms
    saved = None
    if row.list_unit_price is not None:
        months = terms.term_months or 1
        saved = row.list_unit_price * terms.quantity * months - terms.total
    NegotiationRepository(session).complete_session(
        row.id,
        outcome="accepted",
        outcome_reason=f"terms agreed in round {offer.round_number}, accepted by the {accepted_by}",
        final_offer_id=offer.id,
        savings_achieved=saved,
        completed_at=now,
    )
    vendor = VendorRepository(session).get(row.vendor_id)
    record(
        session,
        actor,
        NegotiationSettled(
            session_id=row.session_id,
            offer_id=offer.offer_id,
            total=terms.total,
            currency=terms.currency,
            accepted_by=accepted_by,
        ),
        now=now,
        description=f"Terms agreed with {vendor.name}, subject to award: {show(terms.total, terms.currency)}",
        negotiation_session_id=row.id,
        correlation_id=request.request_id,
    )


def _fail(
    session: Session,
    actor: Actor,
    request: RequestRecord,
    row: NegotiationSessionRecord,
    *,
    outcome: str,
    reason: str,
    now: datetime,
) -> None:
    """End a session without agreement; the vendor's last offer stays on record and open until it expires."""
    last = OfferRepository(session).latest(row.id, "seller")
    NegotiationRepository(session).complete_session(
        row.id,
        status="failed",
        outcome=outcome,
        outcome_reason=reason,
        final_offer_id=None if last is None else last.id,
        completed_at=now,
    )
    record(
        session,
        actor,
        NegotiationFailed(session_id=row.session_id, outcome=outcome, reason=reason),
        now=now,
        description=f"{row.session_id} ended without agreement: {reason}",
        negotiation_session_id=row.id,
        correlation_id=request.request_id,
    )


def _terms(terms: Terms | None) -> Terms:
    if terms is None:
        raise InvalidInput("an offer needs terms", field="terms")
    return terms
