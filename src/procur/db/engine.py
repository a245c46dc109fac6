"""One engine per database: what SQLite and PostgreSQL each need to be safe under several writers."""

import sqlite3
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import QueuePool

from procur.core.errors import NotConfigured
from procur.core.ids import uuid7
from procur.db.config import DatabaseConfig
from procur.db.failures import READ_ONLY, translate

SCOPE = "procur_scope"  # execution option: the session's facts, among them whose rows it may see
FILE = "procur_file"  # what a SQLite connection remembers about its file
EVERY = "*"  # the organisation of a session that sees all of them


def build_engine(config: DatabaseConfig) -> Engine:
    """Return an engine for the configured database; nothing is connected yet."""
    url = config.sqlalchemy_url
    options: dict[str, Any] = {"echo": config.echo, "echo_pool": config.echo_pool}
    if url.get_backend_name() == "sqlite":
        options |= _pool(config)
        # isolation_level=None leaves BEGIN to us: the driver's own begins too late to protect what was read.
        options["connect_args"] = {"isolation_level": None, "timeout": config.busy_timeout}
        engine = _in_memory(options) if config.in_memory else create_engine(url, **options)
        event.listen(engine, "connect", _prepare_sqlite)
        if not config.in_memory:
            event.listen(engine, "connect", _remember_file)
            event.listen(engine, "checkout", _refuse_moved_file)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        engine = _postgres(url, options | _pool(config) | {"pool_pre_ping": config.pool_pre_ping})
    event.listen(engine, "handle_error", translate, retval=True)
    return engine


def _pool(config: DatabaseConfig) -> dict[str, Any]:
    return {
        "poolclass": QueuePool,
        "pool_size": config.pool_size,
        "max_overflow": config.max_overflow,
        "pool_timeout": config.pool_timeout,
        "pool_recycle": config.pool_recycle,
    }


def _in_memory(options: dict[str, Any]) -> Engine:
    """Return an engine for a new database in memory, the same one for every thread of this process.

    SQLAlchemy's own way gives each thread a database for itself; one connection for all mixes transactions.
    """
    name = f"file:/procur-{uuid7().hex}"  # a leading slash: shared by the connections of this process
    engine = create_engine(
        URL.create("sqlite", database=name, query={"vfs": "memdb", "uri": "true"}), **options
    )
    # The database goes with its last connection, and the pool closes its own ones now and then.
    anchor = sqlite3.connect(f"{name}?vfs=memdb", uri=True, check_same_thread=False)
    event.listen(engine, "engine_disposed", lambda _engine: anchor.close())
    return engine


def _postgres(url: URL, options: dict[str, Any]) -> Engine:
    url = _with_driver(url)
    older = url.get_driver_name() == "psycopg2"
    usual = {"connect_timeout": 10, "application_name": "procur"}
    arguments: dict[str, Any] = {name: value for name, value in usual.items() if name not in url.query}
    if not older:
        # autocommit leaves BEGIN to us, so that it says in the same message whose rows may be seen.
        arguments["autocommit"] = True
    try:
        engine = create_engine(url, connect_args=arguments, **options)
    except ModuleNotFoundError as error:
        raise NotConfigured(
            "the PostgreSQL driver is not installed", hint="pip install 'procur[postgres]'"
        ) from error
    event.listen(engine, "begin", _prepare_begin)
    engine.dialect.do_begin = _begin_psycopg2 if older else _begin_postgres  # type: ignore[method-assign,assignment]
    return engine


def _with_driver(url: URL) -> URL:
    """Name psycopg2 where the address names no driver and psycopg 3 is not installed."""
    if "+" in url.drivername or find_spec("psycopg") is not None or find_spec("psycopg2") is None:
        return url
    return url.set(drivername="postgresql+psycopg2")


def _remember_file(connection: sqlite3.Connection, record: Any) -> None:
    path = connection.execute("PRAGMA database_list").fetchone()[2]
    record.info[FILE] = path, _identity(path)


def _refuse_moved_file(_connection: sqlite3.Connection, record: Any, _proxy: object) -> None:
    """Open the file anew when it was moved or replaced since: what went into the old one would be lost."""
    path, known = record.info[FILE]
    if _identity(path) != known:
        raise DisconnectionError("the database file is another one")


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = Path(path).stat() if path else None  # none: SQLite's own temporary database
    except OSError:
        found = None
    return None if found is None else (found.st_dev, found.st_ino)


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA synchronous=NORMAL")
    _use_wal(cursor)
    cursor.close()


def _use_wal(cursor: sqlite3.Cursor) -> None:
    """Switch to the write-ahead log; the busy timeout does not cover this, so two starters would collide."""
    for attempt in range(50):
        try:
            if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or attempt == 49:  # noqa: PLR2004 - the last attempt
                return  # read-only files keep their mode; what is broken shows with the first statement
            time.sleep(0.02)
        except sqlite3.DatabaseError:
            return
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    only_reads = bool(connection.get_execution_options().get(READ_ONLY))
    if connection.info.get(READ_ONLY, False) != only_reads:
        connection.exec_driver_sql(f"PRAGMA query_only={'ON' if only_reads else 'OFF'}")
        connection.info[READ_ONLY] = only_reads
    # Deferred transactions lose updates or fail at the first write; taking the lock at once waits instead.
    connection.exec_driver_sql("BEGIN" if only_reads else "BEGIN IMMEDIATE")


def _prepare_begin(connection: Connection) -> None:
    connection.connection.info[SCOPE] = _begin_statement(connection.get_execution_options())


def _begin_statement(options: Mapping[str, Any]) -> str:
    begin = "BEGIN READ ONLY" if options.get(READ_ONLY) else "BEGIN"
    scope: Mapping[str, Any] = options.get(SCOPE) or {}
    every = "on" if scope.get("organization") == EVERY else ""
    known: UUID | str = scope.get("organization_id") or ""
    # Always both: what somebody has set for the whole connection must not outlast their transaction.
    return f"{begin}; SET LOCAL procur.every = '{every}'; SET LOCAL procur.organization = '{known}'"


def _begin_psycopg2(connection: Any) -> None:
    """Say what goes with BEGIN, which this driver sends itself before the first statement."""
    begin, _, settings = connection.info.pop(SCOPE, "BEGIN").partition("; ")
    first = "SET TRANSACTION READ ONLY; " if begin.endswith("READ ONLY") else ""
    if first or settings:
        with connection.dbapi_connection.cursor() as cursor:
            cursor.execute(f"{first}{settings}")


def _begin_postgres(connection: Any) -> None:
    """Begin (SQLAlchemy's `do_begin`); never prepared, because a prepared statement is a single one."""
    connection.dbapi_connection.execute(connection.info.pop(SCOPE, "BEGIN"), prepare=False)
