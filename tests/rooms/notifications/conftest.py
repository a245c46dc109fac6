from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from factories.desk import Desk
from factories.house import make_house
from factories.mailbox import Mailbox, mailbox
from factories.pages import Pages, serving
from procur.db import DatabaseSession


@pytest.fixture
def pages() -> Iterator[Pages]:
    with serving() as served:
        yield served


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mailbox() as lent:
        yield lent


@pytest.fixture
def desk(database: DatabaseSession, tmp_path: Path, box: Mailbox, pages: Pages, monkeypatch: Any) -> Desk:
    """Acme with its people, a mail server and a web server that may be called."""
    monkeypatch.setenv("PROCUR_NET_ALLOW", pages.place)
    return Desk(make_house(database, tmp_path), box, pages)
