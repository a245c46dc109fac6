"""What the tests of delivery ask of whatever carries facts to consumer groups.

A transport has two members. `database` is where facts are written. `run(handlers, …)` lets as many consumers
as asked for work on everything that is committed, and returns when every group has each fact taken in or set
aside for good; it goes on after Unavailable and KeyboardInterrupt, and raises
TimeoutError rather than wait longer than a minute.
Add a transport by a class and a line in the `transport` fixture (conftest.py).
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID, uuid4

from procur.core.errors import Unavailable
from procur.db import DatabaseSession, Session
from procur.db.repositories import EventLogRepository, EventRepository, NotificationRepository
from procur.events.bus import Bus
from procur.events.event import Event
from procur.events.facts import Fact
from procur.events.groups import Retrying, groups_of
from procur.events.handlers import Handler
from procur.events.inprocess import deliver
from procur.events.redis_bus import RedisBus
from procur.events.redis_settings import EventsRedisSettings
from procur.events.standing import standing

FAST = Retrying(attempts=3, first=0.0)
_PATIENCE = 60.0


class Transport(Protocol):
    database: DatabaseSession

    def run(self, handlers: Sequence[Handler], *, consumers: int = 1, retrying: Retrying = FAST) -> None: ...


@dataclass
class InProcess:
    """`deliver` in this thread, or in several."""

    database: DatabaseSession

    def run(self, handlers: Sequence[Handler], *, consumers: int = 1, retrying: Retrying = FAST) -> None:
        threads = [
            threading.Thread(target=self._through, args=(handlers, retrying)) for _ in range(consumers - 1)
        ]
        for thread in threads:
            thread.start()
        self._through(handlers, retrying)
        for thread in threads:
            thread.join(_PATIENCE)

    def _through(self, handlers: Sequence[Handler], retrying: Retrying) -> None:
        def once() -> bool:
            try:
                deliver(self.database, handlers, retrying=retrying)
            except (KeyboardInterrupt, Unavailable):
                return False
            return is_through(self.database, handlers)

        wait_until(once)


@dataclass
class Threads:
    """One `Bus` per consumer."""

    database: DatabaseSession

    def run(self, handlers: Sequence[Handler], *, consumers: int = 1, retrying: Retrying = FAST) -> None:
        buses = [Bus(self.database, handlers, retrying=retrying) for _ in range(consumers)]
        for bus in buses:
            bus.start()
        try:
            wait_until(lambda: is_through(self.database, handlers))
        finally:
            stopped = [bus.stop() for bus in buses]
        assert all(stopped)


@dataclass
class RedisStreams:
    """One `RedisBus` per consumer, on a Redis that is empty at first."""

    database: DatabaseSession
    url: str

    def run(self, handlers: Sequence[Handler], *, consumers: int = 1, retrying: Retrying = FAST) -> None:
        settings = EventsRedisSettings(url=self.url)
        buses = [
            RedisBus(self.database, handlers, settings, retrying=retrying, poll=0.02, idle=1.0)
            for _ in range(consumers)
        ]
        for bus in buses:
            bus.start()
        try:
            wait_until(lambda: is_through(self.database, handlers))
        finally:
            assert [bus.stop() for bus in buses] == [True] * consumers


def is_through(database: DatabaseSession, handlers: Sequence[Handler]) -> bool:
    """Say whether every group has read everything that is committed and waits for nothing."""
    with database.system_session(read_only=True) as session:
        if EventLogRepository(session).unnumbered():
            return False
        return not any(one.behind or one.pending for one in standing(session, groups_of(handlers)))


def wait_until(holds: Callable[[], bool], seconds: float = _PATIENCE) -> None:
    """Ask again and again, for a bounded time."""
    end, asked = time.monotonic() + seconds, threading.Event()
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError("it did not come to an end")
        asked.wait(0.03)


@dataclass(frozen=True, slots=True)
class Probed(Fact):
    subject = "thing"
    name: str
    number: int


def write(database: DatabaseSession, organization: UUID | str, number: int, *, things: int = 5) -> None:
    """Commit so many facts about `things` aggregates, ten to a transaction."""
    for start in range(0, number, 10):
        with database.get_session(organization) as session:
            for one in range(start, min(start + 10, number)):
                fact = Probed(f"t{one % things}", one)
                EventRepository(session).append(
                    type=fact.type,
                    aggregate_type=fact.subject,
                    aggregate_id=fact.subject_id,
                    payload=fact.payload(),
                )


def note(session: Session, group: str, event: Event) -> None:
    """Write an effect that would show twice if it were done twice."""
    NotificationRepository(session).create(
        recipient=str(session.info["organization_id"]),
        channel="in_app",
        subject=f"{group}:{event.aggregate_id}",
        body=f"{event.version}:{event.payload['number']}",
        message_id=str(uuid4()),
    )


def effects(database: DatabaseSession, organization: UUID | str, group: str) -> dict[str, list[int]]:
    """Return the versions that a group has noted, per aggregate, in the order of noting."""
    found: dict[str, list[int]] = {}
    with database.get_session(organization) as session:
        for row in NotificationRepository(session).get_all(limit=1000):
            assert row.recipient == str(row.organization_id)
            name, _, aggregate = str(row.subject).partition(":")
            if name == group:
                found.setdefault(aggregate, []).append(int(row.body.partition(":")[0]))
    return found
