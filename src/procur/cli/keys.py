"""`procur keys`."""

from datetime import UTC, datetime, time, timedelta

import click

from procur.cli.steps import keys as steps
from procur.cli.views import keys as views
from procur.cli.workspace import Workspace, read_date, workspace_command
from procur.core.errors import InvalidInput


@click.group()
def keys() -> None:
    """Make, list and revoke the keys by which programs ask over HTTP."""


@keys.command()
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, help="A permission it may use; repeat it.")
@click.option("--days", default=None, type=click.IntRange(1, 3650), help="How long it is good for.")
@click.option("--until", default=None, help="The last day on which it is good.")
@workspace_command
def add(
    workspace: Workspace, *, name: str, scopes: tuple[str, ...], days: int | None, until: str | None
) -> None:
    """Make a key called NAME that acts for you. It is shown this once, and stored nowhere."""
    if days is not None and until is not None:
        raise InvalidInput("--days or --until, not both", field="until")
    end = None if days is None else workspace.clock.now() + timedelta(days=days)
    if (day := read_date(until, field_name="until")) is not None:
        end = datetime.combine(day, time.max, UTC)
    workspace.show(steps.add_key(workspace, name=name, scopes=scopes, expires_at=end), views.made)


@keys.command("list")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000))
@click.option("--cursor", default=None, help="Where the last page ended.")
@workspace_command
def list_keys(workspace: Workspace, *, limit: int, cursor: str | None) -> None:
    """List keys, newest first, with their scopes and when they were used last (within a minute)."""
    workspace.show(steps.list_keys(workspace, limit=limit, cursor=cursor), views.keys)


@keys.command()
@click.argument("key", metavar="ID|NAME|HINT")
@click.option("--reason", default=None, help="Kept with the key and on record.")
@workspace_command
def revoke(workspace: Workspace, *, key: str, reason: str | None) -> None:
    """Close a key for good: by its id, its name or its last four characters."""
    workspace.show(steps.revoke_key(workspace, key, reason=reason), views.revoked)
