"""What talks have come to: everything about them that must not depend on who played them, or how often."""

from typing import Any

from procur.db import Session
from procur.db.models import JobRecord
from procur.db.repositories import (
    AuditRepository,
    EventRepository,
    JobRepository,
    NegotiationRepository,
    OfferRepository,
    RequestRepository,
)
from procur.negotiation.kinds import PROCESS_NEGOTIATION_ROUND


def played(session: Session, request_id: str) -> tuple[list[Any], list[Any], list[Any]]:
    """Return each session's outcome and offers, and the audit entries and facts about them.

    Sessions are told by their place, so that requests with other numbers compare.
    """
    request = RequestRepository(session).named(request_id)
    rows = NegotiationRepository(session).for_request(request.id)
    places = {row.session_id: place for place, row in enumerate(rows)}
    talks = [
        (
            (row.status, row.outcome, row.current_round, row.outcome_reason),
            [
                (one.round_number, one.actor, one.accepted, one.terms, one.utility_buyer, one.message)
                for one in OfferRepository(session).for_session(row.id)
            ],
        )
        for row in rows
    ]
    entries = [
        (places[each.resource_id], each.action, each.actor_id, each.event_data.get("round"))
        for each in AuditRepository(session).since(limit=100_000)
        if each.resource_id in places
    ]
    facts = [
        (places[each.aggregate_id], each.type, each.actor_id, each.payload.get("round"))
        for each in EventRepository(session).correlated(request_id)
        if each.aggregate_id in places
    ]
    return talks, sorted(entries, key=str), sorted(facts, key=str)


def round_jobs(session: Session, request_id: str) -> list[JobRecord]:
    """Return the jobs of a request's rounds, oldest first."""
    return JobRepository(session).correlated(request_id, kind=PROCESS_NEGOTIATION_ROUND.name)
