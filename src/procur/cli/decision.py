"""`procur compare`, `award`, `approve`, `savings`, `policy`."""

import json
from pathlib import Path

import click

from procur.cli.steps import closing, deciding
from procur.cli.views import buying as views
from procur.cli.views import closing as closing_views
from procur.cli.workspace import Workspace, workspace_command
from procur.core.errors import InvalidInput


@click.command()
@click.argument("request_id")
@click.option("--horizon", type=click.IntRange(1, 120), default=None, help="Months to compare over.")
@workspace_command
def compare(workspace: Workspace, *, request_id: str, horizon: int | None) -> None:
    """Compare the offers on one basis and explain the three picks."""
    workspace.show(deciding.compare_request(workspace, request_id, horizon=horizon), views.comparison)


@click.command()
@click.argument("request_id")
@click.option(
    "--pick",
    "choice",
    default="best_value",
    show_default=True,
    help="best_value, lowest_cost, lowest_risk or a vendor's id.",
)
@click.option(
    "--sole-source-reason",
    "reason",
    default=None,
    help="Why there are fewer quotes than the policy asks for.",
)
@workspace_command
def award(workspace: Workspace, *, request_id: str, choice: str, reason: str | None) -> None:
    """Choose an offer and let policy say what approval it needs."""
    workspace.show(deciding.award_request(workspace, request_id, choice, reason=reason), views.award)


@click.command()
@click.argument("request_id", required=False)
@click.option("--reject", is_flag=True)
@click.option("--reason", default=None, help="A rejection needs one.")
@workspace_command
def approve(workspace: Workspace, *, request_id: str | None, reject: bool, reason: str | None) -> None:
    """Approve (or reject) a request as yourself; without a request, list what waits for you."""
    if request_id is None:
        workspace.show(deciding.waiting_approvals(workspace), views.waiting)
        return
    told = deciding.approve_request(workspace, request_id, approve=not reject, reason=reason)
    workspace.show(told, views.decided)


@click.command()
@click.argument("request_id")
@workspace_command
def savings(workspace: Workspace, *, request_id: str) -> None:
    """Show the savings of an award against stated baselines."""
    workspace.show(closing.savings(workspace, request_id), closing_views.savings)


@click.group()
def policy() -> None:
    """Show the approval policy, or put a new version in force."""


@policy.command("show")
@workspace_command
def show_policy(workspace: Workspace) -> None:
    """Print the policy in force as JSON, ready to edit."""
    workspace.show(
        deciding.show_policy(workspace), lambda console, told: console.print_json(json.dumps(told))
    )


@policy.command("set")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@workspace_command
def set_policy(workspace: Workspace, *, file: Path) -> None:
    """Check a policy FILE (JSON) and put it in force as the next version."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{file} cannot be read as JSON: {error}", field="file") from error
    workspace.show(deciding.set_policy(workspace, data), closing_views.policy_set)
