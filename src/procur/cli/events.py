"""`procur events`."""

import json
import time
from datetime import UTC, datetime

import click

from procur.cli.steps import events as steps
from procur.cli.views import events as views
from procur.cli.workspace import Workspace, console, workspace_command
from procur.core.errors import InvalidInput

_PAUSE = 0.25


@click.group()
def events() -> None:
    """Follow facts, see what groups could not take in, deliver it again."""


@events.command()
@click.option("--follow", "-f", is_flag=True, help="Go on, showing facts as they are committed.")
@click.option("--type", "types", multiple=True, help="Only facts of this type (RequestOpened); repeat it.")
@click.option("--aggregate", default=None, metavar="ID", help="Only facts about this subject (REQ-…, an id).")
@click.option("--after", default=None, type=click.IntRange(0), help="Those behind this position.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))
@workspace_command
def tail(
    workspace: Workspace,
    *,
    follow: bool,
    types: tuple[str, ...],
    aggregate: str | None,
    after: int | None,
    limit: int,
) -> None:
    """Show the last facts, oldest first. With --follow and --json each is one line of JSON."""
    told = steps.tail(workspace, limit=limit, after=after, types=types, aggregate=aggregate)
    if not follow:
        workspace.show(told, views.tail)
        return
    for each in told["events"]:
        _line(workspace, each)
    for one in steps.follow(workspace, after=told["next"], types=types, aggregate=aggregate):
        if one is None:
            time.sleep(_PAUSE)
        else:
            _line(workspace, one)


@events.command()
@click.argument("reference", metavar="ID|POSITION")
@workspace_command
def show(workspace: Workspace, *, reference: str) -> None:
    """Show one fact, and what became of it where it could not be taken in at once."""
    workspace.show(steps.show(workspace, reference), views.shown)


@events.command()
@workspace_command
def groups(workspace: Workspace) -> None:
    """Show how far each group has come: facts behind, to be retried, dead."""
    workspace.show(steps.groups(workspace), views.groups)


@events.command()
@click.argument("group", required=False)
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1000))
@workspace_command
def dead(workspace: Workspace, *, group: str | None, limit: int) -> None:
    """List the facts that groups could not take in, newest first."""
    workspace.show(steps.dead(workspace, group, limit=limit), views.dead)


@events.command()
@click.argument("targets", nargs=-1, required=True, metavar="GROUP|ID…")
@workspace_command
def redrive(workspace: Workspace, *, targets: tuple[str, ...]) -> None:
    """Deliver dead letters again: all of a GROUP, or those with these IDs. It is on record who did."""
    workspace.show(steps.redrive(workspace, targets), views.redriven)


@events.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID…")
@click.option("--reason", required=True, help="Why they are given up; kept with them and on record.")
@workspace_command
def drop(workspace: Workspace, *, ids: tuple[str, ...], reason: str) -> None:
    """Give dead letters up for good."""
    workspace.show(steps.drop(workspace, ids, reason=reason), views.dropped)


@events.command()
@click.argument("group")
@click.option("--from-position", "position", type=click.IntRange(1), help="From this position on; 1 is all.")
@click.option("--since", default=None, help="From this day or moment (UTC unless it says otherwise).")
@click.option("--from-event", "event", default=None, metavar="ID", help="From this fact on.")
@workspace_command
def replay(
    workspace: Workspace, *, group: str, position: int | None, since: str | None, event: str | None
) -> None:
    """Let a GROUP read the facts again from a place on. What it wrote before stays: that is its own."""
    told = steps.replay(workspace, group, position=position, since=_moment(since), event=event)
    workspace.show(told, views.replayed)


def _line(workspace: Workspace, told: dict[str, object]) -> None:
    if workspace.as_json:
        click.echo(json.dumps(told, ensure_ascii=False, default=str))
    else:
        views.line(console(), told)


def _moment(value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError as error:
        raise InvalidInput(f"since must be a day or moment, not {value!r}", field="since") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
