"""Redis loses what it likes, consumers go away, a fact kills who takes it: nothing is lost or doubled."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
import redis
from contract import FAST, Probed, effects, is_through, note, wait_until, write

import redis_server
import watching
from factories.people import People
from procur.core.errors import Unavailable
from procur.db import DatabaseSession, Session
from procur.db.repositories import OrganizationRepository
from procur.events.careful import CarefulReads
from procur.events.event import Event
from procur.events.groups import Batch, Group, Retrying, groups_of
from procur.events.handlers import Handler, on
from procur.events.numbering import number
from procur.events.redis_bus import RedisBus
from procur.events.redis_consumer import StreamConsumer
from procur.events.redis_relay import StreamRelay
from procur.events.redis_settings import EventsRedisSettings
from procur.events.redis_streams import Streams
from procur.events.replay import replay

pytestmark = pytest.mark.slow

THINGS = 5


def noting(group: str) -> Handler:
    def react(session: Session, event: Event) -> None:
        note(session, group, event)

    return on(Probed, group=group)(react)


def expected(facts: int) -> dict[str, list[int]]:
    return {f"t{one}": list(range(1, facts // THINGS + 1)) for one in range(THINGS)}


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


def consumer(
    database: DatabaseSession, group: Group, client: redis.Redis, idle: float = 0.0
) -> StreamConsumer:
    reads, streams = CarefulReads(database, FAST), Streams(client, "procur:", [group.name])
    return StreamConsumer(reads, group, streams, threading.Event(), idle=idle)


def test_redis_killed_and_emptied_in_the_middle(
    database: DatabaseSession, people: People, counted: Callable[[int, str], None]
) -> None:
    if redis_server.program() is None:
        pytest.skip(redis_server.FIX)
    server = redis_server.start(os.getpid(), persistence="everysec")
    handlers = [noting("one"), noting("two")]
    writer = threading.Thread(target=write, args=(database, "acme", 100), kwargs={"things": THINGS})
    bus = RedisBus(database, handlers, EventsRedisSettings(url=server.url), retrying=FAST, poll=0.02)
    try:
        writer.start()
        bus.start()
        wait_until(lambda: bool(effects(database, "acme", "one")))
        watching.kill(server)
        write(database, "rival", 20, things=THINGS)
        watching.revive(server)
        with redis.Redis.from_url(server.url) as client:
            client.flushall()
            writer.join()
            wait_until(lambda: is_through(database, handlers))
        assert bus.stop()
    finally:
        redis_server.stop(server)
    for group in ("one", "two"):
        assert effects(database, "acme", group) == expected(100)
        assert effects(database, "rival", group) == expected(20)
    counted(240, "facts to groups over a Redis that was killed and emptied, each once and in order")
    wait_until(lambda: not Path(server.folder).exists())


def test_entries_go_once_the_slowest_group_is_done_with_them(
    database: DatabaseSession, people: People, client: redis.Redis
) -> None:
    groups = groups_of([noting("fast"), noting("slow")])
    streams = Streams(client, "procur:", [group.name for group in groups])
    streams.set_up()
    write(database, "acme", 50)
    number(database)
    assert StreamRelay(database, groups, streams).forward() == 50
    stream = streams.stream_of(people.organization_id)
    consumer(database, groups[0], client).consume(0.1)
    streams.trim()
    assert client.xlen(stream) == 50
    consumer(database, groups[1], client).consume(0.1)
    streams.trim()
    assert client.xlen(stream) == 1  # the last one marks the place
    assert [effects(database, "acme", group.name) for group in groups] == [expected(50)] * 2


def test_another_consumer_finishes_what_one_left(
    database: DatabaseSession, people: People, client: redis.Redis
) -> None:
    (group,) = groups_of([noting("one")])
    streams = Streams(client, "procur:", ["one"])
    streams.set_up()
    write(database, "acme", 20)
    number(database)
    StreamRelay(database, [group], streams).forward()
    assert len(streams.read("one", "gone", count=100, seconds=0.1)) == 20
    assert consumer(database, group, client).consume(0.1) == 20
    assert effects(database, "acme", "one") == expected(20)
    assert client.xpending(streams.stream_of(people.organization_id), "one")["pending"] == 0


def test_an_organisation_that_fails_or_is_gone_stops_no_other(
    database: DatabaseSession, people: People, client: redis.Redis
) -> None:
    tried = []

    def react(session: Session, event: Event) -> None:
        note(session, "one", event)
        if event.organization_id == people.organization_id:
            tried.append(event.id)
            raise KeyError

    (group,) = groups_of([on(Probed, group="one")(react)])
    streams = Streams(client, "procur:", ["one"])
    streams.set_up()
    with database.system_session() as session:
        gone = OrganizationRepository(session).create(name="Gone", slug="gone").id
    for organization in ("gone", "acme", "rival"):
        write(database, organization, 10)
    number(database)
    relay = StreamRelay(database, [group], streams)
    relay.forward()
    with database.system_session() as session:
        OrganizationRepository(session).soft_delete(gone)
    failing = consumer(database, group, client)
    failing._reads = Failing(database, FAST, organization=people.organization_id)
    assert failing.consume(0.1) == 20  # those of the organisation that is gone are dropped
    assert effects(database, "rival", "one") == expected(10)
    write(database, "rival", 10)
    number(database)
    assert relay.forward() >= 10
    wait_until(lambda: failing.consume(0.1) == 10)
    assert effects(database, "rival", "one") == expected(20)
    assert not tried
    failing._reads = CarefulReads(database, FAST)
    wait_until(lambda: failing.consume(0.1) >= 10)
    assert tried


class Failing(CarefulReads):
    """Meets an error in one organisation, as when a table of it is locked for long."""

    def __init__(self, database: DatabaseSession, retrying: Retrying, *, organization: UUID) -> None:
        super().__init__(database, retrying)
        self._organization = organization

    def read_on(self, group: Group, organization: UUID) -> Batch | None:
        if organization == self._organization:
            raise Unavailable("a row is locked by another transaction")
        return super().read_on(group, organization)


def test_a_replay_over_a_running_bus_begins_at_once(
    database: DatabaseSession, people: People, redis_url: str
) -> None:
    handlers = [noting("one"), noting("two")]
    write(database, "acme", 20)
    with RedisBus(database, handlers, EventsRedisSettings(url=redis_url), retrying=FAST, poll=0.05):
        wait_until(lambda: is_through(database, handlers))
        threading.Event().wait(0.2)  # the relay has seen that nothing is left
        with database.get_session("acme") as session:
            assert replay(session, "two", position=1) == (1, 20)
        wait_until(lambda: is_through(database, handlers), 10.0)  # not after the 30 s of what got lost
    assert effects(database, "acme", "one") == expected(20)
    assert {name: len(found) for name, found in effects(database, "acme", "two").items()} == dict.fromkeys(
        expected(20), 8
    )


def test_entries_that_are_done_with_while_trimming_are_no_trouble(
    database: DatabaseSession, people: People, client: redis.Redis
) -> None:
    streams = Streams(client, "procur:", ["one"])
    streams.set_up()
    write(database, "acme", 5)
    number(database)
    StreamRelay(database, groups_of([noting("one")]), streams).forward()
    entries = streams.read("one", "me", count=10, seconds=0.1)
    stream = streams.stream_of(people.organization_id)
    (before,) = client.xinfo_groups(stream)
    assert before["pending"] == 5
    streams.done("one", entries)
    assert streams._low(stream, before) == before["last-delivered-id"]
