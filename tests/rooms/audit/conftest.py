"""A logger on a clean database of either kind, and that database's outages."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

import outages
from procur.audit import AuditLogger
from procur.db import DatabaseSession

Away = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def away(request: pytest.FixtureRequest, database: DatabaseSession) -> Away:
    """Takes the database away: `with away(): …`."""
    sqlite = database.config.sqlalchemy_url.get_backend_name() == "sqlite"
    server = None if sqlite else request.getfixturevalue("postgres_server")
    return lambda: outages.away(database, server)


@pytest.fixture
def impatient(database: DatabaseSession) -> Iterator[DatabaseSession]:
    """The same database, whose locks nobody waits for."""
    found = outages.impatient(database)
    yield found
    found.close()


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    return tmp_path / "logs"


@pytest.fixture
def logger(logs: Path, impatient: DatabaseSession) -> Iterator[AuditLogger]:
    found = AuditLogger(logs, database=impatient)
    yield found
    found.close()
