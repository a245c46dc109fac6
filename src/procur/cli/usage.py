"""`procur usage`."""

import click

from procur.cli.steps import usage as steps
from procur.cli.views import usage as views
from procur.cli.workspace import Workspace, read_pairs, workspace_command
from procur.core.plans import PLANS


@click.group(invoke_without_command=True)
@workspace_command
def usage(workspace: Workspace) -> None:
    """Show what is used of the plan this month."""
    if click.get_current_context().invoked_subcommand is None:
        workspace.show(steps.show_usage(workspace), views.usage)


@usage.command()
@click.argument("tier", required=False, type=click.Choice(list(PLANS)))
@click.option(
    "--limit",
    "limits",
    multiple=True,
    help="METER=NUMBER: an own limit; METER=unlimited for none, METER=plan for the plan's again.",
)
@workspace_command
def plan(workspace: Workspace, *, tier: str | None, limits: tuple[str, ...]) -> None:
    """Show the plan and its limits; with a TIER or --limit, change them."""
    if tier is None and not limits:
        workspace.show(steps.show_plan(workspace), views.plan)
        return
    told = steps.change_plan(workspace, tier, limits=read_pairs(limits, option="limit"))
    workspace.show(told, views.plan)
