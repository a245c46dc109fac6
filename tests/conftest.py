"""What every test may ask for: a clean database of either kind, a session, and three people."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

import databases
import postgres
import redis_server
import shelf
from factories.people import People, make_people
from procur.db import DatabaseSession, Session

_COUNTED = "counted"


def pytest_report_header() -> str:
    return f"databases: SQLite; {postgres.describe()}; {redis_server.describe()}"


@pytest.fixture
def counted(record_property: Callable[[str, object], None]) -> Callable[[int, str], None]:
    """Count something that the run's summary adds up: counted(44, "calls")."""
    return lambda number, what: record_property(_COUNTED, (number, what))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    sums: dict[tuple[str, str], int] = {}
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            if name == _COUNTED:
                key = (report.nodeid.partition("[")[0].rpartition("/")[2], value[1])
                sums[key] = sums.get(key, 0) + value[0]
    if sums:
        terminalreporter.section("counted")
    for (test, what), number in sorted(sums.items()):
        terminalreporter.write_line(f"{number:>7,} {what}  ({test})")


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this run share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def postgres_server(run_folder: Path) -> postgres.Server:
    """The run's PostgreSQL, started by whoever asks first; stopped when the run ends."""
    parallel = "PYTEST_XDIST_WORKER" in os.environ
    try:
        return postgres.shared(run_folder, owner=os.getppid() if parallel else os.getpid())
    except RuntimeError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def redis_of_run(run_folder: Path) -> redis_server.Server:
    """The run's Redis, started by whoever asks first; stopped when the run ends."""
    if redis_server.program() is None and not os.environ.get(redis_server.URL_VARIABLE):
        pytest.skip(redis_server.FIX)
    parallel = "PYTEST_XDIST_WORKER" in os.environ
    return redis_server.shared(run_folder, owner=os.getppid() if parallel else os.getpid())


@pytest.fixture
def redis_url(redis_of_run: redis_server.Server) -> str:
    """An empty database of a Redis, nobody else's."""
    return redis_server.empty_database(redis_of_run)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop the servers, or leave somebody else's as it was; the first process of a run does it for all."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    factory: pytest.TempPathFactory = session.config._tmp_path_factory  # type: ignore[attr-defined]
    if found := redis_server.running(factory.getbasetemp()):
        redis_server.stop(found)
    server = postgres.running(factory.getbasetemp())
    if server is None:
        return
    if server.watcher is None:
        databases.drop(server, databases.postgres_template(server, factory.getbasetemp()))
    postgres.stop(server)


@pytest.fixture(scope="session")
def postgres_template(postgres_server: postgres.Server, run_folder: Path) -> Iterator[str]:
    template = databases.postgres_template(postgres_server, run_folder)
    yield template
    if postgres_server.watcher is None:  # somebody else's is left as it was
        for name in shelf.left(template):
            databases.drop(postgres_server, name)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return databases.sqlite_template(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture
def sqlite_database(sqlite_template: Path, tmp_path: Path) -> Iterator[DatabaseSession]:
    """A clean SQLite database."""
    with databases.sqlite_database(sqlite_template, tmp_path) as database:
        yield database


@pytest.fixture
def postgres_database(postgres_server: postgres.Server, postgres_template: str) -> Iterator[DatabaseSession]:
    """A clean PostgreSQL database."""
    with databases.postgres_database(postgres_server, postgres_template) as database:
        yield database


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> DatabaseSession:
    """A clean, migrated database; each test runs once per kind."""
    kind = "sqlite_database" if request.param == "sqlite" else "postgres_database"
    found: DatabaseSession = request.getfixturevalue(kind)
    return found


@pytest.fixture
def owner(database: DatabaseSession) -> Iterator[DatabaseSession]:
    """The same database for those who change its schema and may take its triggers away."""
    with databases.owner_of(database) as owners:
        yield owners


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DatabaseSession]:
    """A database without any table."""
    lent: AbstractContextManager[DatabaseSession]
    if request.param == "postgresql":
        lent = databases.postgres_database(request.getfixturevalue("postgres_server"), None)
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
