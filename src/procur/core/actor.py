"""Who is acting, and what each role may do: one table, read by every service."""

import uuid
from dataclasses import dataclass
from typing import Literal

from procur.core.errors import NotAllowed

ActorKind = Literal["user", "agent", "system"]

_BUY = frozenset(
    {
        "request.write",
        "vendor.write",
        "mandate.write",
        "negotiation.run",
        "award.propose",
        "contract.draft",
        "contract.sign_for_buyer",
        "order.issue",
    }
)
_READ = frozenset({"request.read", "audit.read"})
_ADMIN = _BUY | _READ | {"user.write", "policy.write", "evidence.write", "award.approve"}

# The negotiating agent may bargain inside a mandate and nothing else: it never approves, signs, sets limits.
PERMISSIONS: dict[str, frozenset[str]] = {
    "owner": _ADMIN,
    "admin": _ADMIN,
    "approver": _READ | {"award.approve", "evidence.write", "contract.sign_for_buyer"},
    "buyer": _BUY | _READ | {"evidence.write"},
    "member": frozenset({"request.write", "request.read"}),
    "viewer": frozenset({"request.read"}),
    "vendor": frozenset({"contract.sign_for_vendor"}),
    "agent": frozenset({"negotiation.run"}),
    "system": _READ,
}


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, agent or the system itself, acting inside one organisation.

    `id` is what the audit trail shows (an e-mail address or an agent's name); `user_id` is set for people who
    have an account.
    """

    organization_id: uuid.UUID
    kind: ActorKind
    id: str
    name: str
    role: str
    user_id: uuid.UUID | None = None

    def may(self, permission: str) -> bool:
        """Tell whether this actor's role carries the permission."""
        return permission in PERMISSIONS.get(self.role, frozenset())

    def require(self, permission: str) -> None:
        """Raise NotAllowed unless this actor's role carries the permission."""
        if not self.may(permission):
            raise NotAllowed(
                f"{self.name} ({self.role}) may not do this: it needs the permission {permission}",
                hint="roles with it: " + ", ".join(roles_with(permission)),
            )


def roles_with(permission: str) -> list[str]:
    """Return the roles that carry a permission, in the order of the table."""
    return [role for role, granted in PERMISSIONS.items() if permission in granted]


def negotiating_agent(actor: Actor) -> Actor:
    """Return the buyer's agent that acts on behalf of a person: it may bargain, nothing else."""
    return Actor(
        organization_id=actor.organization_id,
        kind="agent",
        id=f"buyer-agent for {actor.id}",
        name="Buyer's agent",
        role="agent",
        user_id=actor.user_id,
    )
