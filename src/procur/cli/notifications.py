"""`procur notifications`."""

from datetime import UTC, datetime

import click

from procur.cli.steps import notifying as steps
from procur.cli.views import notifying as views
from procur.cli.workspace import Workspace, workspace_command
from procur.notifications.topics import CHANNELS, TOPICS


@click.group()
def notifications() -> None:
    """Read your messages, choose how you are told."""


@notifications.command("list")
@click.option("--unread", is_flag=True, help="Only what you have not read.")
@click.option("--sent", is_flag=True, help="Also what went to you by e-mail, and what became of it.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 500))
@click.option("--cursor", default=None, help="Where the last page ended.")
@workspace_command
def list_all(workspace: Workspace, *, unread: bool, sent: bool, limit: int, cursor: str | None) -> None:
    """List your messages, newest first."""
    told = steps.list_messages(workspace, unread=unread, sent=sent, limit=limit, cursor=cursor)
    workspace.show(told, views.messages)


@notifications.command()
@click.argument("notification_id")
@workspace_command
def show(workspace: Workspace, *, notification_id: str) -> None:
    """Show one message and how its delivery went."""
    workspace.show(steps.show_message(workspace, notification_id), views.message)


@notifications.command()
@click.argument("ids", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Everything you have not read.")
@workspace_command
def read(workspace: Workspace, *, ids: tuple[str, ...], everything: bool) -> None:
    """Mark messages as read."""
    workspace.show(steps.read_messages(workspace, ids, everything=everything), views.read)


@notifications.command()
@click.argument("ids", nargs=-1)
@click.option("--failed", is_flag=True, help="Every mail that was not sent.")
@click.option(
    "--since", default=None, type=click.DateTime(), help="Only what was written from then on (UTC)."
)
@workspace_command
def retry(workspace: Workspace, *, ids: tuple[str, ...], failed: bool, since: datetime | None) -> None:
    """Send mails to people once more, whoever they are for: what was not sent, or the named IDS."""
    moment = None if since is None else since.replace(tzinfo=UTC)
    workspace.show(steps.resend(workspace, ids, failed=failed, since=moment), views.resent)


@notifications.command()
@click.argument("topic", required=False, type=click.Choice(list(TOPICS)))
@click.option(
    "--channel", "channels", multiple=True, type=click.Choice(CHANNELS), help="Give it once per channel."
)
@click.option("--off", is_flag=True, help="Hear nothing of the topic.")
@click.option("--usual", is_flag=True, help="The usual channels again.")
@workspace_command
def preferences(
    workspace: Workspace, *, topic: str | None, channels: tuple[str, ...], off: bool, usual: bool
) -> None:
    """Show by which channels you hear of each topic; with a TOPIC, change it."""
    told = steps.preferences(workspace, topic, channels=channels, off=off, usual=usual)
    workspace.show(told, views.preferences)
