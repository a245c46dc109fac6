"""Redis loses what it likes, consumers go away, a fact kills who takes it: nothing is lost or doubled."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from contract import FAST, Probed, effects, is_through, note, wait_until, write

import redis_server
import watching
from factories.people import People
from procur.db import DatabaseSession, Session
from procur.db.repositories import EventDeliveryRepository
from procur.events.event import Event
from procur.events.groups import Group, groups_of
from procur.events.handlers import Handler, on
from procur.events.numbering import number
from procur.events.redis_bus import RedisBus
from procur.events.redis_consumer import GONE, StreamConsumer
from procur.events.redis_relay import StreamRelay
from procur.events.redis_settings import EventsRedisSettings
from procur.events.redis_streams import Streams

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
    streams = Streams(client, "procur:", [group.name])
    return StreamConsumer(database, group, streams, threading.Event(), retrying=FAST, idle=idle)


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


def test_a_fact_that_no_consumer_survives_becomes_a_dead_letter(
    database: DatabaseSession, people: People, client: redis.Redis
) -> None:
    def fatal(session: Session, event: Event) -> None:
        if event.payload["number"] == 7:
            raise SystemExit  # what follows is not reached, as after a kill
        note(session, "one", event)

    (group,) = groups_of([on(Probed, group="one")(fatal)])
    streams = Streams(client, "procur:", ["one"])
    streams.set_up()
    write(database, "acme", 20)
    number(database)
    StreamRelay(database, [group], streams).forward()
    deaths = 0
    while effects(database, "acme", "one").get("t0") != [1, 2, 3, 4]:
        try:
            consumer(database, group, client).consume(0.1)
        except SystemExit:
            deaths += 1
        assert deaths < 10
    assert effects(database, "acme", "one") == expected(20) | {"t2": [1, 3, 4]}
    with database.get_session("acme") as session:
        (dead,) = EventDeliveryRepository(session).dead_letters("one")
        assert (dead.error, dead.state) == (GONE, "dead")
    assert deaths == 2 + FAST.attempts
