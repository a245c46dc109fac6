"""The rounds of a request as they come on record, whoever plays them: for people who look on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from procur.core.deal import Terms
from procur.core.errors import NotFound
from procur.db import Session
from procur.db.models import NegotiationSessionRecord, OfferRecord
from procur.db.repositories import (
    MandateRepository,
    NegotiationRepository,
    OfferRepository,
    RequestRepository,
    VendorRepository,
)
from procur.negotiation.agents import Brief, outcome_of
from procur.negotiation.briefs import brief_of


@dataclass(frozen=True, slots=True)
class RoundSeen:
    """One round as it is on record.

    `move` is what we did: "offer", "accept" (the vendor's last terms) or "end". `answer` is the vendor's:
    "accept", "counter", "end", or None while it has not answered. `alternative` is the utility of the best
    alternative where that is above the worth of no deal.
    """

    session_id: str
    vendor: str
    round: int
    move: str
    currency: str
    terms: Terms | None = None
    utility: float | None = None
    moves: tuple[dict[str, Any], ...] = ()
    target: float | None = None
    alternative: float | None = None
    answer: str | None = None
    their_terms: Terms | None = None
    their_utility: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the round as JSON values; terms with their total."""
        return {
            "session_id": self.session_id,
            "vendor": self.vendor,
            "round": self.round,
            "move": self.move,
            "currency": self.currency,
            "terms": None if self.terms is None else self.terms.as_dict(),
            "utility": self.utility,
            "moves": list(self.moves),
            "target": self.target,
            "alternative": self.alternative,
            "answer": self.answer,
            "their_terms": None if self.their_terms is None else self.their_terms.as_dict(),
            "their_utility": self.their_utility,
        }


@dataclass(slots=True)
class _Told:
    """How far one session has been told."""

    vendor: str
    brief: Brief
    complete: int = 0
    waiting: int = 0
    ended: bool = False
    theirs: OfferRecord | None = None


@dataclass(slots=True)
class Watch:
    """Looks at the talks of one request, again and again, and tells what is new.

    `session_id` narrows it to one session. `ended` says after a look that nothing can come any more.
    """

    request_id: str
    session_id: str | None = None
    ended: bool = False
    _told: dict[str, _Told] = field(default_factory=dict)

    def news(self, session: Session) -> list[RoundSeen]:
        """Return the rounds that came on record since the last look (at first: all), in their order."""
        request = RequestRepository(session).named(self.request_id)
        talks = [
            row
            for row in NegotiationRepository(session).for_request(request.id)
            if self.session_id in {None, row.session_id}
        ]
        if not talks:
            raise NotFound(
                f"{self.request_id} is not being negotiated",
                field="request_id",
                hint=f"procur negotiate {self.request_id}",
            )
        self._meet(session, talks)
        first = min((1 + self._told[row.session_id].complete for row in talks), default=1)
        offers = OfferRepository(session).from_round(request.id, first)
        seen = [one for row in talks for one in self._of(row, offers)]
        self.ended = all(told.ended for told in self._told.values())
        order = {row.session_id: number for number, row in enumerate(talks)}
        return sorted(seen, key=lambda one: (one.round, order[one.session_id]))

    def _meet(self, session: Session, talks: Sequence[NegotiationSessionRecord]) -> None:
        new = [row for row in talks if row.session_id not in self._told]
        if not new:
            return
        vendors = VendorRepository(session).get_many(row.vendor_id for row in new)
        mandates = MandateRepository(session).get_many(row.mandate_id for row in new if row.mandate_id)
        for row in new:
            mandate = mandates.get(row.mandate_id)  # type: ignore[arg-type]
            if mandate is None:
                raise NotFound(f"the mandate of {row.session_id} is gone", field="mandate")
            self._told[row.session_id] = _Told(vendors[row.vendor_id].name, brief_of(row, mandate.limits))

    def _of(self, row: NegotiationSessionRecord, offers: Sequence[OfferRecord]) -> Iterator[RoundSeen]:
        told = self._told[row.session_id]
        own = {(o.round_number, o.actor): o for o in offers if o.negotiation_session_id == row.id}
        for number in range(told.complete + 1, row.current_round + 1):
            told.complete = number
            yield _answered(row, told, own[number, "buyer"], own.get((number, "seller")))
        # A simulated vendor does not let us wait: its round has come on record since the session was read.
        following = None if row.counterpart == "simulated" else own.get((row.current_round + 1, "buyer"))
        if following is not None and told.waiting <= row.current_round:
            told.waiting = following.round_number
            yield _offered(row, told, following)
        if row.status != "active" and not told.ended:
            told.ended = True
            if (last := _closed(row, told)) is not None:
                yield last


def _offered(row: NegotiationSessionRecord, told: _Told, ours: OfferRecord, **more: Any) -> RoundSeen:
    why = ours.rationale[0] if ours.rationale else {}
    reservation = why.get("reservation", 0.0)
    return RoundSeen(
        row.session_id,
        told.vendor,
        ours.round_number,
        "offer",
        ours.currency,
        terms=ours.terms,
        utility=ours.utility_buyer,
        moves=tuple(why.get("moves", ())),
        target=why.get("target", 0.0),
        alternative=None if reservation <= told.brief.reservation else reservation,
        **more,
    )


def _answered(
    row: NegotiationSessionRecord, told: _Told, ours: OfferRecord, theirs: OfferRecord | None
) -> RoundSeen:
    if theirs is None:
        agreed = row.outcome == "accepted" and row.final_offer_id == ours.id
        return _offered(row, told, ours, answer="accept" if agreed else "end")
    told.theirs = theirs
    worth = told.brief.utility(outcome_of(theirs.terms))
    return _offered(row, told, ours, answer="counter", their_terms=theirs.terms, their_utility=worth)


def _closed(row: NegotiationSessionRecord, told: _Told) -> RoundSeen | None:
    """Return the step with which we ended the talks, if we did: it is not an offer."""
    number, brief = row.current_round + 1, told.brief
    if row.outcome == "accepted" and told.theirs is not None and row.final_offer_id == told.theirs.id:
        terms = told.theirs.terms
        worth = brief.utility(outcome_of(terms))
        return RoundSeen(
            row.session_id, told.vendor, number, "accept", brief.currency, terms=terms, utility=worth
        )
    if row.outcome == "no_agreement" and row.current_round < row.max_rounds:
        return RoundSeen(row.session_id, told.vendor, number, "end", brief.currency)
    return None
