"""The names that other systems' documents use for a database, its sessions and its people."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from procur import db
from procur.core.errors import Conflict, InvalidInput, Unavailable
from procur.db import (
    Database,
    DatabaseConfig,
    DatabaseSession,
    Session,
    db_connection,
    get_db,
    models,
    repositories,
    session_scope,
)
from procur.db.models import User, UserAccount
from procur.db.repositories import OrganizationRepository, UserRepository, VendorRepository


@pytest.fixture
def process_database(database: DatabaseSession, monkeypatch: pytest.MonkeyPatch) -> DatabaseSession:
    monkeypatch.setattr("procur.db.session._default", database)
    return database


def fail_with(session: Session) -> None:
    try:
        VendorRepository(session).create(vendor_id="lost", name="Lost")
        _ = 1 / 0
    finally:
        session.close()


@pytest.fixture
def in_memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[DatabaseSession]:
    monkeypatch.setattr("procur.db.session._default", None)
    database = db.init_db("sqlite:///:memory:")
    yield database
    database.close()


def test_the_documented_production_settings_are_taken(database: DatabaseSession) -> None:  # T-14
    url = database.config.database_url
    other = Database(
        database_url=url, pool_size=20, max_overflow=40, pool_pre_ping=True, pool_recycle=3600, echo=False
    )
    assert other.health_check()
    assert (other.config.pool_size, other.config.max_overflow) == (20, 40)
    assert other.engine.pool.size() == 20  # type: ignore[attr-defined]
    other.close()


def test_pool_settings_are_read_from_the_documented_variables(  # T-14
    database: DatabaseSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_POOL_SIZE", "3")
    monkeypatch.setenv("DB_MAX_OVERFLOW", "4")
    other = Database(database.config.database_url)
    assert other.engine.pool.size() == 3  # type: ignore[attr-defined]
    assert other.engine.pool._max_overflow == 4  # type: ignore[attr-defined]
    other.close()


def test_a_misspelled_setting_is_named() -> None:
    with pytest.raises(InvalidInput, match="pool_sise"):
        Database(pool_sise=20)
    with pytest.raises(InvalidInput) as caught:
        DatabaseSession(DatabaseConfig("sqlite://"), database_url="sqlite:///x.db")
    assert caught.value.field == "database_url"


def test_no_url_at_all_means_the_environments_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'named.db'}")
    assert Database(database_url=None).config.database_url.endswith("named.db")


def test_models_and_repositories_are_found_at_the_door_too() -> None:
    for place in (models, repositories):
        for name in (each for each in place.__all__ if each[0].isupper()):
            assert getattr(db, name) is getattr(place, name)
    for name in ("Nobody", "nothing", "_hidden"):
        with pytest.raises(AttributeError, match=name):
            getattr(db, name)


@pytest.mark.usefixtures("process_database")
def test_every_name_opens_the_process_database() -> None:
    with session_scope() as session:
        VendorRepository(session).create(vendor_id="v", name="V")
    with pytest.raises(Conflict), db_connection.session_scope() as session:
        VendorRepository(session).create(vendor_id="v", name="W")
    assert db.check_db_connection()


def test_a_server_that_is_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    away = DatabaseSession("postgresql://nobody@127.0.0.1:1/nothing")
    monkeypatch.setattr("procur.db.session._default", away)
    assert not db.check_db_connection()
    with pytest.raises(Unavailable), session_scope() as session:
        VendorRepository(session).count()


def test_the_connection_follows_a_later_choice_of_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("procur.db.session._default", None)
    for name in ("first", "second"):
        database = db.init_db(f"sqlite:///{tmp_path / name}.db", create_tables=True)
        assert db_connection.config is database.config
    database.close()


@pytest.mark.usefixtures("process_database")
def test_a_session_taken_by_next_is_committed_by_its_close() -> None:
    session = next(get_db())
    VendorRepository(session).create(vendor_id="kept", name="Kept")
    session.close()
    with pytest.raises(ZeroDivisionError):
        fail_with(next(get_db()))
    session = next(get_db())
    VendorRepository(session).create(vendor_id="taken back", name="Taken back")
    session.rollback()
    session.close()
    with get_db() as session:
        assert [row.vendor_id for row in VendorRepository(session).get_all()] == ["kept"]
        VendorRepository(session).create(vendor_id="half", name="Half")
        session.close()  # somebody still holds the scope: SQLAlchemy's rule, nothing is written
    with get_db() as session:
        assert VendorRepository(session).count() == 1


@pytest.mark.usefixtures("process_database")
def test_a_user_needs_no_username_and_has_both_names_of_the_password() -> None:
    with session_scope() as session:
        session.add(User(email="Ann@Example.com", password_hash="hashed", business_type="SaaS"))
    with session_scope() as session:
        found = session.query(User).filter(User.password_hash == "hashed").one()
        assert (found.username, found.hashed_password) == ("Ann@Example.com", "hashed")
        assert found.last_login is None
        UserRepository(session).update_last_login(found.id)
        assert found.last_login == found.last_login_at
        assert session.query(UserAccount).filter(User.last_login.is_not(None)).count() == 1


@pytest.mark.usefixtures("process_database")
def test_the_rules_hold_for_rows_added_without_a_repository() -> None:
    with pytest.raises(InvalidInput) as caught, session_scope() as session:
        session.add(User(email="a@example.com", password_hash="x", business_type="Bakery"))
    assert caught.value.field == "business_type"


def test_organisations_and_people_by_the_documented_arguments(database: DatabaseSession) -> None:
    with database.system_session() as session:
        organizations, users = OrganizationRepository(session), UserRepository(session)
        org = organizations.create("Acme Corp", "acme", "pro")
        ann = users.create(org.id, "ann@acme.example", "hashed", "Ann", "owner")
        assert organizations.get_by_id(org_id=org.id) is org
        assert users.get_by_id(user_id=ann.id) is ann
        assert users.list_by_organization(org_id=org.id) == [ann]
        assert users.soft_delete(user_id=ann.id)
        assert organizations.soft_delete(org_id=org.id)
        assert users.get_by_id(ann.id) is None


def test_a_database_in_memory_is_one_for_all_threads(in_memory: DatabaseSession) -> None:  # T-2
    def count() -> None:
        for _ in range(25):
            with db.get_session() as session:
                assert OrganizationRepository(session).update_usage(session.info["organization_id"])

    with db.system_session() as session:
        organizations = OrganizationRepository(session)
        own = organizations.get_all()[0]
        organizations.update(own.id, monthly_analysis_limit=1000)
    failures: list[threading.ExceptHookArgs] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading, "excepthook", failures.append)
        threads = [threading.Thread(target=count) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
    with db.get_session() as session:
        assert OrganizationRepository(session).own().monthly_analysis_count == 200


def test_a_database_in_memory_stays_when_the_pool_closes_its_connections(in_memory: DatabaseSession) -> None:
    with db.get_session() as session:
        VendorRepository(session).create(vendor_id="v", name="V")
    in_memory.engine.pool.dispose()
    with db.get_session() as session:
        assert VendorRepository(session).count() == 1


def test_two_databases_in_memory_are_two() -> None:
    first, second = (DatabaseSession("sqlite:///:memory:") for _ in range(2))
    for database in (first, second):
        database.create_all()
    with first.get_session() as session:
        VendorRepository(session).create(vendor_id="v", name="V")
    with second.get_session() as session:
        assert VendorRepository(session).count() == 0
    second.drop_all()
    with first.get_session() as session:
        assert VendorRepository(session).count() == 1
    for database in (first, second):
        database.close()
