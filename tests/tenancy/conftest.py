"""A database that the tests of a module share; every one of them must leave Alice's rows as they were."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import databases
from factories.neighbours import Neighbours
from factories.people import make_people
from factories.rows import fill


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def neighbours(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Neighbours]:
    if request.param == "sqlite":
        folder: Path = tmp_path_factory.mktemp("neighbours")
        lent = databases.sqlite_database(request.getfixturevalue("sqlite_template"), folder)
    else:
        server = request.getfixturevalue("postgres_server")
        lent = databases.postgres_database(server, request.getfixturevalue("postgres_template"))
    with lent as database:
        people = make_people(database)
        with database.system_session() as session:
            rows = fill(session.connection(), people.organization_id, mark="acme")
        yield Neighbours(database, people, rows)
