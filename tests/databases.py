"""Clean databases for single tests: copies of one that is migrated once."""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from postgres import Server, locked
from procur.db import DatabaseSession


def sqlite_template(folder: Path) -> Path:
    """Return a migrated file without a write-ahead log beside it."""
    path = folder / "template.db"
    database = DatabaseSession(f"sqlite:///{path}")
    database.create_all_tables()
    with database.engine.connect() as connection:
        connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return path


@contextmanager
def sqlite_database(template: Path, folder: Path) -> Iterator[DatabaseSession]:
    """Lend a copy of the template."""
    path = folder / "procur.db"
    shutil.copyfile(template, path)
    database = DatabaseSession(f"sqlite:///{path}")
    try:
        yield database
    finally:
        database.close()


def postgres_template(server: Server, folder: Path) -> str:
    """Migrate a template once for all workers; return its name."""
    with locked(folder / "template.lock"):
        note = folder / "template.name"
        if note.exists():
            return note.read_text()
        name = f"procur_template_{uuid.uuid4().hex}"
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        database = DatabaseSession(address(server, name))
        database.create_all_tables()
        database.close()
        note.write_text(name)
        return name


def drop(server: Server, name: str) -> None:
    """Drop a database, whoever is connected to it."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def postgres_database(server: Server, template: str | None) -> Iterator[DatabaseSession]:
    """Lend a copy of the template (None: an empty database)."""
    name = f"procur_test_{uuid.uuid4().hex}"
    make = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
    if template is not None:
        make += sql.SQL(" TEMPLATE {} STRATEGY file_copy").format(sql.Identifier(template))
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(make)
        database = DatabaseSession(address(server, name))
        try:
            yield database
        finally:
            database.close()
            drop(server, name)


def address(server: Server, database: str) -> str:
    """Return the URL of one database of the server."""
    return make_url(server.url).set(database=database).render_as_string(hide_password=False)
