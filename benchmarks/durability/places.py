"""Databases for the benchmarks: an empty one of each kind, gone at the end."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from procur.db import DatabaseSession


@contextmanager
def databases() -> Iterator[dict[str, DatabaseSession]]:
    """Lend an empty, migrated database of each kind."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))
    import postgres

    folder = Path(tempfile.mkdtemp(prefix="procur-bench-"))
    server = postgres.start(os.getpid())
    found = {
        "SQLite": DatabaseSession(f"sqlite:///{folder / 'bench.db'}"),
        "PostgreSQL": DatabaseSession(server.url),
    }
    try:
        for database in found.values():
            database.create_all_tables()
        yield found
    finally:
        for database in found.values():
            database.close()
        postgres.stop(server)
        shutil.rmtree(folder, ignore_errors=True)
