"""`procur db`."""

from pathlib import Path

import click

from procur.cli.steps import setting_up as steps
from procur.cli.views import setting_up as views
from procur.cli.workspace import Workspace, workspace_command


@click.group()
def db() -> None:
    """Show or upgrade the schema of the database; make the role that Procur runs as."""


@db.command()
@workspace_command
def upgrade(workspace: Workspace) -> None:
    """Migrate the database to the schema of this Procur. Take a backup before."""
    workspace.show(steps.upgrade_database(workspace), views.schema)


@db.command()
@workspace_command
def version(workspace: Workspace) -> None:
    """Show the database's schema version, the one this Procur needs, and whether the walls hold."""
    workspace.show(steps.schema_version(workspace), views.schema)


@db.command()
@click.argument("role", default="procur_app")
@click.option("--password", "asks", is_flag=True, help="Ask for the role's password and set it.")
@click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Set the password that stands in the first line of this file.",
)
@click.option("--print", "only_print", is_flag=True, help="Print the SQL instead of running it.")
@workspace_command
def roles(
    workspace: Workspace, *, role: str, asks: bool, password_file: Path | None, only_print: bool
) -> None:
    """Make the PostgreSQL ROLE that Procur runs as (default procur_app).

    It reads and writes rows behind the walls between organisations, and neither changes the schema nor passes
    a wall. Run this as the owner of the tables, after `procur db upgrade` and again after later upgrades;
    then let PROCUR_DB_URL name the new role.
    """
    if only_print:
        workspace.show(steps.role_script(workspace, role), views.role_script)
        return
    password = password_file.read_text().partition("\n")[0] if password_file else None
    if asks:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    workspace.show(steps.make_role(workspace, role, password), views.role)
