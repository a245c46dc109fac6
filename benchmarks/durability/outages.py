"""PostgreSQL and Redis killed again and again while chains of work run: nothing lost, nothing twice.

PostgreSQL (waiting for its disk, as in production): its processes get SIGKILL while two workers, two buses
and a writer stay up. Redis: SIGKILL, and FLUSHALL when it is back, while Celery's workers, the relay and
the streams stay up. After each return the chains begun before it have to end within ten seconds.

    python benchmarks/durability/outages.py [--short] [--only postgres|redis]
"""

import argparse
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import chains
import peers
import redis

from procur.core.errors import Unavailable
from procur.db import DatabaseSession
from procur.db.repositories import OrganizationRepository

ORGANIZATION = "outages"
PATIENCE = 90.0
OPEN = 8  # chains that are under way at once
DRAINED_WITHIN = 10.0


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one series of kills."""

    name: str
    kills: int
    counts: dict[str, chains.Count]
    slowest_drain: float

    @property
    def right(self) -> bool:
        """Say whether nothing was lost, doubled, out of order or late."""
        return all(one.right for one in self.counts.values()) and self.slowest_drain <= DRAINED_WITHIN


def series(name: str, database: DatabaseSession, kills: int, outage: Callable[[], None]) -> Result:
    """Write chains all the time, let the outage happen so many times, wait for the end, and count."""
    begun: list[str] = []
    over = threading.Event()

    def write() -> None:
        while not over.is_set():
            if under_way(database, begun) < OPEN:
                chain = f"chain-{len(begun) + 1}"
                chains.begin(database, ORGANIZATION, chain)
                begun.append(chain)
            over.wait(0.05)

    writer = threading.Thread(target=write)
    writer.start()
    slowest = 0.0
    try:
        while len(begun) <= OPEN:  # until the first one has ended: everybody is there
            time.sleep(0.05)
        for _ in range(kills):
            time.sleep(random.uniform(0.3, 0.9))  # noqa: S311 - any moment will do
            outage()
            slowest = max(slowest, drained(database, set(begun)))
    finally:
        over.set()
        writer.join()
    drained(database, set(begun))
    wait_for_groups(database, begun)
    counts = {what: chains.count(database, begun, what) for what in ("step", "first", "second")}
    return Result(name, kills, counts, slowest)


def under_way(database: DatabaseSession, begun: list[str]) -> int:
    """Return how many chains have not ended, as far as is known; the database may be away."""
    try:
        return len(begun) - len(chains.finished(database))
    except Unavailable:
        return OPEN


def drained(database: DatabaseSession, wanted: set[str]) -> float:
    """Wait until these chains have ended; return how many seconds that took."""
    start = time.monotonic()
    while time.monotonic() < start + PATIENCE:
        try:
            if wanted <= chains.finished(database):
                return time.monotonic() - start
        except Unavailable:
            pass
        time.sleep(0.05)
    missing = sorted(wanted - chains.finished(database))
    raise SystemExit(f"not finished after {PATIENCE:.0f} s: {missing[:10]}")


def wait_for_groups(database: DatabaseSession, begun: list[str]) -> None:
    """Wait until both groups have heard of every step, or until waiting is of no use."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if all(chains.count(database, begun, group).lost == 0 for group in ("first", "second")):
            return
        time.sleep(0.1)


def postgres_outages(kills: int) -> Result:
    """Kill PostgreSQL under workers that stay up."""
    import postgres
    import watching

    server = postgres.start(os.getpid(), durable=True)
    try:
        with prepared(server.url) as database, workers("threads", server.url, 2):

            def outage() -> None:
                watching.kill(server)
                time.sleep(0.2)
                watching.revive(server)

            return series("PostgreSQL killed", database, kills, outage)
    finally:
        postgres.stop(server)


def redis_outages(kills: int) -> Result:
    """Kill and empty Redis under Celery, the relay and the streams."""
    import postgres
    import redis_server
    import watching

    store = postgres.start(os.getpid(), durable=True)
    broker = redis_server.start(os.getpid(), persistence="everysec")
    try:
        variables = {
            "PROCUR_CELERY_BROKER_URL": f"{broker.url}/0",
            "PROCUR_EVENTS_REDIS_URL": f"{broker.url}/1",
        }
        with prepared(store.url) as database, workers("celery", store.url, 1, **variables):

            def outage() -> None:
                watching.kill(broker)
                time.sleep(0.2)
                watching.revive(broker)
                flush(broker.url)

            return series("Redis killed and emptied", database, kills, outage)
    finally:
        redis_server.stop(broker)
        postgres.stop(store)


def flush(url: str) -> None:
    """Empty a Redis as soon as it has read its file."""
    with redis.Redis.from_url(url) as client:
        while True:
            try:
                client.flushall()
            except redis.BusyLoadingError:
                time.sleep(0.02)
            else:
                return


@contextmanager
def prepared(url: str) -> Iterator[DatabaseSession]:
    """Lend a migrated database with an organisation."""
    database = DatabaseSession(url)
    database.create_all_tables()
    with database.system_session() as session:
        OrganizationRepository(session).create(name="Outages", slug=ORGANIZATION)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def workers(mode: str, url: str, number: int, **more: str) -> Iterator[None]:
    """Run the processes of one way of working, until the end."""
    variables = {"PROCUR_DB_URL": url, "PROCUR_LOG_LEVEL": "ERROR", **more}
    script = str(Path(__file__).parent / "outage_worker.py")
    commands: list[tuple[str, ...]] = [("python", script, mode)] * number
    if mode == "celery":
        options = ("--pool", "prefork", "--concurrency", "2", "--loglevel", "ERROR", "--without-mingle")
        commands.append(("celery", "-A", "outage_worker", "worker", *options))
    with ExitStack() as stack:
        stack.enter_context(peers.running(tuple(commands), variables))
        yield


def show(results: list[Result]) -> None:
    """Print the table."""
    print(
        f"{'':<26} {'kills':>5} {'what':<8} {'expected':>8} {'found':>8} lost double disorder  slowest drain"
    )
    for result in results:
        for what, one in result.counts.items():
            figures = f"{one.expected:>8,} {one.found:>8,} {one.lost:>4} {one.double:>6} {one.disordered:>8}"
            print(f"{result.name:<26} {result.kills:>5} {what:<8} {figures}  {result.slowest_drain:8.1f} s")


def main(arguments: list[str] | None = None) -> int:
    """Run, print, and return 1 when anything is not as promised."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--short", action="store_true", help="three kills of each instead of twenty")
    parser.add_argument("--kills", type=int, help="so many of each")
    parser.add_argument("--only", choices=("postgres", "redis"))
    asked = parser.parse_args(arguments)
    sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
    kills = asked.kills or (3 if asked.short else 20)
    ways: dict[str, Any] = {"postgres": postgres_outages, "redis": redis_outages}
    results = [run(kills) for name, run in ways.items() if asked.only in (None, name)]
    show(results)
    return 0 if all(result.right for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
