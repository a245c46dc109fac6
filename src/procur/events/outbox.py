"""Facts are rows, written in the transaction that makes them true; nothing else publishes."""

from datetime import datetime

from procur.core.context import current_cause
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
    causation_id: str | None = None,
    trace: str | None = None,
) -> None:
    """Write the fact into the outbox, in the caller's transaction.

    What it belongs to and what caused it is what the running code belongs to, unless it is given.
    """
    cause = current_cause()
    EventRepository(session).append(
        type=fact.type,
        aggregate_type=fact.subject,
        aggregate_id=fact.subject_id,
        payload=fact.payload(),
        actor_type=actor_type,
        actor_id=actor_id,
        occurred_at=now,
        correlation_id=correlation_id or cause.correlation_id,
        causation_id=causation_id or cause.causation_id,
        trace=trace or cause.trace,
    )
