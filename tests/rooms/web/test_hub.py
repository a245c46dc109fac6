"""The one reader of a process: nobody can stop it for the others."""

import asyncio
import threading

import pytest
from sqlalchemy import event

from factories.serving import append
from procur.core.errors import Unavailable
from procur.db.repositories import LiveRepository
from procur.web import hub as hubs
from procur.web.hub import Hub

NEWS = 10  # seconds for news to come


@pytest.fixture
def hub(database):
    running = Hub(database, every=0.05)
    running.start()
    yield running
    running.close()
    running.join()
    assert not running._thread.is_alive()


@pytest.fixture
def read(database):
    """How often the hub's own thread has read facts (not only how far the logs go)."""
    statements: list[str] = []

    def note(_connection, _cursor, statement, *_):
        if threading.current_thread().name == "procur-stream" and "FROM events" in statement:
            statements.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    yield statements
    event.remove(database.engine, "before_cursor_execute", note)


async def next_of(hub, follower):
    """Return the next facts of a follower, as its stream would get them."""
    while not (facts := await hub.facts(follower)):
        assert await follower.news(NEWS), "no news"
    follower.position = facts[-1].position
    return [fact.aggregate_id for fact in facts]


def test_a_follower_far_behind_costs_the_others_nothing(database, people, hub, read, monkeypatch):
    monkeypatch.setattr(hubs, "PAGE", 5)
    organization = people.organization_id
    append(database, organization, *(f"old-{each}" for each in range(60)))

    async def both():
        far = await hub.follower(organization, 0)
        hub.follow(far)
        near = await hub.follower(people.other_organization_id, None)
        hub.follow(near)
        await asyncio.to_thread(append, database, people.other_organization_id, "rival-1")
        assert await next_of(hub, near) == ["rival-1"]
        assert len(read) == 1  # and none of the sixty facts that the other one lacks
        live = await hub.follower(organization, None)
        hub.follow(live)
        await asyncio.to_thread(append, database, organization, "new")
        assert await next_of(hub, live) == ["new"]
        assert len(read) == 2
        seen = []
        while len(seen) < 61:
            seen += await next_of(hub, far)
        assert seen == [*(f"old-{each}" for each in range(60)), "new"]
        assert len(read) == 2
        for one in (far, near, live):
            hub.leave(one)

    asyncio.run(both())


def test_more_at_once_than_is_kept_is_read_by_those_who_want_it(database, people, hub, read, monkeypatch):
    monkeypatch.setattr(hubs, "PAGE", 5)
    monkeypatch.setattr(hubs, "KEPT", 10)
    organization = people.organization_id

    async def one():
        follower = await hub.follower(organization, None)
        hub.follow(follower)
        await asyncio.to_thread(append, database, organization, *(f"{each}" for each in range(60)))
        seen = []
        while len(seen) < 60:
            seen += await next_of(hub, follower)
        assert seen == [f"{each}" for each in range(60)]
        assert len(read) <= 3  # of twelve pages
        hub.leave(follower)

    asyncio.run(one())


def test_the_reader_survives_whatever_goes_wrong(database, people, hub, monkeypatch):
    monkeypatch.setattr(hubs, "_PAUSE", 0.01)
    heads, broken = LiveRepository.heads, threading.Event()

    def break_once(self, wanted):
        if threading.current_thread().name == "procur-stream" and not broken.is_set():
            broken.set()
            raise RuntimeError("a driver's own error")
        return heads(self, wanted)

    async def gone():
        """Follow and vanish: the event loop ends without leaving."""
        hub.follow(await hub.follower(people.organization_id, None))

    async def stays():
        follower = await hub.follower(people.organization_id, None)
        hub.follow(follower)
        await asyncio.to_thread(append, database, people.organization_id, "1")
        assert await next_of(hub, follower) == ["1"]
        monkeypatch.setattr(LiveRepository, "heads", break_once)
        assert await asyncio.to_thread(broken.wait, NEWS)
        await asyncio.to_thread(append, database, people.organization_id, "2")
        assert await next_of(hub, follower) == ["2"]

    asyncio.run(gone())
    asyncio.run(stays())
    hub.check()


def test_a_reader_that_has_ended_is_told(database):
    hub = Hub(database)
    with pytest.raises(Unavailable, match="reader"):
        hub.check()
    hub.start()
    hub.check()
    hub.close()
    hub.join()
