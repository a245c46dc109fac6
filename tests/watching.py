"""Servers of a test run: started by whoever asks first, shared by all workers, gone with the run.

A small watcher process owns each server, so that it stops even when pytest is killed at once. A watcher can
also bring its server back whenever it was killed, which is what the chaos runs need.
"""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

START_SECONDS = 30.0
_NAP = 0.02


@dataclass(frozen=True)
class Server:
    """A running server: where, what it is, and which process keeps it (None: somebody else's)."""

    url: str
    description: str
    watcher: int | None = None
    folder: str = ""


# -- whoever needs a server ---------------------------------------------------------------------------


def shared(folder: Path, name: str, begin: Callable[[], Server]) -> Server:
    """Return the run's server of this name; the first worker begins it."""
    with locked(folder / f"{name}.lock"):
        server = running(folder, name)
        if server is None:
            server = begin()
            (folder / f"{name}.json").write_text(json.dumps(asdict(server)))
        return server


def running(folder: Path, name: str) -> Server | None:
    """Return the server of this name that this run has started or found so far."""
    note = folder / f"{name}.json"
    return Server(**json.loads(note.read_text())) if note.exists() else None


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock between processes."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def new_folder(prefix: str) -> Path:
    """Return a new folder for a server."""
    return Path(tempfile.mkdtemp(prefix=f"{prefix}-{os.geteuid()}-"))


def sweep(prefix: str, kill: Callable[[Path], None]) -> None:
    """Remove what runs left behind whose watcher was killed too."""
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}-{os.geteuid()}-*"):
        with contextlib.suppress(OSError, ValueError):
            pid, _, birth = (folder / "owner").read_text().partition(" ")
            if birth_of(int(pid)) == birth:
                continue
            kill(folder)
            shutil.rmtree(folder, ignore_errors=True)


def begin(script: str, folder: Path, owner: int, *arguments: object) -> int:
    """Start a watcher (`script folder arguments`) that lives as long as `owner`; return it, once ready."""
    (folder / "owner").write_text(f"{owner} {birth_of(owner)}")
    command = [sys.executable, script, str(folder), *map(str, arguments)]
    with (folder / "watcher.log").open("w") as log:
        watcher = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    watcher.returncode = 0  # it lives on; no warning about that when this object goes
    _wait_until_ready(folder, watcher.pid)
    return watcher.pid


def stop(server: Server) -> None:
    """Stop a server that a watcher keeps."""
    if server.watcher is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(server.watcher, signal.SIGTERM)


def kill(server: Server) -> None:
    """Kill a server with all its processes at once (SIGKILL); it stays away until `revive`."""
    folder = Path(server.folder)
    (folder / "down").touch()
    (folder / "ready").unlink(missing_ok=True)
    pid = int((folder / "pid").read_text())
    family = [pid, *_children(pid)]
    for one in family:
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)
    until = time.monotonic() + START_SECONDS
    while any(map(birth_of, family)):
        if time.monotonic() > until:
            raise RuntimeError(f"the server survived SIGKILL: {family}")
        time.sleep(_NAP)


def revive(server: Server) -> None:
    """Let a killed server come back; return when it is there."""
    assert server.watcher is not None
    (Path(server.folder) / "down").unlink()
    _wait_until_ready(Path(server.folder), server.watcher)


def _wait_until_ready(folder: Path, watcher: int) -> None:
    until = time.monotonic() + START_SECONDS
    while not (folder / "ready").exists():
        if not birth_of(watcher) or time.monotonic() > until:
            log = (folder / "watcher.log").read_text()[-2000:] if folder.exists() else ""
            raise RuntimeError(f"the server did not start: {log}")
        time.sleep(_NAP)


def birth_of(pid: int) -> str:
    """Return when a living process started ("" for a dead one): its number may be given away again."""
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        pass
    else:
        return "" if state == "Z" else rest[18]
    # No /proc (macOS): ask ps.
    answer = subprocess.run(
        ["/bin/ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip()


def _children(parent: int) -> list[int]:
    """Return a process's children; none where there is no /proc, there they end by themselves."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            if int(status.read_text().rpartition(") ")[2].split()[1]) == parent:
                found.append(int(status.parent.name))
    return found


# -- the watcher's own process ------------------------------------------------------------------------


def watch(
    folder: Path, launch: Callable[[], "subprocess.Popen[bytes]"], ending: signal.Signals, *, again: bool
) -> None:
    """Keep a server as long as its owner lives; `again` brings it back when it was killed."""
    pid, _, birth = (folder / "owner").read_text().partition(" ")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server: subprocess.Popen[bytes] | None = None
    try:
        server = _launched(folder, launch)
        while birth_of(int(pid)) == birth and (again or server.poll() is None):
            if server.poll() is not None and not (folder / "down").exists():
                with contextlib.suppress(RuntimeError):  # what is left of the old one may still be ending
                    server = _launched(folder, launch)
            time.sleep(_NAP if again else 0.2)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if server is not None and server.poll() is None:
            server.send_signal(ending)  # at once: the data is thrown away anyway
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
        if server is not None:
            shutil.rmtree(folder, ignore_errors=True)  # a failed start keeps its log for the next sweep


def _launched(folder: Path, launch: Callable[[], "subprocess.Popen[bytes]"]) -> "subprocess.Popen[bytes]":
    server = launch()
    (folder / "pid").write_text(str(server.pid))
    (folder / "ready").touch()
    return server
