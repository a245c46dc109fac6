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

from procur.core.backoff import pause_after
from procur.core.errors import NotFound
from procur.db.repositories import EventOffsetRepository
from procur.events.bus import complain, told
from procur.events.careful import CarefulReads
from procur.events.groups import Group
from procur.events.redis_streams import Entry, Streams

_COUNT = 200
_ELSEWHERE = 0.02  # seconds until asking again where another consumer is at it
_PAUSES = (0.05, 2.0)  # seconds after an organisation's first and at most after later failures


class StreamConsumer:
    """Reads a group's entries and takes their facts in; an organisation that fails rests, others go on."""

    def __init__(
        self, reads: CarefulReads, group: Group, streams: Streams, stopping: threading.Event, *, idle: float
    ) -> None:
        self._reads, self._group, self._streams = reads, group, streams
        self._stopping, self._idle = stopping, idle
        self.name = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}"
        self._unfinished: list[Entry] = []
        self._resting: dict[UUID, tuple[float, int]] = {}  # until when, after how many failures
        self._claims_at, self._in_doubt = 0.0, False

    def consume(self, seconds: float) -> int:
        """Take in what there is, or what comes within so many seconds; return how many entries are done.

        Redis' errors leave the rest for the next call.
        """
        if len(self._unfinished) < _COUNT:
            self._unfinished += self._next(self._until_rested(seconds))
        number = 0
        for organization, entries in _by_organization(self._unfinished):
            if self._stopping.is_set():
                break
            if self._rests(organization) or not self._take(organization, entries):
                continue
            self._streams.done(self._group.name, entries)
            self._unfinished = [one for one in self._unfinished if one.organization_id != organization]
            number += len(entries)
        return number

    def _next(self, seconds: float) -> list[Entry]:
        name = self._group.name
        doubtful, self._in_doubt = self._in_doubt, True
        entries = self._new(self._streams.given(name, self.name, count=_COUNT)) if doubtful else []
        if not entries and time.monotonic() >= self._claims_at:
            entries = self._new(self._streams.claim(name, self.name, idle=self._idle, count=_COUNT))
            self._claims_at = time.monotonic() + self._idle
        if not entries:
            entries = self._streams.read(name, self.name, count=_COUNT, seconds=seconds)
        # Only now: an answer that was lost on its way has left entries with this consumer.
        self._in_doubt = False
        return entries

    def _new(self, entries: list[Entry]) -> list[Entry]:
        known = set(self._unfinished)
        return [one for one in entries if one not in known]

    def leave(self) -> None:
        """Let the group forget this consumer."""
        self._streams.leave(self._group.name, self.name)

    def _take(self, organization: UUID, entries: Sequence[Entry]) -> bool:
        """Take in an organisation's facts up to the last of these entries; False: it has to rest."""
        try:
            done = self._read_to(organization, max(entry.position for entry in entries))
        except Exception as error:  # noqa: BLE001 - one organisation's trouble must not stop the others
            complain("delivery", error)
            failures = self._resting.get(organization, (0.0, 0))[1] + 1
            pause = pause_after(failures, first=_PAUSES[0], longest=_PAUSES[1])
            self._resting[organization] = time.monotonic() + pause, failures
            return False
        self._resting.pop(organization, None)
        if not done:
            self._resting[organization] = time.monotonic() + _ELSEWHERE, 0
        return done

    def _read_to(self, organization: UUID, position: int) -> bool:
        """Read on until the group is behind this position; False when that is not possible now."""
        while (offset := self._offset(organization)) is not None and offset < position:
            if self._stopping.is_set():
                return False
            batch = self._reads.read_on(self._group, organization)
            if batch is None:
                return False
            told(self._group, batch)
            if not batch.passed:
                return True  # the database does not know what the entry names: it is an older copy
        return True

    def _offset(self, organization: UUID) -> int | None:
        """Return how far the group has read: -1 before it has begun, None where there is no organisation."""
        try:
            with self._reads.database.get_session(organization, read_only=True) as session:
                found = EventOffsetRepository(session).position(self._group.name)
        except NotFound:
            return None
        return -1 if found is None else found

    def _rests(self, organization: UUID) -> bool:
        return time.monotonic() < self._resting.get(organization, (0.0, 0))[0]

    def _until_rested(self, seconds: float) -> float:
        """Return how long to wait for more: until the next rest is over, if something is left to do."""
        ends = [self._resting.get(one.organization_id, (0.0, 0))[0] for one in self._unfinished]
        return min([seconds, *(max(0.0, end - time.monotonic()) for end in ends)])


def _by_organization(entries: Sequence[Entry]) -> list[tuple[UUID, list[Entry]]]:
    found: dict[UUID, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry.organization_id, []).append(entry)
    return list(found.items())
