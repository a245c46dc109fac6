"""Empty jobs per second with two processes and the idle latency: ours, with --peers others as well.

The jobs are asked for first; then two worker processes do them, and the rate is taken from the middle of the
run. `--short` does fewer.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import our_worker
import peers

from procur.db import DatabaseSession
from procur.jobs.kinds import Kind

HERE = Path(__file__).parent
BATCH = 500
WANTED = 1500  # empty jobs a second


def our_peer(database: DatabaseSession, kind: Kind[our_worker.Nothing], name: str) -> peers.Peer:
    """Return two of our worker processes on this database, for jobs of this kind."""
    database.create_all_tables()
    worker = ("python", str(HERE / "our_worker.py"), database.config.database_url)

    def ask(number: int) -> None:
        for _ in range(0, number, BATCH):
            with database.get_session() as session:
                for _ in range(BATCH):
                    kind.ask(session, our_worker.Nothing())

    def left() -> int:
        with database.system_session(read_only=True) as session:
            found = session.execute("SELECT count(*) FROM jobs WHERE state IN ('ready', 'running')")
            return int(found.scalar_one())

    def ping(port: int) -> None:
        with database.get_session() as session:
            our_worker.ANSWER.ask(session, our_worker.Port(port))

    return peers.Peer(name, {}, (worker, worker), ask, ping, left)


def ours(postgres_url: Callable[[str], str], folder: Path) -> Iterator[peers.Peer]:
    """Return our four: with and without a row, on SQLite and on PostgreSQL."""
    for kind, what in ((our_worker.NOTHING, "empty"), (our_worker.ROW, "one row each")):
        lite, server = f"sqlite:///{folder / kind.name}.db", postgres_url(kind.name)
        yield our_peer(DatabaseSession(lite), kind, f"Procur, SQLite, {what}")
        yield our_peer(DatabaseSession(server), kind, f"Procur, PostgreSQL, {what}")


def our_figures(jobs: int) -> list[peers.Figures]:
    """Measure ours on servers of their own."""
    sys.path.insert(0, str(HERE.parents[1] / "tests"))
    import psycopg

    import postgres

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="procur-bench-")))
        server: Any = postgres.start(os.getpid())
        stack.callback(postgres.stop, server)

        def url(name: str) -> str:
            with psycopg.connect(server.url, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE bench_{name}")
            base, _, options = server.url.partition("?")
            address: str = base.rpartition("/")[0] + f"/bench_{name}"
            return f"{address}?{options}" if options else address

        return [peers.measure(peer, jobs) for peer in ours(url, folder)]


def main() -> None:
    """Print the table; fail when ours is slower than promised."""
    jobs = 2000 if "--short" in sys.argv else 10_000
    found = our_figures(jobs) + (peers.all_figures(jobs) if "--peers" in sys.argv else [])
    for one in found:
        print(f"{one.name:<34} {one.jobs_per_second:8.0f} jobs/s   p50 {one.latency_ms:7.1f} ms")
    if any(one.jobs_per_second < WANTED for one in found[:2]):
        raise SystemExit(f"fewer than {WANTED} empty jobs a second")


if __name__ == "__main__":
    main()
