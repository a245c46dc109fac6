"""Clean databases for single tests: copies of one that is migrated once.

On PostgreSQL one role owns the tables and another one, which cannot pass the walls, runs the tests.
"""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import make_url

import shelf
from postgres import Server, locked
from procur.db import DatabaseSession, roles

OWNER, APPLICATION = "procur_test_owner", "procur_test_app"
_PASSWORD = "procur"  # servers that trust local connections do not ask for it


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
            for role in (OWNER, APPLICATION):
                _make_role(connection, role)
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(OWNER))
            )
        database = DatabaseSession(address(server, name, OWNER))
        database.create_all_tables()
        roles.create(database.engine, APPLICATION, None)
        database.close()
        note.write_text(name)
        return name


def _make_role(connection: "psycopg.Connection[Any]", role: str) -> None:
    make = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
    with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):  # another worker's
        connection.execute(make.format(sql.Identifier(role), sql.Literal(_PASSWORD)))


def drop(server: Server, name: str) -> None:
    """Drop a database, whoever is connected to it."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def postgres_database(server: Server, template: str | None) -> Iterator[DatabaseSession]:
    """Lend a copy of the template (None: an empty database)."""
    name = shelf.take(template) if template else None
    if name is None:
        name = _create(server, template)
        if template:
            shelf.note(template, server, name)
    database = DatabaseSession(address(server, name, APPLICATION if template else OWNER))
    try:
        yield database
    finally:
        database.close()
        if not (template and shelf.give_back(template, server, name)):
            drop(server, name)


def _create(server: Server, template: str | None) -> str:
    name = f"procur_test_{uuid.uuid4().hex}"
    make = sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(OWNER))
    if template is not None:
        make += sql.SQL(" TEMPLATE {} STRATEGY file_copy").format(sql.Identifier(template))
    with psycopg.connect(server.url, autocommit=True) as connection:
        _make_role(connection, OWNER)
        connection.execute(make)
    return name


def address(server: Server, database: str, role: str) -> str:
    """Return the URL by which a role reaches one database of the server."""
    url = make_url(server.url).set(database=database, username=role, password=_PASSWORD)
    return url.render_as_string(hide_password=False)


@contextmanager
def owner_of(database: DatabaseSession) -> Iterator[DatabaseSession]:
    """Lend the database as its owner has it, who may change the schema; on SQLite there is no difference."""
    url = database.config.sqlalchemy_url
    if url.get_backend_name() == "sqlite":
        yield database
        return
    owners = DatabaseSession(url.set(username=OWNER).render_as_string(hide_password=False))
    try:
        yield owners
    finally:
        owners.close()
