"""A remembered message, apart from where it is stored."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from procur.db.models import Message


@dataclass(frozen=True, slots=True)
class Entry:
    """One message. Its sequence number says where in the conversation it stands, from 1."""

    sequence: int
    role: str
    content: str
    timestamp: datetime
    metadata: Mapping[str, Any] = field(default_factory=dict)
    intent: str | None = None
    model_used: str | None = None
    cost: Decimal = Decimal(0)

    def as_dict(self) -> dict[str, Any]:
        """Return the message as callers get it: a copy, which they may change."""
        return {
            "role": self.role,
            "content": self.content,
            "timestamp": self.timestamp,
            "metadata": copy.deepcopy(dict(self.metadata)),
            "intent": self.intent,
            "model_used": self.model_used,
            "cost": self.cost,
        }


def entry_of(row: Message) -> Entry:
    """Return a stored message as an entry, independent of its session."""
    return Entry(
        sequence=row.sequence,
        role=row.asked_role,
        content=row.content,
        timestamp=row.created_at,
        metadata=plain_json(row.extra_metadata),
        intent=row.intent,
        model_used=row.model_used,
        cost=row.cost,
    )


def reads_back_the_same(value: Any) -> bool:
    """Say whether JSON holds no float: PostgreSQL returns 1e300 as an integer."""
    if isinstance(value, Mapping):
        return all(map(reads_back_the_same, value.values()))
    if isinstance(value, list):
        return all(map(reads_back_the_same, value))
    return not isinstance(value, float)


def plain_json(value: Any) -> Any:
    """Copy JSON without the types that track changes for the database."""
    if isinstance(value, Mapping):
        return {key: plain_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain_json(item) for item in value]
    return value
