"""The application behind a real server on loopback, and what programs say to it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx2

from procur.app import create_app
from procur.db import DatabaseSession
from procur.db.repositories import ApiKeyRepository, EventRepository
from procur.events.numbering import number
from procur.web.server import Server


@contextmanager
def serving(database: DatabaseSession, **given: Any) -> Iterator[tuple[Server, str]]:
    """Run the application in a thread; lend the server and its address."""
    server = Server(create_app(database, **given), port=0)
    thread = threading.Thread(target=server.run, name="uvicorn", daemon=True)
    thread.start()
    for _ in range(1000):
        if server.started:
            break
        thread.join(0.01)
    try:
        yield server, server.addresses[0]
    finally:
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive(), "the server does not end"


def make_key(database: DatabaseSession, maker: Any, *scopes: str, **more: Any) -> str:
    """Make an API key of this person; return the key itself."""
    with database.get_session(maker.organization_id) as session:
        return ApiKeyRepository(session).create_key("test", scopes, maker.id, **more)[1]


def append(database: DatabaseSession, organization: UUID, *names: str, kind: str = "RequestMoved") -> None:
    """Write and number facts, each in a transaction of its own."""
    for name in names:
        with database.get_session(organization) as session:
            EventRepository(session).append(
                type=kind, aggregate_type="request", aggregate_id=name, payload={"n": name},
                occurred_at=datetime.now(UTC),
            )  # fmt: skip
    number(database, organization)


@dataclass
class Heard:
    """What a client of the stream has heard, until it has enough."""

    ids: list[int] = field(default_factory=list)
    data: list[dict[str, Any]] = field(default_factory=list)
    last: str | None = None
    comments: list[str] = field(default_factory=list)

    def take(self, line: str) -> None:
        """Read one line as a browser does."""
        name, _, value = line.partition(": ")
        if name == "id":
            self.last = value
        elif name == "data":
            self.data.append(json.loads(value))
            self.ids.append(self.data[-1]["position"])
        elif line.startswith(":"):
            self.comments.append(value)


def listen(address: str, key: str, enough: int, heard: Heard | None = None, **query: Any) -> Heard:
    """Follow the stream until so many facts are heard in all; go on behind the last id of `heard`."""
    heard = heard or Heard()
    headers = {"Authorization": f"Bearer {key}"}
    if heard.last is not None:
        headers["Last-Event-ID"] = heard.last
    with (
        httpx2.Client(timeout=20) as client,
        client.stream("GET", f"{address}/api/v1/events/stream", params=query, headers=headers) as answer,
    ):
        assert answer.status_code == 200, answer.read()
        for line in answer.iter_lines():
            heard.take(line)
            # An empty line ends a fact: the id that belongs to it has been heard too.
            if not line and len(heard.ids) >= enough:
                break
    return heard
