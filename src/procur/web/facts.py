"""Facts as followers get them: JSON, without what the follower's permissions do not reach."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from procur.core.actor import Actor
from procur.db.models import EventRecord

# What it takes to see what a fact says, by its type, else by what it is about; audit.read for all others.
# Who is told the limits: docs/explanation/security-of-limits.md.
_BY_TYPE = {
    "MandateWritten": "negotiation.read",
    "AwardProposed": "negotiation.read",
    "ApprovalDecided": "negotiation.read",
    "ApprovalsExpired": "negotiation.read",
}
_BY_SUBJECT = {
    "request": "request.read",
    "negotiation": "negotiation.read",
    "contract": "contract.read",
    "purchase_order": "contract.read",
    "vendor": "vendor.read",
    "catalogue": "vendor.read",
    "policy": "policy.read",
    "user": "user.read",
    "organization": "company.read",
    "job": "work.read",
    "kind": "work.read",
    "group": "work.read",
}
_OTHERWISE = "audit.read"


@dataclass(frozen=True, slots=True)
class Told:
    """One numbered fact, ready to be sent; `needs` is the permission to see its payload."""

    position: int
    type: str
    aggregate_type: str
    aggregate_id: str
    needs: str
    head: dict[str, Any]
    payload: dict[str, Any]

    def data(self, actor: Actor) -> str:
        """Return the JSON that this person may see; `withheld` names the permission that is missing."""
        seen = (
            {"payload": self.payload} if actor.may(self.needs) else {"payload": None, "withheld": self.needs}
        )
        return json.dumps(self.head | seen, ensure_ascii=False, separators=(",", ":"))


def told(record: EventRecord) -> Told:
    """Return a stored fact as it is told."""
    return Told(
        position=record.position or 0,
        type=record.type,
        aggregate_type=record.aggregate_type,
        aggregate_id=record.aggregate_id,
        needs=_BY_TYPE.get(record.type) or _BY_SUBJECT.get(record.aggregate_type, _OTHERWISE),
        head={
            "position": record.position,
            "id": str(record.id),
            "type": record.type,
            "aggregate_type": record.aggregate_type,
            "aggregate_id": record.aggregate_id,
            "version": record.version,
            "occurred_at": record.occurred_at.isoformat(),
            "correlation_id": record.correlation_id,
            "causation_id": record.causation_id,
            "actor": record.actor_id,
        },
        payload=dict(record.payload),
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which facts a follower asks for: of these types, about this (empty: all)."""

    types: Collection[str] = ()
    aggregate_type: str | None = None
    aggregate_id: str | None = None

    def takes(self, fact: Told) -> bool:
        """Say whether the follower asked for this fact."""
        return (
            (not self.types or fact.type in self.types)
            and self.aggregate_type in {None, fact.aggregate_type}
            and self.aggregate_id in {None, fact.aggregate_id}
        )
