"""`procur db`."""

import click

from procur.cli.steps import setting_up as steps
from procur.cli.views import setting_up as views
from procur.cli.workspace import Workspace, workspace_command


@click.group()
def db() -> None:
    """Show the schema version of the database, or upgrade it."""


@db.command()
@workspace_command
def upgrade(workspace: Workspace) -> None:
    """Migrate the database to the schema of this Procur. Take a backup before."""
    workspace.show(steps.upgrade_database(workspace), views.schema)


@db.command()
@workspace_command
def version(workspace: Workspace) -> None:
    """Show the database's schema version and the one this Procur needs."""
    workspace.show(steps.schema_version(workspace), views.schema)
