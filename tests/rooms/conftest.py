"""A company on a clean database of either kind, and one in the middle of a purchase that tests share."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

import databases
from factories.house import House, make_house
from procur.db import DatabaseSession, Session


def _lend(request: pytest.FixtureRequest, folder: Path) -> AbstractContextManager[DatabaseSession]:
    if request.param == "sqlite":
        return databases.sqlite_database(request.getfixturevalue("sqlite_template"), folder)
    server, template = (request.getfixturevalue(f"postgres_{name}") for name in ("server", "template"))
    return databases.postgres_database(server, template)


@pytest.fixture
def house(database: DatabaseSession, tmp_path: Path) -> House:
    """A company of the test's own."""
    return make_house(database, tmp_path)


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def negotiated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A company with REQ-2026-00001, negotiated with three vendors; shared, so tests roll back."""
    folder = tmp_path_factory.mktemp("negotiated")
    with _lend(request, folder) as database:
        house = make_house(database, folder)
        house.negotiate(house.request())
        yield house


@pytest.fixture
def desk(negotiated: House) -> Iterator[Session]:
    """A session in the shared company; what the test writes is rolled back."""
    with negotiated.session() as session:
        yield session
