"""`procur jobs`, `procur status`."""

import click

from procur.cli.steps import jobs as steps
from procur.cli.views import jobs as views
from procur.cli.workspace import Workspace, workspace_command
from procur.core.errors import InvalidInput

STATES = ("ready", "running", "done", "failed", "dead", "cancelled")


@click.group()
def jobs() -> None:
    """See what is to be done, what could not be done, and do it again."""


@jobs.command("list")
@click.option("--state", default=None, type=click.Choice(STATES))
@click.option("--queue", default=None, help="Only jobs of this queue.")
@click.option("--kind", default=None, help="Only jobs of this kind (send_notification …).")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000))
@click.option("--cursor", default=None, help="Go on where the last page ended.")
@workspace_command
def list_jobs(
    workspace: Workspace,
    *,
    state: str | None,
    queue: str | None,
    kind: str | None,
    limit: int,
    cursor: str | None,
) -> None:
    """List jobs, newest first."""
    told = steps.list_jobs(workspace, limit=limit, cursor=cursor, state=state, queue=queue, kind=kind)
    workspace.show(told, views.jobs)


@jobs.command()
@click.argument("job_id", metavar="ID")
@workspace_command
def show(workspace: Workspace, *, job_id: str) -> None:
    """Show one job: its steps, attempts, error and lease; its payload without secrets and addresses."""
    workspace.show(steps.show_job(workspace, job_id), views.job)


@jobs.command()
@workspace_command
def counts(workspace: Workspace) -> None:
    """Show how many jobs of each queue and kind are in which state."""
    workspace.show(steps.job_counts(workspace), views.counts)


@jobs.command()
@click.option("--kind", default=None, help="Only jobs of this kind.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000))
@click.option("--cursor", default=None, help="Go on where the last page ended.")
@workspace_command
def dead(workspace: Workspace, *, kind: str | None, limit: int, cursor: str | None) -> None:
    """List the jobs whose attempts are used up, and why."""
    told = steps.list_jobs(workspace, limit=limit, cursor=cursor, state="dead", queue=None, kind=kind)
    workspace.show(told, views.dead)


@jobs.command()
@click.argument("job_id", metavar="ID")
@click.option("--reason", default=None, help="Kept with the job and on record.")
@workspace_command
def cancel(workspace: Workspace, *, job_id: str, reason: str | None) -> None:
    """Stop a job that is not finished; a worker that has it writes nothing more."""
    workspace.show(steps.cancel_job(workspace, job_id, reason=reason), views.cancelled)


@jobs.command()
@click.argument("ids", nargs=-1, metavar="[ID…]")
@click.option("--all", "everything", is_flag=True, help="All that are failed or dead.")
@click.option("--kind", default=None, help="With --all: only of this kind.")
@workspace_command
def redrive(workspace: Workspace, *, ids: tuple[str, ...], everything: bool, kind: str | None) -> None:
    """Give failed or dead jobs all their attempts again. It is on record who did."""
    if bool(ids) == everything:
        raise InvalidInput("name jobs, or say --all", field="ids", hint="procur jobs dead")
    if kind is not None and not everything:
        raise InvalidInput("--kind goes with --all", field="kind")
    workspace.show(steps.redrive_jobs(workspace, ids, kind=kind), views.redriven)


@click.command()
@workspace_command
def status(workspace: Workspace) -> None:
    """Show on one screen what waits, what is stuck and what comes next."""
    workspace.show(steps.work_status(workspace), views.status)
