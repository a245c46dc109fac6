"""`procur webhooks`."""

from datetime import UTC, datetime

import click

from procur.cli.steps import hooks as steps
from procur.cli.views import notifying as views
from procur.cli.workspace import Workspace, workspace_command

_STATES = ("pending", "sent", "failed", "suppressed")


@click.group()
def webhooks() -> None:
    """Let other systems and Slack channels hear what happens."""


@webhooks.command()
@click.argument("url")
@click.option("--slack", is_flag=True, help="URL is an incoming webhook of Slack; it is a secret.")
@click.option("--event", "events", multiple=True, help="A fact to tell, such as ContractActivated; else all.")
@click.option("--description", default=None)
@workspace_command
def add(
    workspace: Workspace, *, url: str, slack: bool, events: tuple[str, ...], description: str | None
) -> None:
    """Tell URL what happens from now on; prints the key that signs, this once."""
    kind = "slack" if slack else "json"
    told = steps.add_webhook(workspace, url, kind=kind, events=events, description=description)
    workspace.show(told, views.webhook)


@webhooks.command("list")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 500))
@click.option("--cursor", default=None, help="Where the last page ended.")
@workspace_command
def list_all(workspace: Workspace, *, limit: int, cursor: str | None) -> None:
    """List webhooks and Slack channels."""
    workspace.show(steps.list_webhooks(workspace, limit=limit, cursor=cursor), views.webhooks)


@webhooks.command()
@click.argument("webhook_id")
@workspace_command
def show(workspace: Workspace, *, webhook_id: str) -> None:
    """Show a webhook and how its deliveries stand."""
    workspace.show(steps.show_webhook(workspace, webhook_id), views.webhook)


@webhooks.command()
@click.argument("webhook_id")
@click.option(
    "--keep-old", "hours", default=24.0, show_default=True, type=click.FloatRange(0, 720),
    help="Hours in which the old key signs as well.",
)  # fmt: skip
@workspace_command
def rotate(workspace: Workspace, *, webhook_id: str, hours: float) -> None:
    """Make a new signing key; prints it, this once."""
    workspace.show(steps.rotate_key(workspace, webhook_id, hours=hours), views.webhook)


@webhooks.command()
@click.argument("webhook_id")
@click.option("--reason", default="switched off by a person", show_default=True)
@workspace_command
def disable(workspace: Workspace, *, webhook_id: str, reason: str) -> None:
    """Stop telling it anything."""
    workspace.show(steps.disable_webhook(workspace, webhook_id, reason=reason), views.webhook)


@webhooks.command()
@click.argument("webhook_id")
@workspace_command
def enable(workspace: Workspace, *, webhook_id: str) -> None:
    """Tell it again what happens, from now on."""
    workspace.show(steps.enable_webhook(workspace, webhook_id), views.webhook)


@webhooks.command()
@click.argument("webhook_id")
@workspace_command
def remove(workspace: Workspace, *, webhook_id: str) -> None:
    """Forget it; its deliveries stay on record."""
    workspace.show(steps.remove_webhook(workspace, webhook_id), views.webhook)


@webhooks.command()
@click.argument("webhook_id")
@click.argument("deliveries", nargs=-1)
@click.option(
    "--since", default=None, type=click.DateTime(), help="Only what was written from then on (UTC)."
)
@click.option("--all", "everything", is_flag=True, help="Also what did get through.")
@workspace_command
def replay(
    workspace: Workspace,
    *,
    webhook_id: str,
    deliveries: tuple[str, ...],
    since: datetime | None,
    everything: bool,
) -> None:
    """Deliver once more, under the same event ids: what failed, or the named DELIVERIES."""
    moment = None if since is None else since.replace(tzinfo=UTC)
    told = steps.replay_webhook(workspace, webhook_id, deliveries, since=moment, everything=everything)
    workspace.show(told, views.replayed)


@webhooks.command()
@click.argument("webhook_id")
@workspace_command
def test(workspace: Workspace, *, webhook_id: str) -> None:
    """Send a ping now and say what came of it."""
    workspace.show(steps.ping_webhook(workspace, webhook_id), views.delivery)


@webhooks.command("deliveries")
@click.argument("webhook_id")
@click.option("--state", default=None, type=click.Choice(_STATES))
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 500))
@click.option("--cursor", default=None, help="Where the last page ended.")
@workspace_command
def list_deliveries(
    workspace: Workspace, *, webhook_id: str, state: str | None, limit: int, cursor: str | None
) -> None:
    """List what it was told, newest first."""
    told = steps.list_deliveries(workspace, webhook_id, state=state, limit=limit, cursor=cursor)
    workspace.show(told, views.deliveries)
