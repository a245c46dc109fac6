"""`procur serve`."""

import click

from procur.cli.steps import serving as steps
from procur.cli.workspace import Workspace, workspace_command
from procur.core.errors import InvalidInput
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
@workspace_command
def serve(workspace: Workspace, *, host: str, port: int, no_workers: bool, threads: int, queues: str) -> None:
    """Answer over HTTP and do the jobs that wait, in one process, until stopped.

    The event stream, health and metrics; see docs/how-to/follow-the-event-stream.md. Ctrl-C or SIGTERM tells
    who follows the stream, lets the jobs at work finish (ten seconds at most) and hands the others back.
    """
    names = [name.strip() for name in queues.split(",") if name.strip()]
    if not names or (unknown := sorted(set(names) - set(QUEUES))):
        named = ", ".join(unknown) if names else "none"
        raise InvalidInput(f"no such queue: {named}", field="queues", hint="queues: " + ", ".join(QUEUES))
    steps.serve(workspace, host=host, port=port, queues=[] if no_workers else names, threads=threads)
