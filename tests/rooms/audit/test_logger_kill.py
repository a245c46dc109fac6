"""kill -9 at any moment: no acknowledged event is lost, none is there twice."""

import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import pytest

from procur.audit import AuditLogger
from procur.audit.lines import lines_from, parsed
from procur.audit.seal import seal_waiting
from procur.audit.verify import verify
from procur.db import DatabaseConfig, DatabaseSession
from procur.db.repositories import AuditRepository

pytestmark = pytest.mark.slow

ROUNDS = 12  # two processes are killed in each
QUEUED = 60


def work(url: str, folder: str, name: str, acknowledged: Connection) -> None:
    """Log events without end; tell the number of each one that was acknowledged."""
    logger = AuditLogger(folder, database=DatabaseSession(DatabaseConfig(url, busy_timeout=0.05)))
    number = 0
    while True:
        logger.log_event("step", {"who": name, "n": number}, user_id=name)
        acknowledged.send((name, number))
        number += 1


@pytest.fixture(scope="module")
def nursery() -> Any:
    """Processes that are forked from one which has imported everything and connected to nothing."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["procur.audit", "procur.db.repositories"])
    return context


class Children:
    """Two processes that log into the same folder."""

    def __init__(self, nursery: Any, url: str, folder: Path, round_number: int) -> None:
        self.processes, self._pipes = [], []
        for child in range(2):
            reader, writer = nursery.Pipe(duplex=False)
            name = f"{round_number}-{child}"
            process = nursery.Process(target=work, args=(url, str(folder), name, writer), daemon=True)
            process.start()
            writer.close()
            self.processes.append(process)
            self._pipes.append(reader)
        self.acknowledged: list[tuple[str, int]] = []

    def hear(self, number: int) -> None:
        """Wait until so many more events are acknowledged."""
        wanted = len(self.acknowledged) + number
        while len(self.acknowledged) < wanted:
            for pipe in wait(self._pipes, timeout=30):
                assert isinstance(pipe, Connection)
                self.acknowledged.append(pipe.recv())

    def kill(self) -> None:
        """Kill both at once, then hear what they had said."""
        for process in self.processes:
            process.kill()
        for process, pipe in zip(self.processes, self._pipes, strict=True):
            process.join()
            try:
                while True:
                    self.acknowledged.append(pipe.recv())
            except EOFError:
                pipe.close()
            process.close()


def test_kill_9_loses_no_acknowledged_event_and_doubles_none(
    nursery: Any, away: Any, database: DatabaseSession, logs: Path, counted: Callable[[int, str], None]
) -> None:
    chance = random.Random(7)
    acknowledged: list[tuple[str, int]] = []
    kills: Counter[str] = Counter()
    for round_number in range(ROUNDS):
        kind = ("stored", "spooled", "replayed")[round_number % 3]
        with ExitStack() as outage:
            if kind != "stored":
                outage.enter_context(away())
            children = Children(nursery, database.config.database_url, logs, round_number)
            children.hear(QUEUED if kind == "replayed" else chance.randint(1, 2 * QUEUED))
            if kind == "replayed":
                outage.close()
                time.sleep(chance.random() / 5)  # not to wait for something, but to kill at any moment
            children.kill()
        amid = kind == "replayed" and any((logs / "spool").glob("taken-*"))
        kills["amid a replay" if amid else kind] += len(children.processes)
        acknowledged += children.acknowledged

    logger = AuditLogger(logs, database=database)
    assert logger.replay().stopped_by is None
    written = [parsed(line) for path in logs.glob("*.jsonl") for line, _ in lines_from(path)]
    in_files = Counter((e["details"]["who"], e["details"]["n"]) for e in written if e is not None)
    in_database = Counter(_stored(database))
    stats = logger.get_stats()
    counted(sum(kills.values()), "SIGKILLs of processes that log: storing, spooling, replaying")
    counted(len(acknowledged), "audit events acknowledged under kill -9: 0 lost, 0 twice")
    assert sum(kills.values()) >= 20
    assert set(acknowledged) - set(in_files) == set()
    assert set(acknowledged) - set(in_database) == set()
    assert max(in_files.values()) == 1
    assert max(in_database.values()) == 1
    assert set(in_database) - set(in_files) == set()
    assert (stats["waiting"], stats["rejected"]) == (0, 0)
    assert seal_waiting(database.get_session).size == len(in_database)
    with database.get_session() as session:
        assert verify(session).intact


def _stored(database: DatabaseSession) -> Iterator[tuple[str, int]]:
    with database.get_session() as session:
        cursor = None
        while True:
            page = AuditRepository(session).page(limit=1000, cursor=cursor)
            yield from ((row.event_data["who"], row.event_data["n"]) for row in page.rows)
            cursor = page.next_cursor
            if cursor is None:
                return
