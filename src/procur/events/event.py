"""A stored fact as handlers get it."""

from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from procur.db.models import EventRecord


@dataclass(frozen=True, slots=True)
class Event:
    """One fact in an organisation's log: `position` counts its facts, `version` those of the aggregate."""

    id: UUID
    organization_id: UUID
    position: int
    type: str
    aggregate_type: str
    aggregate_id: str
    version: int | None
    payload: dict[str, Any]
    actor_type: str | None
    actor_id: str | None
    correlation_id: str | None
    causation_id: str | None
    trace: str | None
    occurred_at: datetime


def event_of(record: EventRecord) -> Event:
    """Return a numbered fact as handlers get it; its payload is a copy."""
    return Event(
        id=record.id,
        organization_id=record.organization_id,
        position=record.position or 0,
        type=record.type,
        aggregate_type=record.aggregate_type,
        aggregate_id=record.aggregate_id,
        version=record.version,
        payload=deepcopy(dict(record.payload)),
        actor_type=record.actor_type,
        actor_id=record.actor_id,
        correlation_id=record.correlation_id,
        causation_id=record.causation_id,
        trace=record.trace,
        occurred_at=record.occurred_at,
    )
