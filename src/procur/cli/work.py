"""`procur work`."""

import click
from click.core import ParameterSource

from procur.cli.queues import read_limits, read_queues
from procur.cli.steps import working as steps
from procur.cli.steps.relaying import work_for_celery
from procur.cli.workspace import Workspace, workspace_command
from procur.core.errors import InvalidInput
from procur.workers.tasks import QUEUES

# By an option, those that would have no effect beside it.
_NOT_WITH = {
    "once": ("celery", "threads", "limits", "metrics_port", "metrics_host"),
    "celery": ("limits", "metrics_port", "metrics_host"),
}


@click.command()
@click.option(
    "--queues",
    default=",".join(QUEUES),
    show_default=True,
    help="Which queues to serve, with commas between them.",
)
@click.option("--threads", type=click.IntRange(1, 1000), default=4, show_default=True, help="Jobs at once.")
@click.option(
    "--lease",
    type=click.FloatRange(0.5, 3600),
    default=30.0,
    show_default=True,
    help="Seconds after which others take over the jobs of a worker that is gone.",
)
@click.option("--limit", "limits", multiple=True, help="QUEUE=NUMBER: jobs at once on all machines together.")
@click.option(
    "--metrics-port", type=click.IntRange(0, 65535), default=None, help="Answer /metrics on this port."
)
@click.option("--metrics-host", default="127.0.0.1", show_default=True, help="And on this address.")
@click.option(
    "--celery", is_flag=True, help="Be a worker of Celery's (extra celery), with --threads processes."
)
@click.option("--once", is_flag=True, help="Do what is due now, in one thread, and end.")
@workspace_command
def work(
    workspace: Workspace,
    *,
    queues: str,
    threads: int,
    lease: float,
    limits: tuple[str, ...],
    once: bool,
    metrics_port: int | None,
    metrics_host: str,
    celery: bool,
) -> None:
    """Do the jobs that wait, and tell the rooms what has happened, until stopped.

    Start it on as many machines as you like: they share one database and no job is done twice. Ctrl-C or
    SIGTERM lets the jobs at work finish (ten seconds at most) and hands the others back; a second one stops
    at once, and the jobs are taken over when their leases have run out.
    """
    names = read_queues(queues)
    for chosen, others in _NOT_WITH.items():
        _refuse_together(chosen, others)
    if once:
        steps.work_once(workspace, names, lease=lease)
        return
    if celery:
        work_for_celery(workspace, names, processes=threads, lease=lease)
        return
    bounds = read_limits(limits, names)
    place = None if metrics_port is None else (metrics_host, metrics_port)
    steps.work(workspace, names, threads=threads, lease=lease, limits=bounds, metrics=place)


def _refuse_together(chosen: str, others: tuple[str, ...]) -> None:
    """Refuse options that would be without effect beside this one."""
    context = click.get_current_context()
    if not context.params[chosen]:
        return
    for name in others:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            option = "limit" if name == "limits" else name.replace("_", "-")
            raise InvalidInput(f"--{option} has no effect with --{chosen}", field=option)
