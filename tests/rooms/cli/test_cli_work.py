"""`procur work` does what waits, says what it runs, and ends when asked to."""

import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
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


@pytest.mark.timeout(120)
def test_a_signal_ends_it_and_its_jobs_are_kept(home: Path) -> None:
    database = DatabaseSession(f"sqlite:///{home / 'procur.db'}")
    with database.get_session() as session:
        key = JobRepository(session).enqueue(f"unknown-{uuid4().hex}")[0].id
    command = [sys.executable, "-m", "procur", "work", "--home", str(home), "--threads", "2", "--json"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PROCUR_")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        left, _ = process.communicate(timeout=60)
    assert (told["threads"], len(told["queues"])) == (2, 5)
    assert "process_negotiation_round" in told["kinds"]
    assert json.loads(left) == {"stopped": True, "finished": True}
    assert process.returncode == 0
    with database.get_session() as session:
        assert JobRepository(session).get(key).state == "ready"
    database.close()
