"""Workers from the command line."""

import json
import os
import signal
import threading
from contextlib import ExitStack
from types import FrameType
from typing import Any

import click

from procur.app import handlers
from procur.cli.workspace import Workspace
from procur.core import logs, tracing
from procur.events.inprocess import deliver
from procur.jobs.drain import Only, drain
from procur.web.figures import Figures, answering
from procur.workers.house import House
from procur.workers.tasks import tasks
from procur.workers.tools import Tools

_END_WITHIN = 8.0  # seconds that jobs at work have to finish; the process ends within ten


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
    logs.configure()
    end_traces = tracing.configure("procur-work")
    stop = threading.Event()

    def stopping(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            os._exit(130)  # nothing is lost: the leases run out
        stop.set()

    before = {one: signal.signal(one, stopping) for one in (signal.SIGTERM, signal.SIGINT)}
    tools = Tools.from_environment(workspace.home, workspace.database)
    house = House(
        workspace.database, tools, handlers(), queues=queues, threads=threads, lease=lease, limits=limits
    )
    shown = ExitStack()
    if metrics is not None:
        figures = Figures(workspace.database, {handler.group for handler in handlers()})
        port = shown.enter_context(answering(figures, *metrics))
        metrics = (metrics[0], port)
    house.start()
    kinds = sorted(task.kind.name for task in house.tasks if task.kind.queue in queues)
    told = {"worker": house.worker.name, "queues": queues, "threads": threads, "lease": lease, "kinds": kinds}
    if metrics is not None:
        told["metrics"] = f"http://{metrics[0]}:{metrics[1]}/metrics"
    _say(workspace, told, f"Working on {', '.join(queues)} in {threads} threads as {house.worker.name}.")
    if not workspace.as_json:
        click.echo(f"  kinds of work: {', '.join(kinds) or 'none'}")
        if metrics is not None:
            click.echo(f"  figures: {told['metrics']}")
        click.echo("  Ctrl-C stops: jobs at work finish first.")
    try:
        while not stop.wait(1.0):  # woken for signals on every platform
            pass
        ended = house.stop(_END_WITHIN)
    finally:
        shown.close()
        for one, handler in before.items():
            signal.signal(one, handler)
        end_traces()
    left = "all jobs at work have finished." if ended else "what was not finished is handed back."
    _say(workspace, {"stopped": True, "finished": ended}, f"Stopped: {left}")


def _say(workspace: Workspace, told: dict[str, Any], text: str) -> None:
    click.echo(json.dumps(told, ensure_ascii=False) if workspace.as_json else text)
