"""Facts are rows, written in the transaction that makes them true; nothing else publishes."""

from datetime import datetime

from procur.db import Session
from procur.db.repositories import EventRepository
from procur.events.facts import Fact


def publish(
    session: Session,
    fact: Fact,
    *,
    actor_type: str,
    actor_id: str,
    now: datetime,
    correlation_id: str | None = None,
) -> None:
    """Write the fact into the outbox, in the caller's transaction."""
    EventRepository(session).append(
        type=fact.type,
        aggregate_type=fact.subject,
        aggregate_id=fact.subject_id,
        payload=fact.payload(),
        actor_type=actor_type,
        actor_id=actor_id,
        occurred_at=now,
        correlation_id=correlation_id,
    )
