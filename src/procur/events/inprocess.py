"""Delivery in the caller's thread: for commands, the demo and tests."""

from collections.abc import Iterable
from uuid import UUID

from procur.db import DatabaseSession
from procur.events.groups import Retrying, groups_of, waiting
from procur.events.handlers import Handler
from procur.events.numbering import number
from procur.events.reading import read_on


def deliver(
    database: DatabaseSession,
    handlers: Iterable[Handler],
    *,
    organization: UUID | str | None = None,
    retrying: Retrying | None = None,
) -> int:
    """Give what is committed its place and hand it to every group until nothing is left that is due.

    Returns how many facts were taken in, each counted once per group. What fails is tried again when its
    time has come: by the next call, or by a Bus. Unavailable: the database has gone.
    """
    groups, taken = groups_of(handlers), 0
    while True:
        number(database, organization)
        moved = 0
        for group, key in waiting(database, groups, organization):
            batch = read_on(database, group, key, retrying=retrying, wait=True)
            if batch is None:
                continue
            moved += batch.passed
            taken += len(batch.taken)
        if not moved:
            return taken
