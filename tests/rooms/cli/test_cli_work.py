"""`procur work` does what waits, says what it runs, and ends when asked to."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import slow_work
from click.testing import CliRunner

from procur.cli import root
from procur.core.errors import InvalidInput
from procur.db import DatabaseSession
from procur.db.repositories import JobRepository
from procur.events.facts import SchedulePaused
from procur.events.outbox import publish
from procur.notifications.kinds import LOOK, LookForStuckWork
from procur.workers.kinds import CLEANUP, Cleanup


@pytest.fixture
def home(tmp_path: Path, sqlite_template: Path) -> Path:
    shutil.copyfile(sqlite_template, tmp_path / "procur.db")
    return tmp_path


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (["--queues", "default,nope"], "queues"),
        (["--queues", ","], "queues"),
        (["--limit", "default=0"], "limit"),
        (["--limit", "defualt=1"], "limit"),
        (["--queues", "default", "--limit", "enrichment=1"], "limit"),
        # What would have no effect.
        (["--celery", "--limit", "default=2"], "limit"),
        (["--celery", "--metrics-port", "0"], "metrics-port"),
        (["--once", "--threads", "2"], "threads"),
        (["--once", "--celery"], "celery"),
    ],
)
def test_what_cannot_be_served_is_refused(home: Path, options: list[str], field: str) -> None:
    refused = CliRunner().invoke(root, ["work", "--home", str(home), *options])
    assert isinstance(refused.exception, InvalidInput)
    assert refused.exception.field == field


def test_a_limit_of_the_server_is_for_a_queue_that_it_serves(home: Path) -> None:
    for options in (["--limit", "defualt=1"], ["--no-workers", "--limit", "default=1"]):
        refused = CliRunner().invoke(root, ["serve", "--home", str(home), *options])
        assert isinstance(refused.exception, InvalidInput)
        assert refused.exception.field == "limit"


def test_once_does_what_is_due(home: Path) -> None:
    database = DatabaseSession(f"sqlite:///{home / 'procur.db'}")
    later = datetime.now(UTC) + timedelta(hours=1)
    with database.get_session() as session:
        keys = [CLEANUP.ask(session, Cleanup())[0].id, CLEANUP.ask(session, Cleanup(), run_at=later)[0].id]
        keys.append(LOOK.ask(session, LookForStuckWork())[0].id)
        fact = SchedulePaused("nightly")
        publish(session, fact, actor_type="system", actor_id="procur", now=datetime.now(UTC))
    command = ["work", "--once", "--home", str(home), "--queues", CLEANUP.queue, "--json"]
    done = CliRunner().invoke(root, command, catch_exceptions=False)
    told = json.loads(done.stdout)
    assert (told["jobs"], told["facts"] > 0) == (2, True)
    with database.get_session() as session:
        assert [JobRepository(session).get(key).state for key in keys] == ["done", "ready", "done"]
    database.close()
    done = CliRunner().invoke(root, command, catch_exceptions=False)
    assert json.loads(done.stdout) == {"jobs": 0, "facts": 0}


@contextmanager
def working(home: Path, *options: str, lasts: float = 600.0) -> Iterator[tuple[Any, DatabaseSession, Path]]:
    """A process that works on four slow jobs with two threads, once it is at two of them."""
    database = DatabaseSession(f"sqlite:///{home / 'procur.db'}")
    with database.get_session() as session:
        for _ in range(4):
            slow_work.SLOW.ask(session, slow_work.Nothing())
    go_on, script = home / "go_on", str(Path(slow_work.__file__))
    command = [sys.executable, script, str(go_on), str(lasts), "work", "--home", str(home), "--threads", "2"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PROCUR_")}
    with (
        closing(database),
        subprocess.Popen(
            [*command, "--json", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
        ) as process,
    ):
        try:
            until(lambda: states(database)["running"] >= 2)
            yield process, database, go_on
        finally:
            process.kill()


def until(true: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for something that the process brings about."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "this has not happened in time"
        time.sleep(0.01)


def states(database: DatabaseSession) -> dict[str, int]:
    with database.get_session(read_only=True) as session:
        return JobRepository(session).counts()


@pytest.mark.timeout(120)
def test_a_signal_lets_what_is_at_work_finish_and_keeps_the_rest(home: Path) -> None:
    with working(home, "--limit", "default=2") as (process, database, go_on):
        told = json.loads(process.stdout.readline())
        assert (told["threads"], told["limits"], len(told["queues"])) == (2, {"default": 2}, 5)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        go_on.touch()
        left, _ = process.communicate(timeout=60)
        assert json.loads(left) == {"stopped": True, "finished": True}
        assert process.returncode == 0
        assert (states(database)["done"], states(database)["ready"]) == (2, 2)


@pytest.mark.timeout(120)
def test_a_second_signal_ends_it_at_once(home: Path) -> None:
    with working(home) as (process, database, _go_on):
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        until(lambda: states(database)["ready"] == 2)
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert time.monotonic() - started < 3
        assert states(database)["running"] == 2  # until their leases run out


@pytest.mark.timeout(120)
def test_a_process_whose_threads_all_hang_ends_by_itself(home: Path) -> None:
    with working(home, "--lease", "0.5", lasts=0.5) as (process, _database, _go_on):
        told, _ = process.communicate(timeout=60)
        assert process.returncode not in {0, 130}
        assert "every thread was held by a job that takes too long" in told
