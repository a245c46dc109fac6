"""What the audit trail costs: a hash chain inside the business transaction against sealing after the commit.

Both write the same business row and the same audit row, in the same run, with concurrent writers for one
organisation and for eight. The chain locks its organisation's head until the transaction ends, as Procur did
before revision 0007; sealing leaves a row in the queue and lets one sealer work beside the writers.

    python benchmarks/audit_trail.py [--short] [--json]
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from procur.audit.seal import seal_waiting
from procur.audit.verify import verify
from procur.core.ids import uuid7
from procur.db import DatabaseSession
from procur.db.base import utc_now
from procur.db.models import AuditLogRecord, AuditUnsealedRecord, EventRecord
from procur.db.repositories import OrganizationRepository
from procur.db.tenancy import enter

TENANTS = (1, 8)
WRITERS = 8
ENTRIES: Any = AuditLogRecord.__table__
WAITING: Any = AuditUnsealedRecord.__table__
EVENTS: Any = EventRecord.__table__
CHAIN = (
    "CREATE TABLE bench_chain (organization_id TEXT PRIMARY KEY, size INTEGER NOT NULL, hash TEXT NOT NULL)"
)
LINKS = "CREATE TABLE bench_links (organization_id TEXT, size INTEGER, hash TEXT, PRIMARY KEY (hash, size))"


def business(connection: Connection, owner: UUID) -> dict[str, Any]:
    """Write a business row and its audit row; return the latter."""
    now = utc_now()
    row = {
        "organization_id": owner,
        "id": uuid7(),
        "actor_type": "user",
        "actor_id": "somebody@example.com",
        "action": "request_moved",
        "event_category": "general",
        "severity": "info",
        "resource_type": "request",
        "resource_id": "REQ-2026-00001",
        "event_data": {"from": "draft", "to": "pending"},
        "changes": {},
        "description": "REQ-2026-00001: draft → pending",
        "created_at": now,
    }
    fact = {
        "organization_id": owner,
        "id": uuid7(),
        "type": "RequestMoved",
        "aggregate_type": "request",
        "aggregate_id": "REQ-2026-00001",
        "payload": {},
        "metadata": {},
        "priority": 0,
        "occurred_at": now,
        "created_at": now,
        "updated_at": now,
    }
    connection.execute(EVENTS.insert(), fact)
    connection.execute(ENTRIES.insert(), row)
    return row


def chained(connection: Connection, owner: UUID) -> None:
    """Count and lock the head first, as the number and the previous hash stand in the entry."""
    key = {"o": owner.hex}
    step = text("UPDATE bench_chain SET size = size + 1 WHERE organization_id = :o RETURNING size, hash")
    size, previous = connection.execute(step, key).one()
    row = business(connection, owner)
    content = json.dumps({**row, "previous": previous}, default=str, sort_keys=True)
    link = hashlib.sha256(content.encode()).hexdigest()
    connection.execute(text("INSERT INTO bench_links VALUES (:o, :n, :h)"), {**key, "n": size, "h": link})
    connection.execute(
        text("UPDATE bench_chain SET hash = :h WHERE organization_id = :o"), {**key, "h": link}
    )


def queued(connection: Connection, owner: UUID) -> None:
    """Leave a row in the queue."""
    row = business(connection, owner)
    connection.execute(
        WAITING.insert(), {name: row[name] for name in ("organization_id", "created_at", "id")}
    )


def rate(
    database: DatabaseSession, owners: list[UUID], write: Callable[[Connection, UUID], None], seconds: float
) -> float:
    """Return transactions per second of eight writers; what is queued is sealed beside them."""
    counts, end = [0] * WRITERS, time.perf_counter() + seconds

    def work(number: int) -> None:
        owner = owners[number % len(owners)]
        while time.perf_counter() < end:
            with database.engine.begin() as connection:
                enter(connection, owner)
                write(connection, owner)
            counts[number] += 1

    def sealer() -> None:
        while time.perf_counter() < end:
            time.sleep(0.25)
            for owner in owners:
                seal_waiting(lambda owner=owner: database.get_session(owner))

    jobs = [threading.Thread(target=work, args=(number,)) for number in range(WRITERS)]
    if write is queued:
        jobs.append(threading.Thread(target=sealer))
    start = time.perf_counter()
    for job in jobs:
        job.start()
    for job in jobs[:WRITERS]:
        job.join()
    taken = time.perf_counter() - start
    for job in jobs:
        job.join()
    return sum(counts) / taken


def sealing(database: DatabaseSession, owner: UUID, number: int) -> tuple[float, float]:
    """Return entries sealed per second, and entries verified per second, one process."""
    with database.engine.begin() as connection:
        enter(connection, owner)
        for _ in range(number):
            queued(connection, owner)
    start = time.perf_counter()
    sealed = seal_waiting(lambda: database.get_session(owner)).sealed
    middle = time.perf_counter()
    with database.get_session(owner, read_only=True) as session:
        report = verify(session)
    if not report.intact or sealed < number:
        raise SystemExit(f"the trail does not verify: {report.problems}")
    return sealed / (middle - start), report.sealed / (time.perf_counter() - middle)


def measure(database: DatabaseSession, seconds: float, entries: int) -> dict[str, Any]:
    """Measure one database."""
    database.create_all_tables()
    with database.system_session() as session:
        organizations = OrganizationRepository(session)
        owners = [organizations.create(name=f"O{n}", slug=f"bench-{n}").id for n in range(max(TENANTS) + 1)]
    with database.engine.begin() as connection:
        connection.execute(text(CHAIN))
        connection.execute(text(LINKS))
        for owner in owners:
            connection.execute(text("INSERT INTO bench_chain VALUES (:o, 0, '')"), {"o": owner.hex})
    told: dict[str, Any] = {}
    for tenants in TENANTS:
        both = {
            name: rate(database, owners[:tenants], write, seconds)
            for name, write in (("chain", chained), ("sealed", queued))
        }
        told[f"{tenants} organisations"] = {**both, "ratio": both["sealed"] / both["chain"]}
    told["sealing"], told["verifying"] = sealing(database, owners[-1], entries)
    return told


@contextmanager
def databases() -> Iterator[dict[str, str]]:
    """Lend an empty SQLite file and the PostgreSQL of the tests.

    That server does not wait for the disk; one that does keeps the chain's lock longer, so the ratio grows.
    """
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    import postgres

    folder = Path(tempfile.mkdtemp(prefix="procur-bench-"))
    server = postgres.start(os.getpid())
    try:
        yield {"SQLite": f"sqlite:///{folder / 'bench.db'}", "PostgreSQL": server.url}
    finally:
        postgres.stop(server)
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--short", action="store_true", help="a second per figure and fewer entries")
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args()
    seconds, entries = (0.5, 1000) if asked.short else (5.0, 20_000)
    told: dict[str, Any] = {}
    with databases() as found:
        for name, url in found.items():
            database = DatabaseSession(url)
            try:
                told[name] = measure(database, seconds, entries)
            finally:
                database.close()
    if asked.json:
        print(json.dumps(told, indent=2))
        return
    for name, figures in told.items():
        print(f"{name}, {WRITERS} writers, transactions/s")
        for tenants in TENANTS:
            one = figures[f"{tenants} organisations"]
            print(
                f"  {tenants} organisation(s): chain {one['chain']:6.0f}   sealed later {one['sealed']:6.0f}"
                f"   {one['ratio']:.1f} x"
            )
        print(f"  sealing {figures['sealing']:.0f} entries/s, verifying {figures['verifying']:.0f} entries/s")


if __name__ == "__main__":
    main()
