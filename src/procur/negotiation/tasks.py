"""One round of one session as a job: decided outside any transaction, put on record in one."""

from typing import Any

from procur.core.actor import Actor, negotiating_agent
from procur.core.errors import Conflict
from procur.db import Session
from procur.db.repositories import RequestRepository, UserRepository
from procur.identity.service import actor_of
from procur.jobs.task import Task, Work
from procur.negotiation.due import schedule_rounds
from procur.negotiation.kinds import PROCESS_NEGOTIATION_ROUND, PlayRound
from procur.negotiation.seats import play, seats_of
from procur.negotiation.service import Played, record_round


def process_negotiation_round() -> Task[PlayRound]:
    """Play a round, and ask for the next ones when it was the last of its number."""
    return Task(PROCESS_NEGOTIATION_ROUND, think=_decide, commit=_put_on_record)


def _decide(work: Work, asked: PlayRound) -> Played | None:
    """Decide the round from what is on record; None when it is not to be played (any more).

    It is decided in every attempt anew, which costs milliseconds, so that it holds to the mandate in force.
    A counterpart that pays for its answer asks through `work.step`, under a name with the round and the
    mandate's version.
    """
    with work.session(read_only=True) as session:
        seats = seats_of(session, asked.request_id)
    seat = next((each for each in seats if each.session_id == asked.session_id), None)
    if seat is None or seat.status != "active" or seat.waiting is not None:
        return None
    return play(seat, seats) if seat.next_round == asked.round else None


def _put_on_record(session: Session, work: Work, asked: PlayRound, played: Played | None) -> dict[str, Any]:
    """Record the round and ask for what is due then; a round that is on record already is left as it is."""
    if played is None:
        return {"played": False, "because": "the session does not wait for this round"}
    request = RequestRepository(session).named(asked.request_id)
    try:
        row = record_round(session, _agent(session, work, asked), request, played, now=work.now())
    except Conflict as refused:
        if refused.field not in {"round", "mandate"}:
            raise
        # Nothing is written. Under a newer mandate the round is asked for again, and decided then.
        if refused.field == "mandate":
            schedule_rounds(session, request, by=asked.on_behalf_of)
        return {"played": False, "because": refused.message}
    schedule_rounds(session, request, by=asked.on_behalf_of, after=played.round)
    return {"played": True, "move": played.move.kind, "status": row.status}


def _agent(session: Session, work: Work, asked: PlayRound) -> Actor:
    """Return the agent of the person who began the talks or answered; of nobody where that one is gone."""
    people = UserRepository(session).get_many([asked.on_behalf_of] if asked.on_behalf_of else [])
    person = next(iter(people.values()), None)
    return negotiating_agent(work.actor if person is None else actor_of(person))
