from collections.abc import Iterator

import pytest

from factories.people import People
from factories.serving import make_key, serving
from procur.db import DatabaseSession


@pytest.fixture
def served(database: DatabaseSession) -> Iterator[str]:
    """The address of a server on the test's database."""
    with serving(database) as (_, address):
        yield address


@pytest.fixture
def alice_key(database: DatabaseSession, people: People) -> str:
    return make_key(database, people.alice, "events.read", "request.read", "negotiation.read")
