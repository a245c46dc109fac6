"""A database that is away, read-only, full or of another schema: said plainly, and work goes on after it."""

import multiprocessing
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import event, text

import outages
from factories.terminal import Terminal
from postgres import Server
from procur.core.errors import Unavailable
from procur.db import DatabaseSession
from procur.db.base import SCHEMA_VERSION
from procur.db.repositories import VendorRepository

_NOBODY = 65534
Cause = Callable[[], AbstractContextManager[None]]


def write(database: DatabaseSession, vendor_id: str) -> None:
    with database.get_session() as session:
        VendorRepository(session).create(vendor_id=vendor_id, name=vendor_id)


def vendors(database: DatabaseSession) -> list[str]:
    with database.get_session(read_only=True) as session:
        return sorted(row.vendor_id for row in VendorRepository(session).get_all())


def refused(database: DatabaseSession, vendor_id: str) -> str:
    """Try to write, see it refused with a hint, return the message."""
    with pytest.raises(Unavailable) as caught:
        write(database, vendor_id)
    assert caught.value.hint
    assert "\n" not in caught.value.message
    assert "sqlite" not in caught.value.message.lower()
    assert "psycopg" not in caught.value.message.lower()
    return caught.value.message


@pytest.fixture
def away(request: pytest.FixtureRequest, database: DatabaseSession) -> Cause:
    sqlite = database.config.sqlalchemy_url.get_backend_name() == "sqlite"
    server = None if sqlite else request.getfixturevalue("postgres_server")
    return lambda: outages.away(database, server)


# -- away --------------------------------------------------------------------------------------------------


def test_who_meets_a_database_that_is_away_goes_on_when_it_is_back(
    database: DatabaseSession, away: Cause
) -> None:
    impatient = outages.impatient(database)
    write(impatient, "before")
    for attempt in range(2):
        with away():
            assert "cannot be reached" in (told := refused(impatient, "lost")) or "another process" in told
        write(impatient, f"after-{attempt}")
    assert vendors(impatient) == ["after-0", "after-1", "before"]
    impatient.close()


def test_a_connection_that_breaks_amid_a_transaction_breaks_only_that(
    postgres_database: DatabaseSession, postgres_server: Server
) -> None:
    for when in ("statement", "commit"):
        with pytest.raises(Unavailable, match="cannot be reached"):
            _break_amid(postgres_database, postgres_server, when)
        write(postgres_database, when)
    assert vendors(postgres_database) == ["commit", "statement"]


def _break_amid(database: DatabaseSession, server: Server, when: str) -> None:
    with database.get_session() as session:
        VendorRepository(session).create(vendor_id="lost", name="Lost")
        with psycopg.connect(server.url, autocommit=True) as other:
            other.execute(outages.END, [str(database.config.sqlalchemy_url.database)])
        if when == "statement":
            VendorRepository(session).count()


def test_all_pooled_connections_heal(postgres_database: DatabaseSession, postgres_server: Server) -> None:
    scopes = [postgres_database.get_session() for _ in range(4)]
    for scope in scopes:
        VendorRepository(scope.__enter__()).count()
    for scope in scopes:
        scope.close()
    with outages.away(postgres_database, postgres_server):
        assert not postgres_database.check_connection()
        refused(postgres_database, "lost")
    for number in range(5):
        write(postgres_database, f"v{number}")


def test_a_file_whose_folder_is_away_is_not_written_to_elsewhere(
    sqlite_database: DatabaseSession, tmp_path: Path
) -> None:
    folder, elsewhere = tmp_path / "data", tmp_path / "unmounted"
    folder.mkdir()
    sqlite_database.close()
    shutil.copyfile(str(sqlite_database.config.sqlalchemy_url.database), folder / "procur.db")
    database = DatabaseSession(f"sqlite:///{folder / 'procur.db'}")
    write(database, "before")
    folder.rename(elsewhere)
    assert "cannot be opened" in refused(database, "lost")
    elsewhere.rename(folder)
    write(database, "after")
    assert vendors(database) == ["after", "before"]
    database.close()


def test_a_backup_put_in_the_files_place_is_what_is_written_to(
    sqlite_database: DatabaseSession, tmp_path: Path
) -> None:
    path = Path(str(sqlite_database.config.sqlalchemy_url.database))
    sqlite_database.check_schema()
    backup = tmp_path / "backup.db"
    with sqlite3.connect(path) as source, sqlite3.connect(backup) as target:
        source.backup(target)
    source.close()
    target.close()
    write(sqlite_database, "lost with the old file")
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        (path.parent / name).unlink(missing_ok=True)
    backup.rename(path)
    write(sqlite_database, "restored")
    assert vendors(sqlite_database) == ["restored"]


# -- read-only -----------------------------------------------------------------------------------------------


@contextmanager
def read_only(database: DatabaseSession, server: Server | None) -> Iterator[None]:
    """Let nobody write: the server says so to its new connections, or SQLite to all of ours."""
    if server is None:
        event.listen(database.engine, "begin", _read_only_from_now)
        yield
        event.remove(database.engine, "begin", _read_only_from_now)
        event.listen(database.engine, "checkout", _read_and_write)
        return
    name = str(database.config.sqlalchemy_url.database)
    alter = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = {}")
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(alter.format(sql.Identifier(name), sql.SQL("on")))
        connection.execute(outages.END, [name])
        yield
        connection.execute(alter.format(sql.Identifier(name), sql.SQL("off")))


def _read_only_from_now(connection: Any) -> None:
    connection.exec_driver_sql("PRAGMA query_only = ON")


def _read_and_write(connection: sqlite3.Connection, *_: Any) -> None:
    connection.execute("PRAGMA query_only = OFF").close()


def test_a_read_only_database_can_be_read_and_is_written_again_later(
    database: DatabaseSession, request: pytest.FixtureRequest
) -> None:
    sqlite = database.config.sqlalchemy_url.get_backend_name() == "sqlite"
    write(database, "before")
    with read_only(database, None if sqlite else request.getfixturevalue("postgres_server")):
        assert "read-only" in refused(database, "lost")
        assert vendors(database) == ["before"]
        assert "read-only" in refused(database, "lost")
    write(database, "after")
    assert vendors(database) == ["after", "before"]


def _write_as_nobody(path: str, pipe: Connection) -> None:
    """Write a vendor for each name that comes through the pipe, without root's power over rights."""
    database = DatabaseSession(f"sqlite:///{path}")
    database.check_schema()
    database.close()
    if os.geteuid() == 0:
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)
    pipe.send("ready")
    while name := pipe.recv():
        try:
            write(database, name)
            pipe.send("written")
        except Unavailable as error:
            pipe.send(error.message)
    database.close()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter (pytest's own are its user's)."""
    folder = Path(tempfile.mkdtemp(prefix="procur-rights-"))
    folder.chmod(0o755)
    yield folder
    (folder / "data").chmod(0o755)
    shutil.rmtree(folder)


def test_a_file_without_the_right_to_write_is_said_and_heals(
    sqlite_template: Path, open_folder: Path
) -> None:
    data = open_folder / "data"
    data.mkdir()
    path = data / "procur.db"
    shutil.copyfile(sqlite_template, path)
    if os.geteuid() == 0:
        os.chown(data, _NOBODY, _NOBODY)
        os.chown(path, _NOBODY, _NOBODY)
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe()
    process = context.Process(target=_write_as_nobody, args=(str(path), theirs), daemon=True)
    process.start()
    assert ours.recv() == "ready"

    def told(name: str) -> Any:
        ours.send(name)
        assert ours.poll(30)
        return ours.recv()

    path.chmod(0o444)
    data.chmod(0o555)
    assert told("lost") == "the database is read-only"
    path.chmod(0o644)
    data.chmod(0o755)
    assert told("v1") == "written"
    ours.send("")
    process.join()
    process.close()


# -- full --------------------------------------------------------------------------------------------------


def test_a_full_disk_of_the_server_is_said(postgres_database: DatabaseSession) -> None:
    for state, word in (("53100", "full"), ("53200", "no resources"), ("57P03", "cannot be reached")):
        raised = text(
            f"DO $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '{state}'; END $$"
        )
        with pytest.raises(Unavailable, match=word) as caught, postgres_database.get_session() as session:
            session.execute(raised)
        assert caught.value.hint
        write(postgres_database, state)


def test_a_full_disk_heals(sqlite_database: DatabaseSession) -> None:
    write(sqlite_database, "before")
    limit = [1]

    def bound(connection: sqlite3.Connection, *_: Any) -> None:
        connection.execute(f"PRAGMA max_page_count = {limit[0]}").close()

    event.listen(sqlite_database.engine, "checkout", bound)
    with pytest.raises(Unavailable, match="full"), sqlite_database.get_session() as session:  # noqa: PT012 - the session's end is part of it
        for number in range(500):
            VendorRepository(session).create(vendor_id=f"v{number}", name="V", description="x" * 5000)
    limit[0] = 1_000_000
    write(sqlite_database, "after")
    assert vendors(sqlite_database) == ["after", "before"]


# -- another schema ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["9999", "0001"])
def test_another_schema_version_is_said_until_it_fits(
    database: DatabaseSession, owner: DatabaseSession, version: str
) -> None:
    for number, word in ((version, version), (SCHEMA_VERSION, None)):
        with owner.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :number"), {"number": number})
        if word is None:
            database.check_schema()
            continue
        with pytest.raises(Unavailable, match=word) as caught:
            database.check_schema()
        assert caught.value.hint


def test_a_column_of_another_version_is_said_and_found_again(
    database: DatabaseSession, owner: DatabaseSession
) -> None:
    write(database, "before")
    names = ("name", "another_name")
    for old, new in (names, names[::-1]):
        with owner.engine.begin() as connection:
            connection.execute(text(f"ALTER TABLE vendor_profiles RENAME COLUMN {old} TO {new}"))
        if new == "name":
            break
        assert "schema" in refused(database, "lost")
        with pytest.raises(Unavailable, match="schema"):
            vendors(database)
    write(database, "after")
    assert vendors(database) == ["after", "before"]


def test_a_database_without_tables_works_once_it_has_them(empty_database: DatabaseSession) -> None:
    assert "schema" in refused(empty_database, "lost")
    empty_database.create_all_tables()
    write(empty_database, "after")


# -- at the terminal -----------------------------------------------------------------------------------------


@pytest.fixture
def terminal(database: DatabaseSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("PROCUR_DB_URL", database.config.database_url)
    monkeypatch.setenv("PROCUR_DB_BUSY_TIMEOUT", "0.05")
    return Terminal(tmp_path)


def test_the_command_says_that_the_database_is_away(terminal: Terminal, away: Cause) -> None:
    with away():
        for command in (("audit", "list"), ("vendors", "list"), ("db", "upgrade")):
            answer = terminal(*command, "--json")
            if answer.code == 0:
                continue  # what only reads goes on beside SQLite's writer
            assert answer.error["code"] == "unavailable"
            assert answer.error["hint"]
            words = terminal(*command)
            assert (words.code, words.out) == (1, "")
            assert words.err.startswith("Error: ")
            assert "Traceback" not in words.err


@pytest.mark.parametrize("version", ["9999", "0001"])
def test_the_command_says_that_the_schema_is_another(
    terminal: Terminal, owner: DatabaseSession, version: str
) -> None:
    with owner.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :number"), {"number": version})
    answer = terminal("audit", "list", "--json")
    assert answer.code == 1
    assert answer.error["code"] == "unavailable"
    assert version in answer.error["message"]
    assert ("backup" if version == "9999" else "upgrade") in answer.error["hint"]


def test_the_command_says_that_there_is_no_schema(
    empty_database: DatabaseSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty_database.check_connection()  # SQLite makes the file
    monkeypatch.setenv("PROCUR_DB_URL", empty_database.config.database_url)
    error = Terminal(tmp_path)("audit", "list", "--json").error
    assert (error["code"], error["hint"]) == ("unavailable", "run: procur db upgrade")
