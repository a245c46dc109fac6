"""Whose trail an event that has waited belongs to: a name can move to another organisation, a key cannot."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from procur.audit.lines import Event
from procur.core.errors import NotAllowed
from procur.db import Session
from procur.db.repositories import OrganizationRepository
from procur.db.tenancy import as_uuid, find_organization, required_organization_id

_NEVER = datetime.max.replace(tzinfo=UTC)


def refuse_another(session: Session, name: str, key: UUID | None, events: Sequence[Event]) -> None:
    """Raise NotAllowed where the events may be of another organisation than the session's.

    `name` is the slug (or key) and `key` the key that they were recorded under, None where nobody knew it:
    then an organisation that is younger than an event is another one.
    """
    if as_uuid(name) is not None:
        return
    if key is None:
        since = OrganizationRepository(session).own().created_at
        if any(_moment(event) < since for event in events):
            raise NotAllowed(f"the organisation {name!r} was set up after this happened")
        return
    found = find_organization(session.connection(), name)
    if found not in {None, required_organization_id(session)}:
        raise NotAllowed(f"{name!r} is another organisation by now than the one this happened in, {key}")


def _moment(event: Event) -> datetime:
    """Return when it happened; what says no time is refused where it is stored."""
    try:
        found = datetime.fromisoformat(event["timestamp"])
    except (KeyError, TypeError, ValueError):
        return _NEVER
    return found if found.tzinfo else _NEVER
