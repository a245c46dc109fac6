"""`procur serve`."""

import click

from procur.cli.queues import read_limits, read_queues
from procur.cli.steps import serving as steps
from procur.cli.workspace import Workspace, workspace_command
from procur.workers.tasks import QUEUES


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0: any free one."
)
@click.option("--no-workers", is_flag=True, help="Only answer; `procur work` does the jobs elsewhere.")
@click.option(
    "--workers-threads",
    "threads",
    type=click.IntRange(1, 1000),
    default=4,
    show_default=True,
    help="Jobs at once.",
)
@click.option(
    "--queues",
    default=",".join(QUEUES),
    show_default=True,
    help="Which queues to work on, with commas between them.",
)
@click.option("--limit", "limits", multiple=True, help="QUEUE=NUMBER: jobs at once on all machines together.")
@workspace_command
def serve(
    workspace: Workspace,
    *,
    host: str,
    port: int,
    no_workers: bool,
    threads: int,
    queues: str,
    limits: tuple[str, ...],
) -> None:
    """Answer over HTTP and do the jobs that wait, in one process, until stopped.

    The event stream, health and metrics; see docs/how-to/follow-the-event-stream.md. Ctrl-C or SIGTERM tells
    who follows the stream, lets the jobs at work finish (ten seconds at most) and hands the others back.
    """
    names = read_queues(queues)
    served = [] if no_workers else names
    bounds = read_limits(limits, served)
    steps.serve(workspace, host=host, port=port, queues=served, threads=threads, limits=bounds)
