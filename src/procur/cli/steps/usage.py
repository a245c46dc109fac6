"""What is used of the plan, and the plan itself."""

from collections.abc import Mapping
from typing import Any

from procur.billing.service import plans_report, set_plan, usage_report
from procur.cli.workspace import Workspace
from procur.identity.service import own_organization


def show_usage(workspace: Workspace) -> dict[str, Any]:
    """Return every meter with what is used of it and its limit."""
    with workspace.session() as session:
        workspace.actor(session, "company.read")
        return usage_report(session)


def show_plan(workspace: Workspace) -> dict[str, Any]:
    """Return the plan and the limits that hold."""
    with workspace.session() as session:
        workspace.actor(session, "company.read")
        return plans_report(session)


def change_plan(
    workspace: Workspace, tier: str | None, *, limits: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Put the organisation on another plan, or give it limits of its own."""
    with workspace.session() as session:
        person = workspace.actor(session, "plan.write")
        wanted = tier or own_organization(session).subscription_tier
        set_plan(session, person, wanted, now=workspace.clock.now(), limits=limits)
        return plans_report(session)
