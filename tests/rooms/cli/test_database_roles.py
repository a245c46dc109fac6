"""`procur db roles`: the role that Procur runs as on PostgreSQL."""

from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import make_url, text

import databases
import postgres
from factories.terminal import Terminal
from procur.db import DatabaseSession, roles


@pytest.fixture
def admin(
    postgres_server: postgres.Server, postgres_database: DatabaseSession, monkeypatch: pytest.MonkeyPatch
) -> str:
    """Let the environment name the database as a superuser has it; return that address."""
    name = postgres_database.config.sqlalchemy_url.database
    url = make_url(postgres_server.url).set(database=name).render_as_string(hide_password=False)
    monkeypatch.setenv("PROCUR_DB_URL", url)
    return url


@pytest.fixture
def role(admin: str) -> str:
    """A name nobody has yet; what comes of it is removed again."""
    return f"procur_role_{uuid4().hex[:12]}"


def _forget(admin: str, role: str) -> None:
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"DROP OWNED BY {role}")
        connection.execute(f"DROP ROLE {role}")


def test_the_role_reads_and_writes_rows_and_nothing_else(terminal: Terminal, admin: str, role: str) -> None:
    made = terminal("db", "roles", role, "--json")
    assert made.code == 0, made.err
    try:
        again = terminal("db", "roles", role, "--json")
        assert again.code == 0
        assert not any("CREATE ROLE" in one for one in again.json["statements"])
        url = make_url(admin).set(username=role).render_as_string(hide_password=False)
        database = DatabaseSession(url)
        found = roles.standing(database.engine)
        assert found == roles.Standing(role, bypasses_walls=False, owns_tables=False)
        database.check_schema()
        with database.get_session() as session:
            assert session.execute("SELECT count(*) FROM user_accounts").scalar() == 0
        database.close()
    finally:
        _forget(admin, role)


@pytest.mark.parametrize("by", ["superuser", "owner"])
def test_tables_of_later_versions_are_the_roles_too(  # noqa: PLR0917 - fixtures
    terminal: Terminal,
    postgres_database: DatabaseSession,
    monkeypatch: pytest.MonkeyPatch,
    admin: str,
    role: str,
    by: str,
) -> None:
    with databases.owner_of(postgres_database) as owner:
        if by == "owner":  # who may not make roles: somebody else did
            with psycopg.connect(admin, autocommit=True) as connection:
                connection.execute(f"CREATE ROLE {role} LOGIN")
            monkeypatch.setenv("PROCUR_DB_URL", owner.config.database_url)
        try:
            made = terminal("db", "roles", role, "--json")
            assert made.code == 0, made.err
            with owner.engine.begin() as later:
                later.execute(text("CREATE TABLE of_a_later_version (number int)"))
            url = make_url(admin).set(username=role).render_as_string(hide_password=False)
            with psycopg.connect(url) as connection:
                connection.execute("INSERT INTO of_a_later_version VALUES (1)")
                connection.execute("UPDATE of_a_later_version SET number = 2")
                assert connection.execute("DELETE FROM of_a_later_version RETURNING number").fetchone() == (
                    2,
                )
        finally:
            _forget(admin, role)


@pytest.mark.parametrize(
    "might", ["SUPERUSER", "BYPASSRLS", f"IN ROLE {databases.OWNER}", "IN ROLE superuser", "IN ROLE bypasser"]
)
def test_a_role_that_walls_do_not_hold_is_refused(
    terminal: Terminal, admin: str, role: str, might: str
) -> None:
    with psycopg.connect(admin, autocommit=True) as connection:
        mighty = f"{role}_mighty"
        connection.execute(f"CREATE ROLE {mighty} {'BYPASSRLS' if 'bypasser' in might else 'SUPERUSER'}")
        might = might.replace("superuser", mighty).replace("bypasser", mighty)
        connection.execute(f"CREATE ROLE {role} LOGIN {might}")
        try:
            for more in ([], ["--print"]):
                error = terminal("db", "roles", role, *more, "--json").error
                assert (error["code"], error["field"]) == ("invalid_input", "role")
            granted = connection.execute(
                "SELECT 1 FROM information_schema.role_table_grants WHERE grantee = %s", [role]
            )
            assert granted.fetchone() is None
        finally:
            connection.execute(f"DROP ROLE {role}")
            connection.execute(f"DROP ROLE {mighty}")


def test_the_password_comes_from_a_file_and_is_not_shown(
    terminal: Terminal, admin: str, role: str, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("it's \\ secret\nsecond line\n")
    made = terminal("db", "roles", role, "--password-file", str(secret))
    try:
        assert made.code == 0, made.err
        assert "secret" not in made.out + made.err
        with psycopg.connect(admin) as connection:
            stored = connection.execute(
                "SELECT rolpassword FROM pg_authid WHERE rolname = %s", [role]
            ).fetchone()
            assert stored is not None
            assert stored[0]
    finally:
        _forget(admin, role)


def test_no_password_of_the_owner_is_shown(
    terminal: Terminal, admin: str, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = make_url(admin).set(password="TopSecretOwner")
    monkeypatch.setenv("PROCUR_DB_URL", url.render_as_string(hide_password=False))
    try:
        for told in (terminal("db", "roles", role), terminal("db", "roles", role, "--json")):
            assert told.code == 0, told.err
            assert "TopSecretOwner" not in told.out + told.err
    finally:
        _forget(admin, role)


@pytest.mark.usefixtures("admin")
def test_printing_makes_nothing(terminal: Terminal, admin: str, role: str) -> None:
    told = terminal("db", "roles", role, "--print")
    assert told.code == 0
    assert f'CREATE ROLE "{role}"' in told.out
    with psycopg.connect(admin) as connection:
        assert connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone() is None


def test_a_superuser_is_told_that_the_walls_do_not_hold(terminal: Terminal, admin: str) -> None:
    assert admin
    assert terminal("db", "version", "--json").json["walls"].startswith("NOT in force")


def test_the_owner_is_told_too(
    terminal: Terminal, postgres_database: DatabaseSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    with databases.owner_of(postgres_database) as owner:
        monkeypatch.setenv("PROCUR_DB_URL", owner.config.database_url)
        assert "owns the tables" in terminal("db", "version", "--json").json["walls"]
        refused = terminal("db", "roles", "procur_unknown", "--json")
        assert refused.error["code"] in {"unavailable", "not_allowed"}
        itself = terminal("db", "roles", databases.OWNER, "--json")
        assert itself.error["field"] == "role"
    monkeypatch.setenv("PROCUR_DB_URL", postgres_database.config.database_url)
    assert terminal("db", "version", "--json").json["walls"].startswith("in force for the role")


def test_sqlite_has_no_roles(company: Terminal) -> None:
    assert company("db", "roles", "--json").error["code"] == "not_configured"
    assert "protect the file" in company("db", "version", "--json").json["walls"]
