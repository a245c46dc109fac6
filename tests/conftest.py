"""What every test may ask for: a clean database of either kind, a session, and three people."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

import databases
import postgres
from factories.people import People, make_people
from procur.db import DatabaseSession, Session


def pytest_report_header() -> str:
    return f"databases: SQLite; {postgres.describe()}"


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this run share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def postgres_server(run_folder: Path) -> Iterator[postgres.Server]:
    """The run's PostgreSQL, started by whoever asks first."""
    parallel = "PYTEST_XDIST_WORKER" in os.environ
    try:
        server = postgres.shared(run_folder, owner=os.getppid() if parallel else os.getpid())
    except RuntimeError as error:
        pytest.fail(str(error), pytrace=False)
    databases.postgres_template(server, run_folder)
    yield server
    if not parallel:
        postgres.stop(server)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return databases.sqlite_template(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture
def sqlite_database(sqlite_template: Path, tmp_path: Path) -> Iterator[DatabaseSession]:
    """A clean SQLite database."""
    with databases.sqlite_database(sqlite_template, tmp_path) as database:
        yield database


@pytest.fixture
def postgres_database(postgres_server: postgres.Server) -> Iterator[DatabaseSession]:
    """A clean PostgreSQL database."""
    with databases.postgres_database(postgres_server) as database:
        yield database


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> DatabaseSession:
    """A clean, migrated database; each test runs once per kind."""
    kind = "sqlite_database" if request.param == "sqlite" else "postgres_database"
    found: DatabaseSession = request.getfixturevalue(kind)
    return found


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DatabaseSession]:
    """A database without any table."""
    lent: AbstractContextManager[DatabaseSession]
    if request.param == "postgresql":
        lent = databases.postgres_database(request.getfixturevalue("postgres_server"), template=None)
        with lent as database:
            yield database
        return
    database = DatabaseSession(f"sqlite:///{tmp_path / 'empty.db'}")
    yield database
    database.close()


@pytest.fixture
def people(database: DatabaseSession) -> People:
    """Alice buys, Bob approves for her, Charlie belongs to another organisation."""
    return make_people(database)


@pytest.fixture
def session(database: DatabaseSession, people: People) -> Iterator[Session]:
    """A session of Alice's organisation; rolled back at the end."""
    scope = database.get_session(people.organization_id)
    yield scope.__enter__()
    scope.close()
