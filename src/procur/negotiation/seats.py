"""One session as it stands between two rounds, and how its next round is decided: pure, from its record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from procur.core.deal import Mandate, Terms
from procur.core.errors import NotFound
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
    WaitingForVendor,
    buyer_move,
    outcome_of,
)
from procur.negotiation.briefs import brief_of, simulated_vendor
from procur.negotiation.service import Played, exchanges, waiting_offer


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
    offers = OfferRepository(session).made_for(request.id)
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
        # Offers are read after the sessions: of a round that was recorded in between nothing counts.
        history = tuple(one for one in exchanges(own) if one.round <= row.current_round)
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
