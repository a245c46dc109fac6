"""One call for every state change: its audit entry and its event, in the caller's transaction."""

import re
from datetime import datetime
from typing import Any
from uuid import UUID

from procur.core.actor import Actor
from procur.core.context import current_cause
from procur.db import Session
from procur.db.repositories import AuditRepository
from procur.events.facts import Fact
from procur.events.outbox import publish


def record(
    session: Session,
    actor: Actor,
    fact: Fact,
    *,
    now: datetime,
    description: str,
    changes: dict[str, Any] | None = None,
    category: str = "general",
    negotiation_session_id: UUID | None = None,
    correlation_id: str | None = None,
) -> None:
    """Write what happened, who did it and what changed. The action is the fact's name: "request_opened".

    Entry and fact carry the same correlation: the given one, that of the running code, or the subject.
    """
    correlation = correlation_id or current_cause().correlation_id or fact.subject_id
    AuditRepository(session).log_action(
        action=_snake(fact.type),
        resource_type=fact.subject,
        resource_id=fact.subject_id,
        actor_type=actor.kind,
        actor_id=actor.id,
        user_id=None if actor.user_id is None else str(actor.user_id),
        event_category=category,
        event_data=fact.payload(),
        changes=changes or {},
        description=description,
        negotiation_session_id=negotiation_session_id,
        correlation_id=correlation,
    )
    publish(session, fact, actor_type=actor.kind, actor_id=actor.id, now=now, correlation_id=correlation)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
