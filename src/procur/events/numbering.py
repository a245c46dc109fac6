"""Facts get their place in the log after the commit, so that readers who go by places miss none."""

from uuid import UUID

from procur.db import DatabaseSession
from procur.db.repositories import EventLogRepository

BATCH = 1000


def number(database: DatabaseSession, organization: UUID | str | None = None) -> list[UUID]:
    """Give every committed fact its place, in one organisation or in all; return whose logs have grown."""
    grown = []
    for key in unnumbered(database, organization):
        total = 0
        while count := number_some(database, key):
            total += count
            if count < BATCH:
                break
        if total:
            grown.append(key)
    return grown


def unnumbered(database: DatabaseSession, organization: UUID | str | None = None) -> list[UUID]:
    """Return the organisations that have facts without a place."""
    scope = (
        database.system_session(read_only=True)
        if organization is None
        else database.get_session(organization, read_only=True)
    )
    with scope as session:
        return EventLogRepository(session).unnumbered()


def number_some(database: DatabaseSession, organization: UUID) -> int:
    """Give one batch of an organisation's facts their places, in one transaction; return how many."""
    with database.get_session(organization) as session:
        return EventLogRepository(session).number(BATCH)
