"""Reading on in a process that a fact may kill: in the end that fact is set aside, and the others go on.

Whoever is killed cannot say so. So a process notes its first read of an offset beforehand, in a transaction
of its own, and the note goes away with the read. A fact before which notes were left behind is taken alone,
and given up in the end. Later reads are not noted: a process that died is a new one when it comes back.
Noted reads follow one another, or what dies together would be blamed together.
"""

import threading
from uuid import UUID

from procur.db import DatabaseSession
from procur.db.repositories import ConsumerRepository, TryRepository
from procur.events.groups import Batch, Group, Retrying
from procur.events.reading import read_on

GONE = "every process that tried it went away"
_ALONE_FROM = 3  # from this try without an end on, one fact is taken after the other
_AT_LEAST = 5  # so many tries has a fact, however few attempts

_Pair = tuple[str, UUID]  # a group's name, an organisation


class CarefulReads:
    """Reads for the groups of one process, from any of its threads; `limit` facts at a time."""

    def __init__(self, database: DatabaseSession, retrying: Retrying, limit: int = 100) -> None:
        self.database, self._retrying, self._limit = database, retrying, limit
        self._alone: dict[_Pair, int] = {}  # how many facts are still to be taken alone
        self._noted = threading.Lock()

    def read_on(self, group: Group, organization: UUID) -> Batch | None:
        """Hand the group its next facts of an organisation; None: another reader is at it."""
        alone = self._alone.get((group.name, organization))
        if alone == 0:
            return self._read(group, organization, self._limit)
        with self._noted:
            return self._read_noted(group, organization, alone)

    def _read_noted(self, group: Group, organization: UUID, alone: int | None) -> Batch | None:
        with self.database.get_session(organization) as session:
            tries = TryRepository(session).begin(group.name, from_beginning=group.from_beginning)
        if tries is None:
            return None
        if tries >= _ALONE_FROM:
            alone = self._limit
        batch = None
        try:
            if tries > max(self._retrying.attempts, _AT_LEAST):
                batch = self._give_up(group, organization)
            batch = batch or self._read(group, organization, 1 if alone else self._limit, noted=True)
        except Exception:
            self._alone[group.name, organization] = alone or 0
            with self.database.get_session(organization) as session:  # whatever it was, this process is here
                TryRepository(session).end(group.name)
            raise
        if batch is not None:
            left = max(0, (alone or 0) - batch.passed) if batch.passed else 0
            self._alone[group.name, organization] = left
        return batch

    def _read(self, group: Group, organization: UUID, limit: int, *, noted: bool = False) -> Batch | None:
        return read_on(self.database, group, organization, limit=limit, retrying=self._retrying, noted=noted)

    def _give_up(self, group: Group, organization: UUID) -> Batch | None:
        """Set the noted fact aside for good; None if the group has not tried it after all."""
        with self.database.get_session(organization) as session:
            consumers, tries = ConsumerRepository(session), TryRepository(session)
            position = consumers.hold(group.name, from_beginning=group.from_beginning, wait=True) or 0
            event = tries.next_fact(group.name, position)
            place = tries.trying(group.name)
            if event is None or place is None or event.position != place or not group.wants(event.type):
                return None
            consumers.set_aside(group.name, event.id, error=GONE, seconds=None)
            if place > position:
                consumers.move(group.name, place)
            tries.end(group.name)
        return Batch(passed=1, failed=1, dead=1)
