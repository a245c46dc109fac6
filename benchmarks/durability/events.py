"""How fast facts are numbered and delivered, and how soon a handler hears of one while nothing else happens.

    python benchmarks/durability/events.py [--short] [--json]

`numbered` and `delivered` are facts per second with a backlog; the handler writes one row per fact. `idle` is
the time from before the commit that writes a fact to the handler's call, one fact at a time: within one
process, and from another one.
"""

import argparse
import json
import multiprocessing
import queue
import statistics
import threading
import time
from typing import Any
from uuid import uuid4

from places import databases

from procur.db import DatabaseSession, Session
from procur.db.repositories import EventRepository, NotificationRepository
from procur.events.bus import Bus
from procur.events.event import Event
from procur.events.handlers import Handler
from procur.events.inprocess import deliver
from procur.events.numbering import number

AGGREGATES = 200


def write(database: DatabaseSession, count: int, *, batch: int = 500) -> None:
    """Commit so many facts."""
    for start in range(0, count, batch):
        with database.get_session() as session:
            for one in range(start, min(start + batch, count)):
                _append(session, one)


def _append(session: Session, one: int) -> None:
    EventRepository(session).append(
        type="Measured",
        aggregate_type="thing",
        aggregate_id=f"t{one % AGGREGATES}",
        payload={"number": one, "at": time.time()},
    )


def _note(session: Session, event: Event) -> None:
    NotificationRepository(session).create(
        recipient="somebody@example.com",
        channel="in_app",
        subject=event.type,
        body=str(event.payload["number"]),
        message_id=str(uuid4()),
    )


def throughput(database: DatabaseSession, count: int) -> dict[str, float]:
    """Return facts per second: numbered, and delivered to one group that writes a row for each."""
    write(database, count)
    began = time.perf_counter()
    number(database)
    numbered = time.perf_counter()
    taken = deliver(database, [Handler("rows", frozenset(), _note)])
    ended = time.perf_counter()
    if taken != count:
        raise RuntimeError(f"{taken} of {count} facts arrived")
    return {"numbered": round(count / (numbered - began)), "delivered": round(count / (ended - numbered))}


def latency(database: DatabaseSession, count: int, *, elsewhere: bool) -> dict[str, float]:
    """Return milliseconds from append to handler: p50, p95, worst."""
    heard: queue.Queue[float] = queue.Queue()

    def hear(_session: Session, event: Event) -> None:
        heard.put(time.time() - event.payload["at"])

    taken = []
    pause = threading.Event()
    with Bus(database, [Handler(f"ear-{elsewhere}", frozenset({"Measured"}), hear, from_beginning=False)]):
        _warm(database, heard)
        writer, ask = _writer(database, elsewhere)
        for one in range(count):
            pause.wait(0.03)
            ask(one)
            taken.append(heard.get(timeout=30) * 1000)
        if writer is not None:
            writer.terminate()
            writer.join()
    taken.sort()
    p95 = taken[int(len(taken) * 0.95)]
    return {"p50": round(statistics.median(taken), 1), "p95": round(p95, 1), "worst": round(taken[-1], 1)}


def _warm(database: DatabaseSession, heard: "queue.Queue[float]") -> None:
    """Write until the bus hears: a group that leaves out the past begins when it is first seen."""
    for _ in range(100):
        write(database, 1)
        try:
            heard.get(timeout=0.5)
        except queue.Empty:
            continue
        break
    time.sleep(0.5)
    while not heard.empty():
        heard.get()


def _writer(database: DatabaseSession, elsewhere: bool) -> tuple[Any, Any]:
    if not elsewhere:
        return None, lambda one: _one(database, one)
    context = multiprocessing.get_context("spawn")
    asked: Any = context.Queue()
    url = database.config.sqlalchemy_url.render_as_string(hide_password=False)
    process = context.Process(target=_write_when_asked, args=(url, asked), daemon=True)
    process.start()
    return process, asked.put


def _one(database: DatabaseSession, one: int) -> None:
    with database.get_session() as session:
        _append(session, one)


def _write_when_asked(url: str, asked: Any) -> None:
    database = DatabaseSession(url)
    with database.get_session(read_only=True) as session:
        EventRepository(session).count()
    while True:
        _one(database, asked.get())


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--short", action="store_true", help="fewer facts")
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args()
    count, times = (2000, 20) if asked.short else (20_000, 200)
    told: dict[str, Any] = {}
    with databases() as found:
        for name, database in found.items():
            told[name] = {
                "facts_per_second": throughput(database, count),
                "idle_ms": latency(database, times, elsewhere=False),
                "idle_ms_from_another_process": latency(database, times, elsewhere=True),
            }
    if asked.json:
        print(json.dumps(told, indent=2))
        return
    for name, figures in told.items():
        print(f"{name}:")
        for what, values in figures.items():
            print(
                f"  {what.replace('_', ' ')}: "
                + ", ".join(f"{key} {value:,}" for key, value in values.items())
            )


if __name__ == "__main__":
    main()
