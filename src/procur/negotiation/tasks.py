"""Play the rounds of a request: all its sessions side by side, one transaction per round and session."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from procur.core.actor import Actor
from procur.core.deal import Mandate, Terms
from procur.core.errors import Conflict, NotFound
from procur.db import Session
from procur.db.repositories import (
    MandateRepository,
    NegotiationRepository,
    OfferRepository,
    RequestRepository,
    VendorRepository,
)
from procur.negotiation.agents import (
    Answer,
    Brief,
    Counterpart,
    Exchange,
    Move,
    WaitingForVendor,
    buyer_move,
    outcome_of,
)
from procur.negotiation.briefs import brief_of, simulated_vendor
from procur.negotiation.service import Played, exchanges, record_round, waiting_offer

Sessions = Callable[[], AbstractContextManager[Session]]
OnRound = Callable[["Seat", Played], None]


@dataclass(frozen=True, slots=True)
class Seat:
    """One session as it stands between two rounds, read in one go and without its database rows."""

    session_id: str
    vendor_id: str
    vendor_name: str
    status: str
    current_round: int
    max_rounds: int
    counterpart: str
    brief: Brief
    vendor_side: Counterpart
    history: tuple[Exchange, ...]
    # What this vendor stands by, with the round in which it said so: its offers, and ours that it accepted.
    standing: tuple[tuple[int, Terms], ...]
    waiting: Terms | None
    # The mandate under which each of our offers was made, by round.
    mandates: Mapping[int, Mandate]

    @property
    def next_round(self) -> int:
        """The round to play next, from 1."""
        return self.current_round + 1


def seats_of(session: Session, request_id: str) -> list[Seat]:
    """Return every session of a request as it stands; four queries, however many sessions there are."""
    request = RequestRepository(session).named(request_id)
    talks = NegotiationRepository(session).for_request(request.id)
    offers = OfferRepository(session).for_request(request.id)
    mandates = {row.id: row.limits for row in MandateRepository(session).versions_for(request.id)}
    newest = max(mandates.values(), key=lambda mandate: mandate.version, default=None)
    vendors = VendorRepository(session).get_many(row.vendor_id for row in talks)
    seats = []
    for row in talks:
        own = [offer for offer in offers if offer.negotiation_session_id == row.id]
        waiting = waiting_offer(own)
        mandate = newest if row.status == "active" else mandates.get(row.mandate_id)  # type: ignore[arg-type]
        if mandate is None:
            raise NotFound(f"the mandate of {row.session_id} is gone", field="mandate")
        history = tuple(exchanges(own))
        agreed = [o for o in own if o.id == row.final_offer_id and row.outcome == "accepted"]
        seats.append(
            Seat(
                session_id=row.session_id,
                vendor_id=vendors[row.vendor_id].vendor_id,
                vendor_name=vendors[row.vendor_id].name,
                status=row.status,
                current_round=row.current_round,
                max_rounds=row.max_rounds,
                counterpart=row.counterpart,
                brief=brief_of(row, mandate),
                vendor_side=simulated_vendor(row) if row.counterpart == "simulated" else WaitingForVendor(),
                history=history,
                standing=tuple((o.round_number, o.terms) for o in own if o.actor == "seller" or o in agreed),
                waiting=None if waiting is None or row.status != "active" else waiting.terms,
                mandates={o.round_number: mandates[o.mandate_id] for o in own if o.mandate_id in mandates},
            )
        )
    return seats


def best_alternative(seat: Seat, seats: Sequence[Seat]) -> float | None:
    """Return the utility of the best terms that another vendor stood by before this seat's round.

    Only rounds before it count, whoever was faster, so that the same seed gives the same deal (0003).
    Terms outside the mandate are no alternative.
    """
    worths = [
        other.brief.utility(outcome_of(terms))
        for other in seats
        if other.session_id != seat.session_id
        for number, terms in other.standing
        if number < seat.next_round and not seat.brief.mandate.breaches(terms)
    ]
    return max(worths, default=None)


def play(seat: Seat, seats: Sequence[Seat]) -> Played:
    """Decide one round of one session: pure, outside any transaction."""
    number = seat.next_round
    move = buyer_move(seat.brief, seat.history, number, reservation=best_alternative(seat, seats))
    answer: Answer | None = None
    if move.kind == "offer" and move.terms is not None:
        answer = seat.vendor_side.answer(seat.history, move.terms, number)
    return Played(seat.session_id, number, move, answer, seat.brief.mandate.version)


def negotiate(
    sessions: Sessions,
    actor: Actor,
    request_id: str,
    *,
    now: Callable[[], datetime],
    on_round: OnRound | None = None,
) -> list[Seat]:
    """Play on until every session has ended or waits for a vendor; return the seats as they stand then.

    What is finished is never played again: a process that was killed is resumed by calling this again. Of
    two processes that play at once each takes up what the other has put on record.
    """
    refused: Conflict | None = None
    seen: list[tuple[object, ...]] = []
    while True:
        with sessions() as session:
            seats = seats_of(session, request_id)
        before, seen = seen, [_progress(seat) for seat in seats]
        if refused is not None and seen == before:
            raise refused
        refused = None
        ready = [seat for seat in seats if seat.status == "active" and seat.waiting is None]
        if not ready:
            return seats
        # Whoever is behind (after a crash, or waiting for a person) catches up first.
        number = min(seat.next_round for seat in ready)
        table = [seat for seat in ready if seat.next_round == number]
        with ThreadPoolExecutor(max_workers=len(table)) as pool:
            played = list(pool.map(partial(play, seats=seats), table))
        for seat, result in zip(table, played, strict=True):
            try:
                with sessions() as session:
                    request = RequestRepository(session).named(request_id)
                    record_round(session, actor, request, result, now=now())
            except Conflict as error:
                # Somebody was faster, or the mandate is a newer one: look again and decide on that.
                refused = error
                break
            if on_round is not None:
                on_round(seat, result)


def _progress(seat: Seat) -> tuple[object, ...]:
    """Return what changes whenever anything is put on record about a session."""
    return (
        seat.session_id,
        seat.status,
        seat.current_round,
        seat.waiting is None,
        seat.brief.mandate.version,
    )


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
