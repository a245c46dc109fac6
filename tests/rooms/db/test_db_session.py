"""Sessions: both documented forms, one transaction each, errors that say what to do."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import httpx2
import psycopg
import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select, text, update

from factories.people import People
from procur import db
from procur.core.clock import SteppingClock
from procur.core.errors import Conflict, InvalidInput, NotAllowed, NotConfigured, NotFound, Unavailable
from procur.core.ids import seeded_ids
from procur.db import DatabaseSession, Session, get_session
from procur.db.models import Organization, RequestRecord, VendorProfileRecord
from procur.db.repositories import OrganizationRepository, RequestRepository, UserRepository, VendorRepository


@pytest.fixture
def process_database(database: DatabaseSession, monkeypatch: pytest.MonkeyPatch) -> DatabaseSession:
    """Make the test's database the one that plain `get_session()` opens."""
    monkeypatch.setattr("procur.db.session._default", database)
    return database


@pytest.mark.usefixtures("process_database")
def test_with_commits_on_success_and_rolls_back_on_error() -> None:
    with get_session() as session:
        VendorRepository(session).create(vendor_id="kept", name="Kept")
    with pytest.raises(ZeroDivisionError), get_session() as session:  # noqa: PT012 - the session's end is part of it
        VendorRepository(session).create(vendor_id="lost", name="Lost")
        _ = 1 / 0
    with get_session() as session:
        assert [row.vendor_id for row in VendorRepository(session).get_all()] == ["kept"]


@pytest.mark.usefixtures("process_database")
def test_next_gives_a_session_as_a_generator_does() -> None:
    scope = get_session()
    session = next(scope)
    VendorRepository(session).create(vendor_id="kept", name="Kept")
    with pytest.raises(StopIteration):
        next(scope)
    with get_session() as session:
        assert VendorRepository(session).count() == 1


def _application() -> FastAPI:
    app = FastAPI()
    door = Annotated[Session, Depends(get_session, scope="function")]

    @app.get("/names")
    def names(session: door) -> list[str]:
        return [row.name for row in VendorRepository(session).get_all()]

    @app.post("/vendors/{vendor_id}")
    def add(vendor_id: str, session: door) -> str:
        VendorRepository(session).create(vendor_id=vendor_id, name=vendor_id)
        return vendor_id

    @app.post("/refused")
    def refused(session: door) -> str:
        VendorRepository(session).create(vendor_id="half", name="Half")
        raise RuntimeError("after the write")

    @app.post("/commit-fails")
    def commit_fails(session: door) -> str:
        VendorRepository(session).create(vendor_id="doomed", name="Doomed")
        session.connection().invalidate()
        return "looks fine"

    return app


@pytest.fixture
def client(process_database: DatabaseSession) -> Iterator[TestClient]:
    with TestClient(_application(), raise_server_exceptions=False) as client:
        yield client
    process_database.close()


def test_depends_commits_and_rolls_back(client: TestClient) -> None:
    assert client.post("/vendors/acme").status_code == 200
    assert client.post("/refused").status_code == 500
    assert client.get("/names").json() == ["acme"]


def test_a_failed_commit_answers_500_and_writes_nothing(client: TestClient) -> None:
    assert client.post("/commit-fails").status_code == 500
    assert client.get("/names").json() == []


def test_the_query_string_cannot_choose_the_organisation(client: TestClient) -> None:
    assert client.get("/names", params={"organization": "rival"}).json() == []
    assert client.app.openapi()["paths"]["/names"]["get"].get("parameters", []) == []  # type: ignore[attr-defined]


def test_the_documented_health_check_takes_plain_sql(database: DatabaseSession) -> None:
    with database.get_session() as session:
        assert session.execute("SELECT 1").scalar() == 1  # type: ignore[call-overload]
    assert database.check_connection()


def test_a_session_that_belongs_to_nobody_is_refused(database: DatabaseSession) -> None:
    with Session(database.engine) as session, pytest.raises(NotConfigured, match="no organisation"):
        RequestRepository(session)


def test_an_unknown_organisation_is_not_found(database: DatabaseSession) -> None:
    with pytest.raises(NotFound, match="nowhere"), database.get_session("nowhere") as session:
        RequestRepository(session)


def test_the_organisation_may_be_named_by_slug_or_id(database: DatabaseSession, people: People) -> None:
    for name in ("acme", people.organization_id, str(people.organization_id)):
        with database.get_session(name) as session:
            assert OrganizationRepository(session).own().slug == "acme"


def test_a_bound_session_sees_its_own_organisation_only(database: DatabaseSession, people: People) -> None:
    with database.get_session("acme") as session:
        organizations = OrganizationRepository(session)
        assert [row.slug for row in organizations.get_all()] == ["acme"]
        assert organizations.get_by_id(people.other_organization_id) is None
        with pytest.raises(NotAllowed):
            organizations.create(name="Third", slug="third")


def test_a_read_only_session_refuses_to_write(database: DatabaseSession) -> None:
    with pytest.raises(NotAllowed), database.get_session(read_only=True) as session:
        VendorRepository(session).create(vendor_id="v", name="V")
    with pytest.raises(NotAllowed), database.get_session(read_only=True) as session:
        session.execute(update(VendorProfileRecord).values(name="x"))


def test_readers_do_not_wait_for_a_writer_on_sqlite(sqlite_database: DatabaseSession) -> None:
    with sqlite_database.get_session() as writer:
        VendorRepository(writer).create(vendor_id="v", name="V")
        with sqlite_database.get_session(read_only=True) as reader:
            assert VendorRepository(reader).count() == 0


def test_ids_and_times_repeat_from_a_seed(database: DatabaseSession) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    told = []
    for number in range(2):
        ids, clock = seeded_ids(7, 1_767_225_600_000), SteppingClock(start)
        with database.get_session(ids=ids, clock=clock) as session:
            row = VendorRepository(session).create(vendor_id="v", name="V")
            plain = VendorProfileRecord(vendor_id=f"w{number}", name="W")
            session.add(plain)
            session.flush()
            told.append((row.id, row.created_at, plain.id, plain.created_at))
            session.rollback()
    assert told[0] == told[1]
    assert told[0][1] == start


def test_updated_at_moves_even_when_the_clock_stands(database: DatabaseSession) -> None:
    with database.get_session(clock=SteppingClock(datetime(2026, 1, 1, tzinfo=UTC))) as session:
        vendors = VendorRepository(session)
        row = vendors.create(vendor_id="v", name="V")
        vendors.update(row.id, name="W")
        assert row.updated_at > row.created_at


def test_raw_updates_move_updated_at_too(database: DatabaseSession) -> None:
    with database.get_session() as session:
        row = VendorRepository(session).create(vendor_id="v", name="V")
        before = row.updated_at
        session.execute(text("UPDATE vendor_profiles SET name = 'W'"))
        after = session.scalar(select(VendorProfileRecord.updated_at))
        assert after is not None
        assert after > before


def test_repeating_a_unique_value_is_a_conflict_that_names_the_field(session: Session) -> None:
    vendors = VendorRepository(session)
    vendors.create(vendor_id="v", name="V")
    with pytest.raises(Conflict) as caught:
        vendors.create(vendor_id="v", name="W")
    assert caught.value.field == "vendor_id"


def test_an_email_is_taken_whatever_its_case(session: Session, people: People) -> None:
    with pytest.raises(Conflict) as caught:
        UserRepository(session).create(email=people.alice.email.upper(), username="a2", hashed_password="x")
    assert caught.value.field == "email"


def test_a_broken_rule_names_the_field(session: Session, people: People) -> None:
    with pytest.raises(InvalidInput) as caught:
        RequestRepository(session).create(
            user_id=people.alice.id, description="x", budget_min="5", budget_max="4"
        )
    assert caught.value.field == "budget_max"


def test_a_dangling_reference_names_the_field(session: Session, people: People) -> None:
    with pytest.raises(InvalidInput) as caught:
        RequestRepository(session).create(user_id=people.organization_id, description="x")
    assert caught.value.field == "user_id"


def test_a_database_without_schema_says_so(empty_database: DatabaseSession) -> None:
    with pytest.raises(Unavailable, match="schema") as caught, empty_database.get_session() as session:
        VendorRepository(session).count()
    assert caught.value.hint
    with pytest.raises(Unavailable, match="no Procur schema"):
        empty_database.check_schema()


def test_another_schema_version_is_refused(database: DatabaseSession, owner: DatabaseSession) -> None:
    database.check_schema()
    with owner.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Unavailable, match="9999"):
        database.check_schema()


def test_a_server_that_is_away_is_unavailable() -> None:
    database = DatabaseSession("postgresql://nobody:secret-word@127.0.0.1:1/nothing")
    with pytest.raises(Unavailable) as caught, database.get_session() as session:
        VendorRepository(session).count()
    assert "secret-word" not in str(caught.value.as_dict())
    assert not database.check_connection()
    database.close()


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("this is not a database, it only has the name of one" * 100)
    database = DatabaseSession(f"sqlite:///{path}")
    with pytest.raises(Unavailable, match="not a SQLite database"):
        database.check_schema()
    database.close()


def test_a_missing_folder_is_unavailable(tmp_path: Path) -> None:
    database = DatabaseSession(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.db'}")
    with pytest.raises(Unavailable, match="cannot be opened"):
        database.check_schema()


def test_a_locked_file_is_unavailable(sqlite_database: DatabaseSession) -> None:
    path = sqlite_database.config.sqlalchemy_url.database or ""
    impatient = DatabaseSession(db.DatabaseConfig(f"sqlite:///{path}", busy_timeout=0.1))
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="another process"), impatient.get_session() as session:
        VendorRepository(session).count()
    holder.close()
    impatient.close()


def test_an_exhausted_pool_is_unavailable(sqlite_database: DatabaseSession) -> None:
    url = sqlite_database.config.database_url
    small = DatabaseSession(db.DatabaseConfig(url, pool_size=1, max_overflow=0, pool_timeout=0.05))
    with small.get_session(read_only=True) as first:
        VendorRepository(first).count()
        with pytest.raises(Unavailable, match="in use"), small.get_session(read_only=True) as second:
            VendorRepository(second).count()
    small.close()


def test_init_db_sets_the_process_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("procur.db.session._default", None)
    database = db.init_db(f"sqlite:///{tmp_path / 'x.db'}", create_tables=True)
    assert db.get_db_session() is database
    with db.system_session() as session:
        assert [row.slug for row in session.scalars(select(Organization))] == ["default"]
    again = db.init_db(f"sqlite:///{tmp_path / 'x.db'}")
    with get_session() as session:
        assert session.scalars(select(RequestRecord)).all() == []
    again.close()


def test_more_requests_than_connections_wait_and_are_all_served(
    sqlite_database: DatabaseSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a plain generator, handlers that wait for a connection hold the threads that others need."""
    config = db.DatabaseConfig(
        sqlite_database.config.database_url, pool_size=2, max_overflow=0, pool_timeout=5
    )
    small = DatabaseSession(config)
    monkeypatch.setattr("procur.db.session._default", small)

    async def ask() -> list[int]:
        transport = httpx2.ASGITransport(app=_application())
        async with httpx2.AsyncClient(transport=transport, base_url="http://test", timeout=30) as client:
            return [
                one.status_code for one in await asyncio.gather(*(client.get("/names") for _ in range(80)))
            ]

    assert asyncio.run(ask()) == [200] * 80
    small.close()


def test_a_cancelled_request_gives_its_place_back(
    sqlite_database: DatabaseSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = db.DatabaseConfig(
        sqlite_database.config.database_url, pool_size=1, max_overflow=0, pool_timeout=1
    )
    small = DatabaseSession(config)
    monkeypatch.setattr("procur.db.session._default", small)

    async def hold() -> None:
        async with asynccontextmanager(get_session)() as session:  # type: ignore[arg-type]  # as FastAPI does
            VendorRepository(session).create(vendor_id="lost", name="Lost")
            await asyncio.sleep(30)

    async def play() -> int:
        for _ in range(3):
            with suppress(TimeoutError):
                await asyncio.wait_for(hold(), 0.1)
        async with asynccontextmanager(get_session)() as session:  # type: ignore[arg-type]
            return VendorRepository(session).count()

    assert asyncio.run(play()) == 0
    small.close()


def test_a_full_disk_is_unavailable_and_loses_nothing(sqlite_database: DatabaseSession) -> None:
    with sqlite_database.get_session() as session:
        VendorRepository(session).create(vendor_id="kept", name="Kept")
    with pytest.raises(Unavailable, match="full"), sqlite_database.get_session() as session:  # noqa: PT012 - the session's end is part of it
        session.execute(text("PRAGMA max_page_count = 1"))  # SQLite raises it to what the file already has
        for number in range(2000):
            VendorRepository(session).create(vendor_id=f"v{number}", name="V", description="x" * 5000)
    sqlite_database.close()
    with sqlite_database.get_session() as session:
        assert [row.vendor_id for row in VendorRepository(session).get_all()] == ["kept"]


def test_a_read_only_file_can_be_read_and_says_so_when_written(sqlite_database: DatabaseSession) -> None:
    path = sqlite_database.config.sqlalchemy_url.database
    sealed = DatabaseSession(f"sqlite:///file:{path}?mode=ro&uri=true")
    with sealed.get_session(read_only=True) as session:
        assert VendorRepository(session).count() == 0
    with pytest.raises(Unavailable, match="read-only"), sealed.get_session() as session:
        VendorRepository(session).create(vendor_id="v", name="V")
    sealed.close()


def test_a_connection_in_use_when_the_database_is_closed_is_closed_when_it_comes_back(
    database: DatabaseSession,
) -> None:
    scope = database.get_session()
    session = scope.__enter__()
    raw = session.connection().connection.driver_connection
    database.close()
    VendorRepository(session).create(vendor_id="late", name="Late")
    scope.__exit__(None, None, None)
    closed = psycopg.OperationalError if hasattr(raw, "pgconn") else sqlite3.ProgrammingError
    with pytest.raises(closed, match="closed"):
        raw.execute("SELECT 1")
    with database.get_session() as session:
        assert VendorRepository(session).count() == 1
