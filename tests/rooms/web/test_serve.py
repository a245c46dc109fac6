"""`procur serve` as a process: it answers, works, and ends while somebody follows."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from factories.serving import Heard, make_key
from factories.terminal import Terminal
from procur.db.repositories import EventRepository, JobRepository

pytestmark = pytest.mark.slow

LINE = 30  # seconds for a line to come


@pytest.fixture
def start(database, tmp_path):
    """Start a command on the test's database; what it says first is given back with it."""
    started = []

    def run(*command):
        environment = {
            **os.environ,
            "PROCUR_DB_URL": database.config.database_url,
            "PROCUR_LOG_FORMAT": "json",
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "procur", *command, "--json", "--home", str(tmp_path)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip
        started.append(process)
        return process, json.loads(process.stdout.readline())

    yield run
    for process in started:
        process.kill()
        process.communicate()


def test_one_process_answers_works_and_ends_in_time(database, people, start):
    key = make_key(database, people.alice, "events.read", "request.read")
    process, told = start("serve", "--port", "0")
    address = told["address"]
    assert httpx2.get(f"{address}/readyz", timeout=10).json()["checks"] == {
        "database": "ok", "schema": "ok", "stream": "ok", "threads": "ok", "workers": "ok",
    }  # fmt: skip
    heard, ended = Heard(), []

    def follow():
        headers = {"Authorization": f"Bearer {key}"}
        url = f"{address}/api/v1/events/stream?types=RequestMoved"
        with httpx2.stream("GET", url, headers=headers, timeout=LINE) as answer:
            for line in answer.iter_lines():
                heard.take(line)
        ended.append(True)

    client = threading.Thread(target=follow)
    client.start()
    until = time.monotonic() + LINE
    while not heard.comments and time.monotonic() < until:
        client.join(0.02)
    with database.get_session(people.organization_id) as session:
        job, _ = JobRepository(session).enqueue("seal_audit", {}, queue="default")
        EventRepository(session).append(
            type="RequestMoved", aggregate_type="request", aggregate_id="REQ-1", payload={"n": 1},
            correlation_id="case-9",
        )  # fmt: skip
    state = None
    while (state != "done" or not heard.ids) and time.monotonic() < until:
        client.join(0.05)
        with database.get_session(people.organization_id, read_only=True) as session:
            state = JobRepository(session).get(job.id).state
    assert (state, heard.ids) == ("done", [1])
    families = text_string_to_metric_families(httpx2.get(f"{address}/metrics", timeout=10).text)
    figures = {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}
    assert figures["procur_task_seconds_count", "seal_audit", "done"] == 1
    assert figures["procur_stream_clients",] == 1
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=15)
    assert time.monotonic() - begun < 10
    client.join(5)
    assert (process.returncode, ended) == (0, [True]), err
    assert json.loads(out) == {"stopped": True, "finished": True}
    assert heard.comments[-1] == "closing: connect again"
    lines = [json.loads(line) for line in err.splitlines()]
    assert [one["outcome"] for one in lines if one["event"] == "job"] == ["done"]
    assert {one["status"] for one in lines if one["event"] == "request"} == {200}
    assert key not in err


def test_a_worker_answers_its_figures(sqlite_database, tmp_path: Path):
    del sqlite_database
    environment = {
        **os.environ,
        "PROCUR_DB_URL": f"sqlite:///{tmp_path / 'procur.db'}",
        "PROCUR_LOG_LEVEL": "INFO",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "procur", "work", "--json", "--metrics-port", "0", "--home", str(tmp_path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    try:
        told = json.loads(process.stdout.readline())
        text = httpx2.get(told["metrics"], timeout=10).text
        assert "procur_database_up 1.0" in text
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=15)
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()


def test_what_cannot_be_served_is_said(tmp_path):
    terminal = Terminal(tmp_path)
    terminal.told("init", "--email", "alice@acme.example")
    assert terminal("serve", "--queues", "mail", "--json").error["code"] == "invalid_input"
    refused = terminal("serve", "--host", "192.0.2.1", "--json").error
    assert refused["code"] == "unavailable"
    assert "192.0.2.1" in refused["message"]
