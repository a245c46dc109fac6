"""A stored fact as handlers get it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


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
