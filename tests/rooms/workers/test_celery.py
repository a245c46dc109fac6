"""Celery runs the rows: killed workers and an emptied Redis lose nothing and do nothing twice."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from ast import literal_eval
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from celery_trade import HANGING, KINDS, Piece, ask, commit, total

from factories.people import People, make_people
from procur.core.errors import NotConfigured, Unavailable
from procur.db import DatabaseSession
from procur.db.repositories import ClaimRepository, JobRepository, Lease, LeaseRepository, Queues
from procur.jobs.run import Outcome
from procur.jobs.task import Task, Work
from procur.workers.celery_app import publisher
from procur.workers.celery_settings import CelerySettings
from procur.workers.relay import Relay
from procur.workers.single import run_one
from procur.workers.tasks import QUEUES

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
NAMES = tuple(kind.name for kind in KINDS)
WANTED = Queues(QUEUES, NAMES)


def settings(url: str) -> CelerySettings:
    return CelerySettings(broker_url=url)


@contextmanager
def celery(
    database: DatabaseSession, url: str, *arguments: str, said: Path | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run Celery's command in a process group of its own, its lines into a file; killed in the end."""
    environment = os.environ | {
        "PYTHONPATH": str(HERE),
        "PROCUR_DB_URL": database.config.sqlalchemy_url.render_as_string(hide_password=False),
        "PROCUR_CELERY_BROKER_URL": url,
        "FLOWER_UNAUTHENTICATED_API": "true",
    }
    command = [sys.executable, "-m", "celery", "-A", "celery_trade", *arguments]
    with (
        nullcontext() if said is None else said.open("wb") as stream,
        subprocess.Popen(command, env=environment, start_new_session=True, stderr=stream) as process,
    ):
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def worker(database: DatabaseSession, url: str, *, processes: int = 2, said: Path | None = None) -> Any:
    options = ("--pool", "prefork", "--concurrency", str(processes), "--without-mingle")
    return celery(database, url, "worker", *options, said=said)


def wait_until(done: Callable[[], bool], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until
        time.sleep(0.05)


def states(database: DatabaseSession) -> dict[str, int]:
    with database.system_session(read_only=True) as session:
        return {state: number for state, number in JobRepository(session).counts().items() if number}


def test_kills_and_flushes_lose_nothing_and_flower_sees_the_work(
    postgres_database: DatabaseSession, redis_url: str, counted: Callable[[int, str], None]
) -> None:
    database, number = postgres_database, 40
    make_people(database)
    for one in range(number):
        ask(database, KINDS[one % len(KINDS)], ("acme", "rival")[one % 2])
    relay = Relay(database, WANTED, settings(redis_url), window=10, again=5.0, interval=0.1)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    broker = redis.Redis.from_url(redis_url)
    relay.start()
    with celery(database, redis_url, "flower", "--address=127.0.0.1", f"--port={port}"):
        try:
            for part in (8, 16):
                with worker(database, redis_url):
                    wait_until(lambda part=part: states(database).get("done", 0) >= part)
                broker.flushdb()
            with worker(database, redis_url):
                wait_until(lambda: states(database) == {"done": number})
                wait_until(lambda: set(NAMES) <= seen_by_flower(port))
        finally:
            broker.close()
            assert relay.stop()
    assert total(database) == number
    counted(number, "jobs by Celery over two kills and two flushes, each once")


def test_a_job_that_hangs_is_taken_from_its_process_which_is_replaced(
    postgres_database: DatabaseSession, redis_url: str, tmp_path: Path
) -> None:
    """There is one process only: were it not ended, nobody could do the second attempt."""
    database = postgres_database
    make_people(database)
    key = ask(database, HANGING)
    relay = Relay(database, Queues(QUEUES, (HANGING.name,)), settings(redis_url), again=1.0, interval=0.1)
    relay.start()
    said = tmp_path / "stderr"
    with worker(database, redis_url, processes=1, said=said):
        wait_until(lambda: states(database) == {"done": 1})
        wait_until(lambda: '"outcome": "done"' in said.read_text())
    assert relay.stop()
    lines = [json.loads(line) for line in said.read_text().splitlines() if line.startswith("{")]
    assert {line.get("kind") for line in lines if "takes too long" in line["event"]} == {HANGING.name}
    assert {line["job_id"] for line in lines if "job_id" in line} == {str(key)}
    with database.get_session("acme") as session:
        job = JobRepository(session).get(key)
        assert (job.attempt, job.state) == (2, "done")
    assert total(database) == 1


def test_a_lease_ends_when_its_kind_has_had_its_time(database: DatabaseSession, people: People) -> None:
    key, go_on = ask(database, HANGING), threading.Event()

    def think(work: Work, _: Piece) -> None:
        if work.attempt == 1:
            assert go_on.wait(60)

    def run() -> Outcome | None:
        tasks = [Task(HANGING, think=think, commit=commit)]
        return run_one(database, tasks, people.organization_id, key, worker="w", lease=1.0)

    def freed() -> bool:
        with database.system_session() as session:
            return ClaimRepository(session).reap() == (1, 0)

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(run)
        try:
            wait_until(freed, 10)
            again = run()
        finally:
            go_on.set()
        assert (again, first.result(60)) == (Outcome.DONE, Outcome.LOST)
    assert total(database) == 1


def seen_by_flower(port: str) -> set[str]:
    address = f"http://127.0.0.1:{port}/api/tasks"
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            tasks = json.load(answer)
    except OSError:
        return set()
    return {task["name"] for task in tasks.values() if task["state"] == "SUCCESS"}


def test_messages_wait_few_at_a_time_and_in_fair_order(
    database: DatabaseSession, people: People, redis_url: str
) -> None:
    for _ in range(30):
        ask(database, KINDS[0])
    late = ask(database, KINDS[0], "rival")
    relay = Relay(database, WANTED, settings(redis_url), window=10)
    with redis.Redis.from_url(redis_url) as broker:
        assert relay.publish() == 10
        assert relay.publish() == 10
        waiting = [json.loads(body) for body in broker.lrange("procur:negotiation", 0, -1)]
        assert {one["headers"]["task"] for one in waiting} == {"process_negotiation_round"}
        # Pushed on the left and taken from the right: the other organisation's only job is the second one.
        assert str(late) in waiting[-2]["headers"]["argsrepr"]
        broker.ltrim("procur:negotiation", 3, -1)
        assert relay.publish() == 10
        assert broker.llen("procur:negotiation") == 10
    relay.stop()


def test_each_queue_has_its_own_turns(database: DatabaseSession, people: People, redis_url: str) -> None:
    """One message at a time: what one queue has told of last is no matter of the other's."""
    for kind in KINDS[:2]:
        for organization in ("acme", "acme", "rival", "rival"):
            ask(database, kind, organization)
    relay = Relay(database, WANTED, settings(redis_url), window=1)
    whose: dict[str, list[str]] = {kind.queue: [] for kind in KINDS[:2]}
    with redis.Redis.from_url(redis_url) as broker:
        for _ in range(2):
            assert relay.publish() == 2
            for name, told in whose.items():
                body: Any = broker.rpop(f"procur:{name}")
                organization, key = literal_eval(json.loads(body)["headers"]["argsrepr"])
                told.append(organization)
                tasks = [Task(kind) for kind in KINDS]
                assert run_one(database, tasks, UUID(organization), UUID(key), worker="w") == Outcome.DONE
    relay.stop()
    assert [len(set(told)) for told in whose.values()] == [2, 2]


def test_what_waits_again_is_told_again_while_others_wait(
    database: DatabaseSession, people: People, redis_url: str
) -> None:
    key = ask(database, KINDS[0])
    relay = Relay(database, WANTED, settings(redis_url))
    with redis.Redis.from_url(redis_url) as broker:
        assert [relay.publish() for _ in range(2)] == [1, 1]
        with database.system_session() as session:
            lease = Lease(uuid4(), "w", 60.0)
            (job,) = ClaimRepository(session).claim_some([KINDS[0].name], 1, lease=lease)
        with database.get_session("acme") as session:
            assert LeaseRepository(session).retry(key, job.lease_token, error="not now", seconds=0.0)
        # The message of another job, which nobody has taken yet, stands before it.
        assert [relay.publish() for _ in range(2)] == [2, 2]
        assert broker.llen("procur:negotiation") == 2
    relay.stop()


def test_the_relay_tells_whatever_the_house_does_and_asks_ever_less_for_what_nobody_takes(
    sqlite_database: DatabaseSession, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    database = sqlite_database
    make_people(database)
    with database.system_session() as session:
        session.execute("ALTER TABLE schedules RENAME TO elsewhere")
    relay = CountingRelay(database, WANTED, settings(redis_url), interval=0.5)
    with redis.Redis.from_url(redis_url) as broker:
        ask(database, KINDS[0])
        relay.start()
        wait_until(lambda: "relay" in caplog.text)
        wait_until(lambda: broker.llen("procur:negotiation") == 1)
        ask(database, KINDS[1])
        wait_until(lambda: broker.llen("procur:enrichment") == 1)
        begun, looks = time.monotonic(), relay.looks
        wait_until(lambda: relay.looks >= looks + 7)
        assert time.monotonic() - begun > 1.0
        assert relay.stop()


class CountingRelay(Relay):
    """Counts how often it looks how many messages wait."""

    looks = 0

    def _waiting(self, channel: Any) -> dict[str, int]:
        self.looks += 1
        return super()._waiting(channel)


def test_a_broker_that_is_away_is_said_plainly(
    sqlite_database: DatabaseSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay = Relay(sqlite_database, WANTED, settings("redis://127.0.0.1:1/0"))
    with pytest.raises(Unavailable, match="Celery's Redis"):
        relay.publish()
    monkeypatch.delenv("PROCUR_CELERY_BROKER_URL", raising=False)
    with pytest.raises(NotConfigured, match="no broker"):
        publisher()
