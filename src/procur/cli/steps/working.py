"""Workers from the command line."""

import json
import os
import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack
from types import FrameType
from typing import Any, Protocol

import click

from procur.app import handlers
from procur.cli.queues import tell_limits
from procur.cli.workspace import Workspace
from procur.core import logs, tracing
from procur.core.errors import Unavailable
from procur.events.inprocess import deliver
from procur.jobs.drain import Only, drain
from procur.web.figures import Figures, answering
from procur.workers.house import House
from procur.workers.tasks import tasks
from procur.workers.tools import Tools

_END_WITHIN = 8.0  # seconds that jobs at work have to finish; the process ends within ten
_NOTHING_TO_WAIT_FOR = 1.0  # seconds, when all that is at work hangs


class Runs(Protocol):
    """What runs between a start and a stop."""

    def start(self) -> None:
        """Begin."""

    def stop(self, timeout: float = 8.0) -> bool:
        """End within so many seconds; say whether everything at work has finished."""


def work_once(workspace: Workspace, queues: list[str], *, lease: float) -> None:
    """Do what is due and hand on what has happened, until nothing is left."""
    database = workspace.database
    chosen = tasks(Tools.from_environment(workspace.home, database))
    names = [task.kind.name for task in chosen if task.kind.queue in queues]
    jobs = facts = 0
    while True:
        done = drain(database, chosen, only=Only(kinds=names), lease=lease, clock=workspace.clock)
        told = deliver(database, handlers())
        jobs, facts = jobs + done, facts + told
        if not done and not told:
            break
    _say(workspace, {"jobs": jobs, "facts": facts}, f"{jobs} jobs done, {facts} facts handed on.")


def work(
    workspace: Workspace,
    queues: list[str],
    *,
    threads: int,
    lease: float,
    limits: dict[str, int],
    metrics: tuple[str, int] | None = None,
) -> None:
    """Work until a signal comes; the second one ends the process at once. `metrics`: where to answer them."""
    tools = Tools.from_environment(workspace.home, workspace.database)
    house = House(
        workspace.database, tools, handlers(), queues=queues, threads=threads, lease=lease, limits=limits
    )
    kinds = sorted(task.kind.name for task in house.tasks if task.kind.queue in queues)
    told = {
        "worker": house.worker.name,
        "queues": queues,
        "threads": threads,
        "lease": lease,
        "limits": limits,
        "kinds": kinds,
    }
    lines = [
        f"Working on {', '.join(queues)} in {threads} threads as {house.worker.name}.",
        f"  kinds of work: {', '.join(kinds) or 'none'}",
    ]
    if limits:
        lines.append(f"  {tell_limits(limits)}")
    with ExitStack() as shown:
        if metrics is not None:
            figures = Figures(workspace.database, {handler.group for handler in handlers()})
            port = shown.enter_context(answering(figures, *metrics))
            told["metrics"] = f"http://{metrics[0]}:{port}/metrics"
            lines.append(f"  figures: {told['metrics']}")
        lines.append("  Ctrl-C stops: jobs at work finish first.")
        until_stopped(workspace, "procur-work", house, told, "\n".join(lines), hung=house.worker.hung)


def until_stopped(
    workspace: Workspace,
    service: str,
    house: Runs,
    told: dict[str, Any],
    text: str,
    *,
    hung: Callable[[], bool] = lambda: False,
) -> None:
    """Run something until a signal comes; the second one ends the process at once.

    Unavailable: it has `hung`, so that nothing more would be done here; whoever supervises starts it again.
    """
    logs.configure()
    end_traces = tracing.configure(service)
    stop = threading.Event()

    def stopping(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            os._exit(130)  # nothing is lost: the leases run out
        stop.set()

    before = {one: signal.signal(one, stopping) for one in (signal.SIGTERM, signal.SIGINT)}
    house.start()
    _say(workspace, told, text)
    try:
        while not stop.wait(1.0) and not hung():  # woken for signals on every platform
            pass
        of_itself = not stop.is_set()
        ended = house.stop(_NOTHING_TO_WAIT_FOR if of_itself else _END_WITHIN)
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
        end_traces()
    if of_itself:
        raise Unavailable("every thread was held by a job that takes too long", hint="start it again")
    left = "all jobs at work have finished." if ended else "what was not finished is left to others."
    _say(workspace, {"stopped": True, "finished": ended}, f"Stopped: {left}")


def _say(workspace: Workspace, told: dict[str, Any], text: str) -> None:
    click.echo(json.dumps(told, ensure_ascii=False) if workspace.as_json else text)
