"""A company on a clean database of either kind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import databases
from factories.house import House, make_house
from procur.db import DatabaseSession


@pytest.fixture
def house(database: DatabaseSession, tmp_path: Path) -> House:
    return make_house(database, tmp_path)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def kept_house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A company that the tests of one file share: they read, or roll back."""
    folder = tmp_path_factory.mktemp("house")
    lent = (
        databases.sqlite_database(request.getfixturevalue("sqlite_template"), folder)
        if request.param == "sqlite"
        else databases.postgres_database(
            request.getfixturevalue("postgres_server"), request.getfixturevalue("postgres_template")
        )
    )
    with lent as database:
        yield make_house(database, folder)
