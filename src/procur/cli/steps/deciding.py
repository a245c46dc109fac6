"""The approval policy: show it, change it."""

from typing import Any

from procur.approvals.policy import DEFAULT_POLICY
from procur.approvals.service import POLICY_NAME, activate_policy
from procur.cli.workspace import Workspace
from procur.core.errors import InvalidInput
from procur.db.repositories import PolicyRepository


def show_policy(workspace: Workspace) -> dict[str, Any]:
    """Return the policy in force: the organisation's own, or the packaged template."""
    with workspace.session() as session:
        row = PolicyRepository(session).get_active_policy(POLICY_NAME)
        return dict(DEFAULT_POLICY) if row is None else {**row.policy_data, "version": row.version}


def set_policy(workspace: Workspace, data: Any) -> dict[str, Any]:
    """Check a policy and put it in force."""
    if not isinstance(data, dict):
        raise InvalidInput("a policy is a JSON object", field="file")
    with workspace.session() as session:
        policy = activate_policy(session, workspace.actor(session), data, now=workspace.clock.now())
        return {
            "name": policy.name,
            "version": policy.version,
            "rules": len(policy.rules),
            "hash": policy.hash,
        }
