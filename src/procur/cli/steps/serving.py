"""Answer over HTTP from the command line, with workers in the same process."""

import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click

from procur.app import create_app, handlers
from procur.cli.queues import tell_limits
from procur.cli.workspace import Workspace
from procur.core import logs, tracing
from procur.core.errors import Unavailable
from procur.db import DatabaseSession
from procur.db.repositories import FigureRepository
from procur.workers.house import House
from procur.workers.tools import Tools

_END_WITHIN = 8.0  # seconds that jobs at work have to finish; the process ends within ten
_WAITS_TOO_LONG = 60.0  # seconds a due job may wait before its queue is called unserved


def serve(
    workspace: Workspace,
    *,
    host: str,
    port: int,
    queues: list[str],
    threads: int,
    limits: dict[str, int],
) -> None:
    """Serve, and work on these queues (none: only serve), until a signal comes; a second one ends at once."""
    logs.configure()
    end_traces = tracing.configure("procur")
    database = workspace.database
    house, checks = None, {}
    if queues:
        tools = Tools.from_environment(workspace.home, database)
        house = House(database, tools, handlers(), queues=queues, threads=threads, limits=limits)
        checks = {"threads": house.check, "workers": lambda: _check_queues(database, queues)}
    app = create_app(database, hints=house is None, checks=checks)
    from procur.web.server import Server  # after create_app, which says what to install

    listening = _listen(host, port)
    server = Server(app)
    try:
        with _until_signal() as stop:
            serving = threading.Thread(
                target=server.run, kwargs={"sockets": [listening]}, name="procur-http", daemon=True
            )
            serving.start()
            if house is not None:
                house.start()
            while serving.is_alive() and not server.started and not stop.wait(0.01):
                pass
            _greet(workspace, listening, queues, threads, limits)
            while serving.is_alive() and not stop.wait(0.5):  # woken for signals on every platform
                pass
            failed = not stop.is_set()
            server.should_exit = True
            ended = house is None or house.stop(_END_WITHIN)
            serving.join()
    finally:
        listening.close()
        end_traces()
    if failed:
        raise Unavailable("the server has ended by itself", hint="its log says why")
    left = "all jobs at work have finished." if ended else "what was not finished is left to others."
    _say(workspace, {"stopped": True, "finished": ended}, f"Stopped: {left}")


@contextmanager
def _until_signal() -> Iterator[threading.Event]:
    """Lend what SIGTERM and Ctrl-C set; coming twice they end the process, and leases run out."""
    stop = threading.Event()

    def stopping(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            os._exit(130)
        stop.set()

    before = {one: signal.signal(one, stopping) for one in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise Unavailable(
            f"cannot listen on {host}, port {port}: {error.strerror}", hint="name another one with --port"
        ) from error
    listening.set_inheritable(False)
    return listening


def _check_queues(database: DatabaseSession, queues: list[str]) -> None:
    """Raise Unavailable when due jobs of a queue of ours wait and nobody takes them."""
    with database.system_session(read_only=True) as session:
        found = FigureRepository(session).queues()
    for each in found:
        if each.queue in queues and each.oldest > _WAITS_TOO_LONG and not each.running:
            raise Unavailable(f"jobs of the queue {each.queue} have waited for {each.oldest:.0f} seconds")


def _greet(
    workspace: Workspace, listening: socket.socket, queues: list[str], threads: int, limits: dict[str, int]
) -> None:
    host, port, *_ = listening.getsockname()
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    works = f"working on {', '.join(queues)} in {threads} threads" if queues else "without workers"
    if limits:
        works += f" ({tell_limits(limits)})"
    told = {"address": address, "queues": queues, "threads": threads if queues else 0, "limits": limits}
    _say(workspace, told, f"Serving on {address}, {works}. Ctrl-C stops.")


def _say(workspace: Workspace, told: dict[str, object], text: str) -> None:
    click.echo(json.dumps(told, ensure_ascii=False) if workspace.as_json else text)
