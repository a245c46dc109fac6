"""Takes a database away for a while, really: its server refuses everybody, or somebody holds its lock."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
from psycopg import sql

from postgres import Server
from procur.db import DatabaseConfig, DatabaseSession

ALLOW = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
END = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"


@contextmanager
def away(database: DatabaseSession, server: Server | None) -> Iterator[None]:
    """Nobody can write while this lasts; on PostgreSQL nobody can even connect."""
    url = database.config.sqlalchemy_url
    if url.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(url.database), isolation_level=None)) as holder:
            holder.execute("BEGIN EXCLUSIVE")
            yield
            holder.execute("ROLLBACK")
        return
    assert server is not None
    name = str(url.database)
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(ALLOW.format(sql.Identifier(name), sql.SQL("false")))
        connection.execute(END, [name])
    try:
        yield
    finally:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(ALLOW.format(sql.Identifier(name), sql.SQL("true")))


def impatient(database: DatabaseSession) -> DatabaseSession:
    """Return the same database for somebody who does not wait long for a lock."""
    return DatabaseSession(DatabaseConfig(database.config.database_url, busy_timeout=0.05))
