"""Facts under fire: writers append while the processes that deliver are killed at random, and 1 % is poison.

    python benchmarks/durability/event_storm.py [--short] [--json] [--writers 8] [--facts 10000] …

Each group keeps one row per aggregate: a hash over all it has taken in, in order. So one comparison with the
log shows whether every committed fact was taken in, once, and in the order of its aggregate. Then the dead
letters are redriven with the cause mended, and everything is replayed from the beginning.
"""

import argparse
import hashlib
import json
import multiprocessing
import os
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from places import databases

from procur.db import DatabaseSession, Session
from procur.db.repositories import (
    EventDeliveryRepository,
    EventLogRepository,
    EventRepository,
    NotificationRepository,
    OrganizationRepository,
)
from procur.events.bus import Bus
from procur.events.event import Event
from procur.events.groups import Retrying, groups_of
from procur.events.handlers import Handler
from procur.events.replay import replay
from procur.events.standing import standing

RETRYING = Retrying(attempts=3, first=0.05, most=0.2)
SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Storm:
    """How much of what."""

    writers: int = 8
    facts: int = 10_000
    groups: int = 3
    consumers: int = 3
    organizations: int = 4
    aggregates: int = 40
    poison: float = 0.01
    kill_every: float = 5.0
    seed: int = 7


@dataclass
class Outcome:
    """What came of it. All but the seconds and the counts has to be true."""

    committed: int = 0
    kills: int = 0
    poison: int = 0
    dead_letters: int = 0
    once_and_in_order: bool = False
    poison_is_dead: bool = False
    redriven: bool = False
    replayed_the_same: bool = False
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Say whether everything held."""
        return self.once_and_in_order and self.poison_is_dead and self.redriven and self.replayed_the_same


def handlers(groups: int, *, cured: bool = False) -> list[Handler]:
    """Return a handler per group that extends the hash of the fact's aggregate, and chokes on poison."""

    def of(group: str) -> Handler:
        def react(session: Session, event: Event) -> None:
            notifications = NotificationRepository(session)
            row = notifications.find(message_id=f"{group}:{event.aggregate_id}")
            if row is None:
                row = notifications.create(
                    recipient=group,
                    channel="in_app",
                    body="",
                    message_id=f"{group}:{event.aggregate_id}",
                )
            row.body = extend(row.body, str(event.id))
            if event.payload["poison"] and not cured:
                raise ValueError("poison")

        return Handler(group, frozenset({"Stormed"}), react)

    return [of(f"group-{number}") for number in range(groups)]


def extend(before: str, key: str) -> str:
    """Return the hash over everything so far and one more."""
    return hashlib.sha256(f"{before}{key}".encode()).hexdigest()


def consume(url: str, groups: int, cured: bool, ready: Any) -> None:
    """Deliver until killed (a process), or until nobody is left to kill it."""
    database, parent = DatabaseSession(url), os.getppid()
    Bus(database, handlers(groups, cured=cured), retrying=RETRYING).start()
    ready.set()
    while os.getppid() == parent:
        time.sleep(0.5)


def append(url: str, storm: Storm, number: int) -> None:
    """Commit facts in transactions of different lengths, and take some back (a process)."""
    database, chance = DatabaseSession(url), random.Random(storm.seed * 1000 + number)  # noqa: S311 - repeatable
    left = storm.facts
    while left:
        count = min(left, chance.randint(1, 10))
        taken_back = chance.random() < 0.1  # noqa: PLR2004 - one in ten
        scope = database.get_session(f"storm-{chance.randrange(storm.organizations)}")
        session = scope.__enter__()
        for _ in range(count):
            EventRepository(session).append(
                type="Stormed",
                aggregate_type="thing",
                aggregate_id=f"t{chance.randrange(storm.aggregates)}",
                payload={"poison": chance.random() < storm.poison},
            )
        time.sleep(chance.choice((0.0, 0.0, 0.001, 0.01)))
        if taken_back:
            scope.close()
        else:
            scope.__exit__(None, None, None)
            left -= count
    database.close()


class Consumers:
    """The delivering processes; one of them dies now and then and is started anew."""

    def __init__(self, url: str, storm: Storm, *, cured: bool = False) -> None:
        self._arguments = url, storm.groups, cured
        self._running = [self._start_one() for _ in range(storm.consumers)]
        self._chance, self._every = random.Random(storm.seed), storm.kill_every  # noqa: S311 - repeatable
        self._next = time.monotonic() + self._every
        self._since: dict[int, float] = {}
        self.kills = 0

    def _start_one(self) -> tuple[Any, Any]:
        ready = SPAWN.Event()
        return _started(consume, *self._arguments, ready), ready

    def maybe_kill(self) -> None:
        """Kill one that has been at work for a while (starting takes longer), if it is time to."""
        now = time.monotonic()
        for number, (_, ready) in enumerate(self._running):
            if ready.is_set():
                self._since.setdefault(number, now)
        seasoned = [number for number, since in self._since.items() if now - since > self._every / 2]
        if now < self._next or not seasoned:
            return
        victim = self._chance.choice(sorted(seasoned))
        process, _ = self._running[victim]
        process.kill()
        process.join()
        del self._since[victim]
        self._running[victim] = self._start_one()
        self._next = now + self._every * self._chance.uniform(0.5, 1.5)
        self.kills += 1

    def stop(self) -> None:
        """End all of them, as roughly."""
        for process, _ in self._running:
            process.kill()
            process.join()


def _started(target: Callable[..., None], *arguments: Any) -> Any:
    process = SPAWN.Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


def run(database: DatabaseSession, storm: Storm, *, patience: float = 3600.0) -> Outcome:
    """Let it rage over a database, and look."""
    began, told = time.monotonic(), Outcome()
    url = database.config.sqlalchemy_url.render_as_string(hide_password=False)
    with database.system_session() as session:
        for number in range(storm.organizations):
            OrganizationRepository(session).create(name=f"Storm {number}", slug=f"storm-{number}")
    consumers = Consumers(url, storm)
    try:
        writers = [_started(append, url, storm, number) for number in range(storm.writers)]
        end = began + patience
        while any(writer.is_alive() for writer in writers) or not _through(database, storm):
            consumers.maybe_kill()
            _wait(end)
        if any(writer.exitcode for writer in writers):
            raise RuntimeError("a writer failed")
    finally:
        consumers.stop()
    told.kills = consumers.kills
    log = _log(database, storm)
    told.committed = sum(map(len, log.values()))
    dead = _dead(database, storm)
    poison = {event.id for events in log.values() for event in events if event.payload["poison"]}
    told.poison, told.dead_letters = len(poison), len(dead)
    told.poison_is_dead = sorted(dead) == sorted(
        (key, f"group-{g}") for key in poison for g in range(storm.groups)
    )
    told.once_and_in_order = _compare(database, storm, log, told.wrong, last=())
    _redrive(database, storm)
    _settle(database, url, storm, end)
    told.redriven = not _dead(database, storm) and _compare(database, storm, log, told.wrong, last=poison)
    _replay(database, storm)
    _settle(database, url, storm, end)
    told.replayed_the_same = _compare(database, storm, log, told.wrong, last=None)
    told.seconds = round(time.monotonic() - began, 1)
    return told


def _wait(end: float) -> None:
    if time.monotonic() > end:
        raise TimeoutError("the facts did not arrive in time")
    time.sleep(0.1)


def _through(database: DatabaseSession, storm: Storm) -> bool:
    with database.system_session(read_only=True) as session:
        if EventLogRepository(session).unnumbered():
            return False
        return not any(
            one.behind or one.pending for one in standing(session, groups_of(handlers(storm.groups)))
        )


def _settle(database: DatabaseSession, url: str, storm: Storm, end: float) -> None:
    """Deliver with the cause mended, undisturbed, until all is through."""
    consumers = Consumers(url, storm, cured=True)
    try:
        while not _through(database, storm):
            _wait(end)
    finally:
        consumers.stop()


def _each(database: DatabaseSession, storm: Storm) -> Iterator[tuple[str, Session]]:
    for number in range(storm.organizations):
        with database.get_session(f"storm-{number}") as session:
            yield f"storm-{number}", session


def _log(database: DatabaseSession, storm: Storm) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for name, session in _each(database, storm):
        events, place = [], 0
        while page := EventRepository(session).after(place, types=["Stormed"]):
            events += page
            place = page[-1].position or 0
        found[name] = events
    return found


def _dead(database: DatabaseSession, storm: Storm) -> list[tuple[Any, str]]:
    return [
        (row.event_id, row.consumer)
        for _, session in _each(database, storm)
        for row in EventDeliveryRepository(session).get_all(limit=1000, state="dead")
    ]


def _redrive(database: DatabaseSession, storm: Storm) -> None:
    for _, session in _each(database, storm):
        deliveries = EventDeliveryRepository(session)
        deliveries.redrive([row.id for row in deliveries.get_all(limit=1000, state="dead")])


def _replay(database: DatabaseSession, storm: Storm) -> None:
    for _, session in _each(database, storm):
        notifications = NotificationRepository(session)
        for row in notifications.get_all(limit=1000):
            notifications.delete(row.id)
        for group in groups_of(handlers(storm.groups)):
            replay(session, group.name, position=1)


def _compare(
    database: DatabaseSession, storm: Storm, log: dict[str, list[Any]], wrong: list[str], *, last: Any
) -> bool:
    """Compare each group's hashes with those that the log gives; note what differs.

    `last`: facts that came after all others of their aggregate; () leaves poison out, None has it in place.
    """
    before = len(wrong)
    for name, session in _each(database, storm):
        expected: dict[str, str] = defaultdict(str)
        ordered = log[name] if last is None else [event for event in log[name] if not event.payload["poison"]]
        ordered = ordered + [event for event in log[name] if last and event.id in last]
        for event in ordered:
            expected[event.aggregate_id] = extend(expected[event.aggregate_id], str(event.id))
        rows = NotificationRepository(session).get_all(limit=1000)
        for group in groups_of(handlers(storm.groups)):
            found = {
                row.message_id.partition(":")[2]: row.body for row in rows if row.recipient == group.name
            }
            wrong += [
                f"{name} {group.name} {key}"
                for key in expected.keys() | found.keys()
                if expected.get(key) != found.get(key)
            ]
    return len(wrong) == before


def main() -> None:
    """Run, print; end with 1 if anything was lost, doubled or out of order."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--short", action="store_true", help="4 writers with 300 facts each")
    parser.add_argument("--json", action="store_true", help="print JSON")
    for name, value in asdict(Storm()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=None)
    parser.add_argument("--only", choices=("SQLite", "PostgreSQL"), default=None)
    asked = parser.parse_args()
    small = {"writers": 4, "facts": 300, "kill_every": 2.0} if asked.short else {}
    given = {name: getattr(asked, name) for name in asdict(Storm()) if getattr(asked, name) is not None}
    storm, told = Storm(**(small | given)), {}
    with databases() as found:
        for name, database in found.items():
            if asked.only in {None, name}:
                told[name] = run(database, storm)
    if asked.json:
        print(json.dumps({name: asdict(outcome) for name, outcome in told.items()}, indent=2))
    else:
        for line in table(told):
            print(line)
    sys.exit(0 if all(outcome.good for outcome in told.values()) else 1)


def table(told: dict[str, Outcome]) -> Iterator[str]:
    """Yield the lines of a table."""
    yield f"{'':<22}" + "".join(f"{name:>14}" for name in told)
    for name in asdict(Outcome()):
        values = [getattr(outcome, name) for outcome in told.values()]
        shown = [len(one) if isinstance(one, list) else one for one in values]
        cells = ["yes" if one is True else "NO" if one is False else f"{one:,}" for one in shown]
        yield f"{name.replace('_', ' '):<22}" + "".join(f"{cell:>14}" for cell in cells)


if __name__ == "__main__":
    main()
