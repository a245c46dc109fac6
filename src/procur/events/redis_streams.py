"""Redis Streams as a carrier of facts: which streams there are, and the commands on them.

An organisation's facts go into one stream, in order; a stream carries many organisations. An entry names its
fact and carries nothing that the database does not have, so whatever Redis loses can be added again.
"""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from redis import Redis
from redis.exceptions import ResponseError

from procur.db.models import EventRecord

STREAMS = 8
_LARGEST = 10_000  # entries of a stream that wait at most; the rest waits in the database
_FORGOTTEN = 3_600_000  # milliseconds after which a consumer without work is gone for good


@dataclass(frozen=True, slots=True)
class Entry:
    """A fact as a stream carries it."""

    stream: str
    key: str
    organization_id: UUID
    position: int
    event_id: UUID


class Streams:
    """The streams under one prefix, and their consumer groups."""

    def __init__(self, client: Redis, prefix: str, groups: Iterable[str]) -> None:
        """Take a client that decodes answers, and the groups whose entries must not be trimmed away."""
        self.client, self.groups = client, tuple(groups)
        self.names = tuple(f"{prefix}events:{number}" for number in range(STREAMS))
        self._added, self._relay = f"{prefix}events:added", f"{prefix}events:relay"

    def stream_of(self, organization_id: UUID) -> str:
        """Return the stream that carries an organisation's facts."""
        return self.names[zlib.crc32(organization_id.bytes) % STREAMS]

    # -- adding --------------------------------------------------------------------------------------------

    def relays(self, token: str, seconds: float) -> bool:
        """Say whether this relay is the one that adds now; the right ends by itself unless taken again."""
        milliseconds = int(seconds * 1000)
        if self.client.set(self._relay, token, nx=True, px=milliseconds):
            return True
        return self.client.get(self._relay) == token and bool(self.client.pexpire(self._relay, milliseconds))

    def leave_relay(self, token: str) -> None:
        """Let another relay add at once."""
        if self.client.get(self._relay) == token:
            self.client.delete(self._relay)

    def added(self, organization_id: UUID) -> int | None:
        """Return up to which position the streams have got an organisation's facts; None: Redis is new."""
        found = self.client.hget(self._added, organization_id.hex)
        return None if found is None else int(found)

    def add(self, organization_id: UUID, events: Sequence[EventRecord], *, upto: int) -> None:
        """Add facts in order, and with them, all or nothing, that they are added."""
        pipe = self.client.pipeline(transaction=True)
        stream = self.stream_of(organization_id)
        for event in events:
            fields: dict[Any, Any] = {
                "organization": organization_id.hex,
                "position": event.position,
                "event": event.id.hex,
                "type": event.type,
                "about": f"{event.aggregate_type}/{event.aggregate_id}",
            }
            pipe.xadd(stream, fields)
        pipe.hset(self._added, organization_id.hex, str(upto))
        pipe.execute()

    def room(self, organization_id: UUID) -> int:
        """Return how many entries the organisation's stream takes at the moment."""
        return _LARGEST - self.client.xlen(self.stream_of(organization_id))

    def trim(self) -> None:
        """Drop the entries that every group is done with."""
        for stream in self.names:
            if not self.client.xlen(stream):
                continue
            lows = [self._low(stream, group) for group in self.client.xinfo_groups(stream)]
            if len(lows) >= len(self.groups):
                self.client.xtrim(stream, minid=min(lows, key=_order), approximate=False)

    def _low(self, stream: str, group: dict[str, Any]) -> str:
        """Return the first entry that a group may still need."""
        if group["name"] not in self.groups:
            return _MOST  # nobody here knows it; should it come back, the relay adds what it has not read
        # What was pending a moment ago may be done by now.
        first = self.client.xpending(stream, group["name"])["min"] if group["pending"] else None
        return str(first or group["last-delivered-id"])

    # -- consuming -----------------------------------------------------------------------------------------

    def set_up(self) -> None:
        """Make streams and groups where Redis does not have them (any more)."""
        for stream in self.names:
            for group in self.groups:
                try:
                    self.client.xgroup_create(stream, group, id="0", mkstream=True)
                except ResponseError as error:
                    if not str(error).startswith("BUSYGROUP"):
                        raise

    def read(self, group: str, consumer: str, *, count: int, seconds: float) -> list[Entry]:
        """Return entries that no consumer of the group has got yet; wait for the first one so long."""
        block = max(1, int(seconds * 1000))
        return _entries(self.client.xreadgroup(group, consumer, self._from(">"), count=count, block=block))

    def given(self, group: str, consumer: str, *, count: int) -> list[Entry]:
        """Return entries that Redis has given to this consumer before; their answer may have got lost."""
        return _entries(self.client.xreadgroup(group, consumer, self._from("0"), count=count))

    def _from(self, place: str) -> dict[Any, Any]:
        return dict.fromkeys(self.names, place)

    def claim(self, group: str, consumer: str, *, idle: float, count: int) -> list[Entry]:
        """Take over entries whose consumer has not finished them in so many seconds."""
        taken: list[Entry] = []
        for stream in self.names:
            answer: Any = self.client.xautoclaim(
                stream, group, consumer, min_idle_time=int(idle * 1000), count=count
            )
            entries = [(key, fields) for key, fields in answer[1] if fields]
            taken += [_entry(stream, key, fields) for key, fields in entries]
        return taken

    def done(self, group: str, entries: Iterable[Entry]) -> None:
        """Note that the group is done with these."""
        pipe = self.client.pipeline(transaction=False)
        for entry in entries:
            pipe.xack(entry.stream, group, entry.key)
        pipe.execute()

    def leave(self, group: str, consumer: str) -> None:
        """Forget a consumer that has nothing unfinished, and those that went away long ago."""
        for stream in self.names:
            for one in self.client.xinfo_consumers(stream, group):
                over = one["name"] == consumer or one["idle"] > _FORGOTTEN
                if over and not one["pending"]:
                    self.client.xgroup_delconsumer(stream, group, one["name"])


_MOST = f"{(1 << 63) - 1}-0"


def _entries(answer: Any) -> list[Entry]:
    """Return what XREADGROUP has answered, in either version of the protocol."""
    found = answer.items() if isinstance(answer, dict) else answer or ()
    return [
        _entry(stream, key, fields)
        for stream, batch in found
        for key, fields in (batch[0] if len(batch) == 1 and isinstance(batch[0], list) else batch)
        if fields  # an entry that is gone has none
    ]


def _entry(stream: str, key: str, fields: dict[str, str]) -> Entry:
    organization, event = UUID(fields["organization"]), UUID(fields["event"])
    return Entry(stream, key, organization, int(fields["position"]), event)


def _order(key: str) -> tuple[int, int]:
    moment, _, number = key.partition("-")
    return int(moment), int(number)
