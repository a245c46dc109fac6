"""`procur audit`."""

import click

from procur.cli.steps import closing as steps
from procur.cli.views import closing as views
from procur.cli.workspace import Workspace, workspace_command
from procur.core.errors import Conflict


@click.group()
def audit() -> None:
    """Show and verify the audit trail."""


@audit.command("list")
@click.argument("subject", required=False)
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--before", default=None, type=int, help="Entries before this number.")
@workspace_command
def list_entries(workspace: Workspace, *, subject: str | None, limit: int, before: int | None) -> None:
    """List the last entries, oldest first: all, or those about one SUBJECT (REQ-…, NEG-…, CON-…)."""
    workspace.show(steps.trail(workspace, subject=subject, limit=limit, before=before), views.trail)


@audit.command()
@workspace_command
def verify(workspace: Workspace) -> None:
    """Walk the hash chain and tell the first entry that does not fit."""
    told = steps.verify(workspace)
    if told["intact"]:
        workspace.show(told, views.verified)
        return
    raise Conflict(
        f"the audit trail was changed, first at entry {told['broken_at']}: {told['problem']}",
        hint="restore the database from a backup and compare",
        details=told,
    )
