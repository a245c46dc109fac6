"""Every spelling of a PostgreSQL address that the documents use opens the database, with either driver."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import pytest
from sqlalchemy import make_url

from procur.core.errors import Conflict, InvalidInput, NotAllowed
from procur.db import DatabaseConfig, DatabaseSession, engine
from procur.db.repositories import OrganizationRepository, UserRepository, VendorRepository

needs_psycopg2 = pytest.mark.skipif(
    find_spec("psycopg2") is None, reason="psycopg2 is not installed; Procur ships psycopg 3"
)


@contextmanager
def spelled(database: DatabaseSession, scheme: str, **query: str) -> Iterator[DatabaseSession]:
    """Lend the database under another spelling of its address."""
    url = make_url(database.config.database_url).update_query_dict(query)
    _, _, rest = url.render_as_string(hide_password=False).partition("://")
    other = DatabaseSession(f"{scheme}://{rest}")
    try:
        yield other
    finally:
        other.close()


def first_value(database: DatabaseSession, statement: str) -> Any:
    with database.engine.connect() as connection:
        return connection.exec_driver_sql(statement).scalar()


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])  # T-13
def test_the_usual_addresses_open_with_psycopg_3(postgres_database: DatabaseSession, scheme: str) -> None:
    with spelled(postgres_database, scheme) as other:
        assert other.health_check()
        assert other.engine.driver == "psycopg"
        with other.get_session() as session:
            assert VendorRepository(session).create(vendor_id="v", name="V").id


def test_arguments_of_the_address_reach_the_driver(postgres_database: DatabaseSession) -> None:
    with spelled(
        postgres_database,
        "postgres",
        sslmode="allow",
        options="-c statement_timeout=4321",
        keepalives_idle="77",
    ) as other:
        assert first_value(other, "SHOW statement_timeout") == "4321ms"
        with other.engine.connect() as connection:
            told = connection.connection.dbapi_connection.info.get_parameters()  # type: ignore[union-attr]
        assert told["sslmode"] == "allow"
        assert told["keepalives_idle"] == "77"
        assert told["host"] == postgres_database.config.sqlalchemy_url.query.get("host", told["host"])
        assert told["application_name"] == "procur"


def test_the_name_of_the_program_may_be_another(postgres_database: DatabaseSession) -> None:
    with spelled(postgres_database, "postgresql", application_name="desk") as other:
        assert first_value(other, "SHOW application_name") == "desk"


@pytest.mark.parametrize(
    ("installed", "scheme", "driver"),
    [
        ({"psycopg", "psycopg2"}, "postgresql", "postgresql"),
        ({"psycopg2"}, "postgresql", "postgresql+psycopg2"),
        ({"psycopg2"}, "postgresql+psycopg", "postgresql+psycopg"),
        ({"psycopg"}, "postgresql+psycopg2", "postgresql+psycopg2"),
        (set(), "postgresql", "postgresql"),
    ],
)
def test_psycopg_3_is_preferred_and_psycopg2_taken(
    monkeypatch: pytest.MonkeyPatch, installed: set[str], scheme: str, driver: str
) -> None:
    monkeypatch.setattr(engine, "find_spec", lambda name: name if name in installed else None)
    url = DatabaseConfig(f"{scheme}://u:p@h/x").sqlalchemy_url
    assert engine._with_driver(url).drivername == driver


@needs_psycopg2
def test_psycopg2_keeps_transactions_walls_and_errors(postgres_database: DatabaseSession) -> None:
    with spelled(postgres_database, "postgresql+psycopg2") as other:
        assert other.engine.driver == "psycopg2"
        with other.system_session() as session:
            OrganizationRepository(session).create(name="Rival", slug="rival")
        with other.get_session("rival") as session:
            VendorRepository(session).create(vendor_id="hidden", name="Hidden", list_price="1.25")
        with pytest.raises(ZeroDivisionError), other.get_session() as session:  # noqa: PT012 - its end counts
            VendorRepository(session).create(vendor_id="lost", name="Lost")
            _ = 1 / 0
        with other.get_session() as session:
            assert session.execute("SELECT count(*) FROM vendor_profiles").scalar() == 0  # type: ignore[call-overload]
        with pytest.raises(NotAllowed), other.get_session(read_only=True) as session:
            VendorRepository(session).create(vendor_id="v", name="V")
        with other.get_session(read_only=True) as session:
            assert session.execute("SHOW transaction_read_only").scalar() == "on"  # type: ignore[call-overload]
        with pytest.raises(Conflict) as taken, other.get_session("rival") as session:
            VendorRepository(session).create(vendor_id="hidden", name="Again")
        assert taken.value.field == "vendor_id"
        with pytest.raises(InvalidInput) as dangling, other.get_session() as session:
            UserRepository(session).create(email="a@b.example", hashed_password="x", business_type="Bakery")
        assert dangling.value.field == "business_type"
