"""One event: checked and redacted once, then the same in the file, the spool and the database."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from procur.audit.categories import category_of
from procur.audit.lines import Event
from procur.core.errors import InvalidInput
from procur.core.redaction import redact_value
from procur.db.models import AuditLogRecord
from procur.db.values import checked

_UNPRINTABLE = re.compile("[\x00\ud800-\udfff]")


def event_of(
    *,
    event_type: str,
    details: Any,
    user_id: object,
    severity: str,
    event_category: str | None,
    ip_address: str | None,
    user_agent: str | None,
    description: str | None,
    id: UUID | str,  # noqa: A002 - as everywhere
    created_at: datetime,
    organization: UUID | str | None,
    organization_id: UUID | None = None,
) -> Event:
    """Return the event as a JSON object; InvalidInput names the field that cannot be stored."""
    if not isinstance(details, Mapping | None):
        raise InvalidInput("details must be an object of names and values", field="details")
    if not event_type:
        raise InvalidInput("event_type is required", field="event_type")
    values = checked(
        AuditLogRecord,
        {
            "action": event_type,
            "event_category": category_of(str(event_type)) if event_category is None else event_category,
            "severity": severity,
            "user_id": None if user_id is None else str(user_id),
            "event_data": dict(details or {}),
            "description": description,
            "id": id,
            "created_at": created_at,
        },
    )
    return {
        "id": str(values["id"]),
        "timestamp": created_at.isoformat(),
        "event_type": values["action"],
        "event_category": values["event_category"],
        "severity": values["severity"],
        "user_id": values["user_id"],
        "description": redact_value(values["description"], field="description"),
        "details": redact_value(values["event_data"], field="details"),
        "ip_address": _printable(ip_address),
        "user_agent": redact_value(_printable(user_agent)),
        "organization": None if organization is None else str(organization),
        "organization_id": None if organization_id is None else str(organization_id),
    }


def entry_of(event: Event) -> dict[str, Any]:
    """Return the arguments of `AuditRepository.log_action` for an event; InvalidInput when it is none."""
    try:
        return {
            "id": UUID(event["id"]),
            "created_at": datetime.fromisoformat(event["timestamp"]),
            "action": event["event_type"],
            "event_category": event["event_category"],
            "severity": event["severity"],
            "actor_type": "system" if event["user_id"] is None else "user",
            "user_id": event["user_id"],
            "description": event["description"],
            "event_data": event["details"],
            "ip_address": event["ip_address"],
            "user_agent": event["user_agent"],
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInput(f"this is not an event: {error!r}") from None


def _printable(text: str | None) -> str | None:
    """Return what a browser sent without characters that no database takes; an event must not fail for it."""
    return None if text is None else _UNPRINTABLE.sub("", str(text))
