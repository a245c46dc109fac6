"""PostgreSQL's wall: plain SQL on every table, from a foreign organisation, from none, and as the owner."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from databases import owner_of
from factories.people import People, make_people
from factories.rows import TENANT_TABLES, Rows, fill, row_of
from procur.core.errors import NotAllowed, ProcurError
from procur.db import DatabaseSession, roles

NAMES = [table.name for table in TENANT_TABLES]


@pytest.fixture
def database(postgres_database: DatabaseSession) -> DatabaseSession:
    return postgres_database


@pytest.fixture
def rows(database: DatabaseSession, people: People) -> Rows:
    """One row of Alice's organisation in every table."""
    with database.system_session() as session:
        return fill(session.connection(), people.organization_id, mark="acme")


def test_the_tests_run_as_a_role_that_cannot_pass(database: DatabaseSession) -> None:
    found = roles.standing(database.engine)
    assert found is not None
    assert (found.bypasses_walls, found.owns_tables) == (False, False)


def test_every_table_has_its_wall(database: DatabaseSession) -> None:
    query = (
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') "
        "AND relnamespace = current_schema()::regnamespace "
        "AND NOT (relrowsecurity AND relforcerowsecurity "
        "AND EXISTS (SELECT 1 FROM pg_policy WHERE polrelid = pg_class.oid))"
    )
    with database.engine.connect() as connection:
        assert list(connection.execute(text(query)).scalars()) == ["alembic_version"]


def test_every_view_shows_what_its_reader_may_see(database: DatabaseSession) -> None:
    query = (
        "SELECT relname FROM pg_class WHERE relkind = 'v' AND relnamespace = current_schema()::regnamespace "
        "AND NOT coalesce(reloptions @> ARRAY['security_invoker=true'], false)"
    )
    with database.engine.connect() as connection:
        assert list(connection.execute(text(query)).scalars()) == []


def test_plain_sql_finds_nothing_of_another_organisation(
    database: DatabaseSession, rows: Rows, people: People, counted: Callable[[int, str], None]
) -> None:
    attempts = 0
    for table in TENANT_TABLES:
        owned = f"organization_id = '{people.organization_id}'"
        filled_again = ", ".join(f"{name} = {name}" for name in ("created_at",) if name in table.columns)
        for statement in (
            f"SELECT * FROM {table.name}",
            f"SELECT * FROM {table.name} WHERE {owned}",
            f"SELECT 1 FROM {table.name} WHERE {owned} HAVING count(*) > 0",
            f"SELECT * FROM {table.name} WHERE {owned} FOR UPDATE",
            f"UPDATE {table.name} SET {filled_again or 'organization_id = organization_id'} WHERE {owned}",
            f"DELETE FROM {table.name} WHERE {owned}",
            f"UPDATE {table.name} SET organization_id = '{people.other_organization_id}' WHERE {owned}",
        ):
            attempts += 1
            assert _found(database, statement, people) == 0, statement
    with database.system_session() as session:
        for table in TENANT_TABLES:
            kept = session.execute(text(f"SELECT count(*) FROM {table.name} WHERE {owned}")).scalar()
            assert kept == (2 if table.name == "user_accounts" else 0) + 1, table.name
    counted(attempts, "plain SQL statements from another organisation, which found 0 rows")


def _found(database: DatabaseSession, statement: str, people: People) -> int:
    """Return how many rows of Alice's the statement shows or changes for Charlie."""
    try:
        with database.get_session("rival") as session:
            done: Any = session.execute(text(statement))
            if not done.returns_rows:
                return int(done.rowcount)
            return sum(str(people.organization_id) in str(row) for row in done)
    except NotAllowed:
        return 0  # nobody may change rows of this table


def test_plain_sql_writes_nothing_into_another_organisation(
    database: DatabaseSession, people: People, counted: Callable[[int, str], None]
) -> None:
    own: Rows = {"organizations": {"id": people.other_organization_id}}
    with database.get_session("rival") as session:
        for table in TENANT_TABLES:
            own[table.name] = row = row_of(table, own, people.other_organization_id, "rival")
            foreign = {**row, "organization_id": people.organization_id}
            with pytest.raises(ProcurError), session.begin_nested():
                session.execute(table.insert().values(**foreign))
            session.execute(table.insert().values(**row))
    with database.system_session() as session:
        for name in NAMES:
            owned = f"SELECT count(*) FROM {name} WHERE organization_id = '{people.organization_id}'"
            assert session.execute(text(owned)).scalar() == (2 if name == "user_accounts" else 0), name
    counted(len(NAMES), "plain SQL inserts into another organisation, all refused")


def test_without_an_organisation_there_is_nothing(database: DatabaseSession, rows: Rows) -> None:
    with owner_of(database) as owner:
        for engine in (database.engine, owner.engine):
            with engine.connect() as connection:
                for name in ["organizations", *NAMES]:
                    assert connection.execute(text(f"SELECT count(*) FROM {name}")).scalar() == 0, name


def test_a_pooled_connection_forgets_whose_it_was(postgres_database: DatabaseSession) -> None:
    url = postgres_database.config.database_url
    people = make_people(postgres_database)
    single = DatabaseSession(url)
    single.config.pool_size, single.config.max_overflow = 1, 0
    for opened in (single.get_session("acme"), single.system_session()):
        with opened as session:
            assert session.execute(text("SELECT count(*) FROM user_accounts")).scalar()
        with single.engine.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM user_accounts")).scalar() == 0
    with single.get_session("rival") as session:
        found = session.execute(text("SELECT organization_id FROM user_accounts")).scalars()
        assert set(found) == {people.other_organization_id}
    single.close()


def test_the_organisation_stays_after_a_savepoint_is_rolled_back(
    database: DatabaseSession, people: People
) -> None:
    with database.get_session("acme") as session:
        for _ in range(2):
            with pytest.raises(ZeroDivisionError), session.begin_nested():
                _ = 1 / 0
            assert session.execute(text("SELECT count(*) FROM user_accounts")).scalar() == 2
        session.commit()
        assert session.execute(text("SELECT count(*) FROM user_accounts")).scalar() == 2


def test_other_programs_see_nothing_unless_they_say_whose_rows(
    database: DatabaseSession, people: People
) -> None:
    with psycopg.connect(database.config.database_url) as connection:
        assert connection.execute("SELECT count(*) FROM user_accounts").fetchone() == (0,)
        connection.execute(f"SET LOCAL procur.organization = '{people.other_organization_id}'")
        assert connection.execute("SELECT username FROM user_accounts").fetchall() == [("charlie",)]
        connection.commit()
        # The setting reads as '' now, which must neither match nor fail.
        assert connection.execute("SELECT count(*) FROM user_accounts").fetchone() == (0,)


def test_the_role_cannot_take_the_wall_down(database: DatabaseSession) -> None:
    for statement in (
        "ALTER TABLE requests DISABLE ROW LEVEL SECURITY",
        "DROP POLICY tenant ON requests",
        "ALTER TABLE audit_logs DISABLE TRIGGER USER",
        "TRUNCATE requests CASCADE",
        "UPDATE alembic_version SET version_num = 'x'",
        "CREATE TABLE own (id integer)",
    ):
        with pytest.raises(ProcurError), database.system_session() as session:
            session.execute(text(statement))
