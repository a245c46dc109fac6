"""One event: checked and redacted once, then the same in the file, the spool and the database."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from procur.audit.categories import category_of
from procur.audit.lines import Event
from procur.core.errors import InvalidInput
from procur.core.redaction import redact, redact_value
from procur.db.models import AuditLogRecord
from procur.db.values import checked

_UNPRINTABLE = re.compile("[\x00\ud800-\udfff]")
LARGEST_DETAILS = 256_000  # bytes of JSON
_KEPT_OF_LARGER = 100_000  # characters of its JSON
_AS_GIVEN = {"action": "event_type", "event_data": "details", "id": "event_id"}


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
    values = _checked(
        {
            "action": _storable(event_type),
            "event_category": category_of(str(event_type)) if event_category is None else event_category,
            "severity": severity,
            "user_id": None if user_id is None else _storable(str(user_id)),
            "event_data": _storable(dict(details or {})),
            "description": _storable(description),
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
        "details": _bounded(redact_value(values["event_data"], field="details")),
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


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values as the trail takes them; an error names the field as the caller knows it."""
    try:
        return checked(AuditLogRecord, values)
    except InvalidInput as error:
        told = _AS_GIVEN.get(error.field or "")
        if told is None:
            raise
        message = error.message.replace(str(error.field), told, 1)
        raise InvalidInput(message, field=told, hint=error.hint) from error


def _storable(value: Any) -> Any:
    """Return the value with what no database takes as text replaced: an attacker's text must be recorded."""
    try:
        return _cleaned(value)
    except RecursionError:
        raise InvalidInput("details is nested too deeply", field="details") from None


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return _UNPRINTABLE.sub("\ufffd", value)
    if isinstance(value, Mapping):
        return {_cleaned(str(key)): _cleaned(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in value]
    if isinstance(value, set | frozenset):
        return {_cleaned(item) for item in value}
    return value


def _bounded(details: dict[str, Any]) -> dict[str, Any]:
    """Return the details, or the beginning of their JSON with a mark that they were cut."""
    text = json.dumps(details, ensure_ascii=False)
    size = len(text.encode())
    if size <= LARGEST_DETAILS:
        return details
    mark = f"{size} bytes of details, only their beginning is kept"
    return {"cut": mark, "json": redact(text[:_KEPT_OF_LARGER])}


def _printable(text: str | None) -> str | None:
    """Return what a browser sent without characters that no database takes; an event must not fail for it."""
    return None if text is None else _UNPRINTABLE.sub("", str(text))
