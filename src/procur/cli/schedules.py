"""`procur schedules`."""

import click

from procur.cli.steps import schedules as steps
from procur.cli.views import schedules as views
from procur.cli.workspace import Workspace, workspace_command


@click.group()
def schedules() -> None:
    """See what is done by the clock, pause it, or give it other times."""


@schedules.command("list")
@workspace_command
def list_schedules(workspace: Workspace) -> None:
    """List what is done by the clock, and when next."""
    workspace.show(steps.list_all(workspace), views.listed)


@schedules.command()
@click.argument("name")
@workspace_command
def pause(workspace: Workspace, *, name: str) -> None:
    """Let a schedule make no jobs until it is resumed."""
    workspace.show(steps.pause(workspace, name), views.schedule)


@schedules.command()
@click.argument("name")
@workspace_command
def resume(workspace: Workspace, *, name: str) -> None:
    """Let a paused schedule go on at its next time."""
    workspace.show(steps.resume(workspace, name), views.schedule)


@schedules.command()
@click.argument("name")
@workspace_command
def run(workspace: Workspace, *, name: str) -> None:
    """Ask for a schedule's job at once, beside its times."""
    workspace.show(steps.run(workspace, name), views.asked)


@schedules.command("set")
@click.argument("name")
@click.option("--cron", default=None, help="Minute, hour, day, month, weekday, such as '0 6 * * 1'.")
@click.option("--timezone", default=None, help="The zone that the hours are of, such as Europe/Berlin.")
@workspace_command
def set_times(workspace: Workspace, *, name: str, cron: str | None, timezone: str | None) -> None:
    """Change when a schedule runs; a paused one stays paused."""
    workspace.show(steps.change(workspace, name, cron=cron, timezone=timezone), views.schedule)
