"""Decide the rounds of a session again and compare with what is on record."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from procur.db import Session
from procur.db.repositories import NegotiationRepository, OfferRepository, RequestRepository
from procur.negotiation.agents import Answer, Move
from procur.negotiation.seats import Seat, play, seats_of

Sessions = Callable[[], AbstractContextManager[Session]]


@dataclass(frozen=True, slots=True)
class Replayed:
    """One round decided again: what both sides do now, and whether that is what is on record."""

    round: int
    move: Move
    answer: Answer | None
    same: bool


def replay(sessions: Sessions, session_id: str) -> list[Replayed]:
    """Decide every round of a session again from its seed and offers, and compare with what is stored.

    The vendor's side is compared only where the simulator played it.
    """
    with sessions() as session:
        row = NegotiationRepository(session).named(session_id)
        request = RequestRepository(session).get(row.request_id)
        seats = seats_of(session, request.request_id)
        final = None if row.final_offer_id is None else OfferRepository(session).get(row.final_offer_id)
        agreed = final.terms if final is not None and row.outcome == "accepted" else None
    own = next(seat for seat in seats if seat.session_id == session_id)
    told = []
    for exchange in own.history:
        now = play(_before(own, exchange.round), seats)
        same = now.move.terms == exchange.buyer
        if own.counterpart == "simulated":
            same = same and now.answer is not None and now.answer.terms == exchange.vendor
        told.append(Replayed(exchange.round, now.move, now.answer, same))
    if own.status != "active" and len(own.history) < own.max_rounds:
        number = len(own.history) + 1
        now = play(_before(own, number), seats)
        closed = now.move.kind == "accept" or (now.answer is not None and now.answer.kind == "accept")
        same = now.move.terms == agreed if agreed is not None else not closed
        told.append(Replayed(number, now.move, now.answer, same))
    return told


def _before(seat: Seat, number: int) -> Seat:
    """Return the seat as it stood before this round, under the mandate that this round was played under."""
    brief = replace(seat.brief, mandate=seat.mandates.get(number, seat.brief.mandate))
    return replace(seat, brief=brief, current_round=number - 1, history=seat.history[: number - 1])
