"""A consumer of one group: an entry says that an organisation has something new; the database says what.

The offset of the group is held while its facts are taken in, as without Redis: effect, inbox and offset are
one transaction. An entry that comes twice, late or in the wrong order finds its fact read already.
"""

import os
import socket
import threading
import time
from collections.abc import Sequence
from uuid import UUID, uuid4

from procur.db import DatabaseSession
from procur.db.repositories import ConsumerRepository, EventOffsetRepository
from procur.events.bus import told
from procur.events.event import event_of
from procur.events.groups import Group, Retrying
from procur.events.reading import read_on
from procur.events.redis_streams import Entry, Streams

_COUNT = 200
_CAREFUL = 3  # from this delivery on a fact may be what its consumers went away with
_ELSEWHERE = 0.02  # seconds until asking again where another consumer is at it
GONE = "every consumer that tried it went away"


class StreamConsumer:
    """Reads a group's entries and takes their facts in."""

    def __init__(
        self,
        database: DatabaseSession,
        group: Group,
        streams: Streams,
        stopping: threading.Event,
        *,
        retrying: Retrying,
        idle: float,
    ) -> None:
        self._database, self._group, self._streams = database, group, streams
        self._stopping, self._retrying, self._idle = stopping, retrying, idle
        self.name = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}"
        self._unfinished: list[Entry] = []
        self._claims_at, self._in_doubt = 0.0, False

    def consume(self, seconds: float) -> int:
        """Take in what there is, or what comes within so many seconds; return how many entries that were.

        Redis' errors and Unavailable leave the rest for the next call.
        """
        if not self._unfinished:
            self._unfinished = self._next(seconds)
        number = len(self._unfinished)
        for organization, entries in _by_organization(self._unfinished):
            if not self._take(organization, entries):
                break
            self._streams.done(self._group.name, entries)
            self._unfinished = [one for one in self._unfinished if one.organization_id != organization]
        return number

    def _next(self, seconds: float) -> list[Entry]:
        name = self._group.name
        doubtful, self._in_doubt = self._in_doubt, True
        entries = self._streams.given(name, self.name, count=_COUNT) if doubtful else []
        if not entries and time.monotonic() >= self._claims_at:
            entries = self._streams.claim(name, self.name, idle=self._idle, count=_COUNT)
            self._claims_at = time.monotonic() + self._idle
        if not entries:
            entries = self._streams.read(name, self.name, count=_COUNT, seconds=seconds)
        # Only now: an answer that was lost on its way has left entries with this consumer.
        self._in_doubt = False
        return entries

    def leave(self) -> None:
        """Let the group forget this consumer."""
        self._streams.leave(self._group.name, self.name)

    def _take(self, organization: UUID, entries: Sequence[Entry]) -> bool:
        """Take in an organisation's facts up to the last of these entries; False when asked to stop."""
        doubtful = [entry for entry in entries if entry.deliveries >= _CAREFUL]
        for entry in sorted(doubtful, key=lambda one: one.position):
            if not self._take_carefully(entry):
                return False
        return self._read_to(organization, max(entry.position for entry in entries))

    def _read_to(self, organization: UUID, position: int, *, limit: int = _COUNT) -> bool:
        while self._offset(organization) < position:
            if self._stopping.is_set():
                return False
            batch = read_on(self._database, self._group, organization, limit=limit, retrying=self._retrying)
            if batch is None:
                self._stopping.wait(_ELSEWHERE)
                continue
            told(self._group, batch)
            if batch.interrupted is not None:
                raise batch.interrupted
            if not batch.passed:
                return True  # the database does not know what the entry names: it is an older copy
        return True

    def _take_carefully(self, entry: Entry) -> bool:
        """Take in what is before a fact one by one, then itself unless too many went away with it."""
        if not self._read_to(entry.organization_id, entry.position - 1, limit=1):
            return False
        if self._offset(entry.organization_id) >= entry.position:
            return True
        if self._streams.begin_try(self._group.name, entry) > self._retrying.attempts:
            self._give_up(entry)
        try:
            done = self._read_to(entry.organization_id, entry.position, limit=1)
        except Exception:
            self._streams.end_try(self._group.name, entry)  # whatever it was, this consumer is still here
            raise
        self._streams.end_try(self._group.name, entry)
        return done

    def _give_up(self, entry: Entry) -> None:
        """Set a fact aside that no consumer survived, if it is still the next one."""
        with self._database.get_session(entry.organization_id) as session:
            consumers = ConsumerRepository(session)
            position = consumers.hold(self._group.name, from_beginning=self._group.from_beginning, wait=True)
            events = [] if position is None else consumers.after(position, 1)
            for event in events:
                if event.id == entry.event_id and self._group.wants(event_of(event)):
                    consumers.set_aside(self._group.name, event.id, error=GONE, seconds=None)
                    consumers.move(self._group.name, entry.position)

    def _offset(self, organization: UUID) -> int:
        """Return how far the group has read, -1 when it has never begun."""
        with self._database.get_session(organization, read_only=True) as session:
            found = EventOffsetRepository(session).position(self._group.name)
        return -1 if found is None else found


def _by_organization(entries: Sequence[Entry]) -> list[tuple[UUID, list[Entry]]]:
    found: dict[UUID, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry.organization_id, []).append(entry)
    return list(found.items())
