"""Processes with a bus of their own are killed, by us or by a fact; the database goes away and comes back."""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.context import SpawnProcess
from pathlib import Path

import pytest
from contract import FAST, Probed, effects, is_through, note, wait_until, write

import postgres
import watching
from procur.core.errors import Unavailable
from procur.db import DatabaseSession, Session
from procur.db.repositories import EventDeliveryRepository
from procur.events.bus import Bus
from procur.events.careful import GONE
from procur.events.event import Event
from procur.events.handlers import Handler, on

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # processes are slow to start where many do

BENCHMARKS = Path(__file__).parents[3] / "benchmarks" / "durability"
SPAWN = multiprocessing.get_context("spawn")


def noting(group: str, *, deadly: int | None = None) -> Handler:
    def react(session: Session, event: Event) -> None:
        note(session, group, event)
        if event.payload["number"] == deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    return on(Probed, group=group)(react)


def deliver_until_killed(url: str, deadly: int) -> None:
    """Run a bus (a process of its own) until the fact kills it, or its parent ends."""
    parent = os.getppid()
    Bus(DatabaseSession(url), [noting("one", deadly=deadly), noting("two")], retrying=FAST).start()
    while os.getppid() == parent:
        time.sleep(0.1)


def _ended(process: SpawnProcess, database: DatabaseSession, handlers: list[Handler]) -> bool:
    return not process.is_alive() or is_through(database, handlers)


def test_a_fact_that_kills_every_process_is_set_aside(
    postgres_database: DatabaseSession, counted: Callable[[int, str], None]
) -> None:
    database = postgres_database
    url = database.config.sqlalchemy_url.render_as_string(hide_password=False)
    organization = database.config.default_organization
    write(database, organization, 20)
    deaths, handlers = 0, [noting("one"), noting("two")]
    while not is_through(database, handlers):
        process = SPAWN.Process(target=deliver_until_killed, args=(url, 7), daemon=True)
        process.start()
        try:
            wait_until(partial(_ended, process, database, handlers))
            deaths += not process.is_alive()
        finally:
            process.kill()
            process.join()
        assert deaths < 12
    with database.get_session() as session:
        (dead,) = EventDeliveryRepository(session).dead_letters()
        assert (dead.consumer, dead.error, dead.state) == ("one", GONE, "dead")
    everything = {f"t{one}": [1, 2, 3, 4] for one in range(5)}
    assert effects(database, organization, "two") == everything
    assert effects(database, organization, "one") == everything | {"t2": [1, 3, 4]}
    assert 5 <= deaths <= 8
    counted(deaths, "processes killed by one fact before it was set aside")


def test_processes_killed_at_random_lose_nothing(
    postgres_database: DatabaseSession,
    monkeypatch: pytest.MonkeyPatch,
    counted: Callable[[int, str], None],
) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.setenv("PYTHONPATH", str(BENCHMARKS))
    import event_storm

    storm = event_storm.Storm(writers=2, facts=400, groups=2, consumers=2, organizations=2, kill_every=1.0)
    outcome = event_storm.run(postgres_database, storm, patience=240.0)
    assert outcome.good, outcome
    assert outcome.committed == 800
    if not outcome.kills:
        pytest.skip("everything was delivered before the first kill")
    counted(outcome.committed, "facts under kill -9, each once and in order")
    for name in ("event_storm", "places"):
        sys.modules.pop(name, None)


def test_postgresql_goes_away_and_comes_back(counted: Callable[[int, str], None]) -> None:
    if postgres.binaries() is None:
        pytest.skip(postgres.FIX)
    server = postgres.start(os.getpid(), durable=True)
    database = DatabaseSession(server.url)
    handlers = [noting("one"), noting("two")]
    organization = database.config.default_organization
    try:
        database.create_all_tables()
        with Bus(database, handlers, retrying=FAST, poll=0.1):
            write(database, organization, 40)
            watching.kill(server)  # while they are on their way
            with pytest.raises(Unavailable):
                write(database, organization, 10)
            watching.revive(server)
            write(database, organization, 40)
            wait_until(lambda: is_through(database, handlers))
        expected = {f"t{one}": list(range(1, 17)) for one in range(5)}
        assert effects(database, organization, "one") == expected
        assert effects(database, organization, "two") == expected
        with database.get_session() as session:
            assert EventDeliveryRepository(session).count() == 0
    finally:
        database.close()
        postgres.stop(server)
    counted(80, "facts to two groups although PostgreSQL was killed, each once and in order")
