"""Which rounds are to be played next: all sessions of a request play in step, each round as a job."""

from datetime import datetime
from uuid import UUID

from procur.audit.trail import record
from procur.core.actor import Actor
from procur.db import Session
from procur.db.models import JobRecord, RequestRecord
from procur.db.repositories import JobRepository, NegotiationRepository, RequestRepository
from procur.events.facts import JobsRedriven
from procur.negotiation.kinds import PROCESS_NEGOTIATION_ROUND, PlayRound
from procur.negotiation.mandates import mandate_in_force


def schedule_rounds(
    session: Session, request: RequestRecord, *, by: UUID | None, after: int = 0
) -> list[JobRecord]:
    """Ask for the next round of every session that is to play it now; return the jobs, new and old.

    Ready are sessions that go on and do not wait for a vendor; those with the lowest round play, so that
    none is ahead of another (decision 0003). The caller holds the request's row, so that of two rounds that
    end at once the later one sees both. `after` is the round that has just ended: when others are still to
    play it, or an earlier one, that has been asked for already and nothing is due.
    """
    ready = NegotiationRepository(session).ready(request.id)
    number = min((following for _, following in ready), default=0)
    if number <= after:
        return []
    version = mandate_in_force(session, request).version
    return [
        PROCESS_NEGOTIATION_ROUND.ask(
            session,
            PlayRound(request.request_id, session_id, number, by),
            dedupe_key=f"{session_id}:{number}:{version}",
            correlation_id=request.request_id,
            created_by=by,
        )[0]
        for session_id, following in ready
        if following == number
    ]


def schedule_again(session: Session, actor: Actor, request: RequestRecord, *, now: datetime) -> None:
    """Make sure that the rounds that are due are asked for; those that had failed get all attempts again."""
    actor.require("negotiation.run")
    request = RequestRepository(session).locked(request.id)
    asked = schedule_rounds(session, request, by=actor.user_id)
    stuck = [str(job.id) for job in asked if job.state in {"failed", "dead"}]
    if not stuck:
        return
    for job_id in stuck:
        JobRepository(session).redrive(job_id)
    record(
        session,
        actor,
        JobsRedriven(PROCESS_NEGOTIATION_ROUND.name, tuple(stuck)),
        now=now,
        description=f"{len(stuck)} rounds of {request.request_id} are tried again",
        category="system",
        correlation_id=request.request_id,
    )
