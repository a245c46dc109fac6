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
# What everybody in the company may see, and what only those who negotiate and decide may see.
_SEE = frozenset({"request.read", "vendor.read", "company.read"})
_READ = _SEE | {
    "user.read",
    "policy.read",
    "negotiation.read",
    "contract.read",
    "audit.read",
    "events.read",
    "work.read",
}
_ADMIN = (
    _BUY
    | _READ
    | {
        "user.write",
        "plan.write",
        "policy.write",
        "evidence.write",
        "award.approve",
        "work.manage",
        "webhook.manage",
    }
)

# The negotiating agent may bargain inside a mandate and nothing else: it never approves, signs, sets limits.
PERMISSIONS: dict[str, frozenset[str]] = {
    "owner": _ADMIN,
    "admin": _ADMIN,
    "approver": _READ | {"award.approve", "evidence.write", "contract.sign_for_buyer"},
    "buyer": _BUY | _READ | {"evidence.write"},
    "member": _SEE | {"request.write"},
    "viewer": _SEE,
    # Somebody of the other side: nothing but the contracts and orders of the vendor for which they sign.
    "vendor": frozenset({"contract.sign_for_vendor", "contract.read_own"}),
    "agent": frozenset({"negotiation.run"}),
    "system": frozenset({"request.read", "audit.read"}),
}

# What each permission is for, as the reference page says it.
MEANING = {
    "request.read": "Show and list requests and their budgets, without mandates and offers",
    "request.write": "Open, match and cancel requests",
    "vendor.read": "Show and list vendors",
    "vendor.write": "Import and change vendors",
    "evidence.write": "Record what proves a vendor's compliance",
    "company.read": "Show the company's data, its plan and what it has used",
    "user.read": "List people",
    "user.write": "Add people, change the company's data",
    "plan.write": "Change the plan and its limits",
    "policy.read": "Show the approval policy",
    "policy.write": "Put a policy in force",
    "mandate.write": "Say how far the agent may go",
    "negotiation.read": "Show mandates, talks and their replay, the comparison, the award and the savings",
    "negotiation.run": "Negotiate, record a vendor's answer",
    "award.propose": "Choose an offer",
    "award.approve": "Approve or reject an award",
    "contract.draft": "Draft a contract",
    "contract.read": "Show and list contracts and orders",
    "contract.read_own": "The same, of the vendor for which one signs",
    "contract.sign_for_buyer": "Sign for the buyer",
    "contract.sign_for_vendor": "Sign for the vendor to which one belongs",
    "order.issue": "Issue a purchase order",
    "events.read": "Follow the facts as they happen",
    "work.read": "Show jobs, schedules, facts and dead letters",
    "webhook.manage": "Add, change, replay and look into webhooks and Slack channels",
    "work.manage": "Cancel and redrive jobs, change schedules, redrive and replay facts, send mails again",
    "audit.read": "Show, seal, sign, verify and export the audit trail",
}


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, agent or the system itself, acting inside one organisation.

    `id` is what the audit trail shows (an e-mail address or an agent's name); `user_id` is set for people who
    have an account. Who comes by an API key (`key_id`) may do what is in its `scopes`, as far as the role
    may do it.
    """

    organization_id: uuid.UUID
    kind: ActorKind
    id: str
    name: str
    role: str
    user_id: uuid.UUID | None = None
    scopes: frozenset[str] | None = None
    key_id: uuid.UUID | None = None

    def may(self, permission: str) -> bool:
        """Tell whether this actor's role carries the permission, and their key its scope."""
        granted = PERMISSIONS.get(self.role, frozenset())
        return permission in granted and (self.scopes is None or permission in self.scopes)

    def require(self, permission: str) -> None:
        """Raise NotAllowed unless this actor's role carries the permission."""
        if self.scopes is not None and permission not in self.scopes:
            raise NotAllowed(
                f"this API key may not do this: it lacks the scope {permission}",
                hint="make a key with it: procur keys add --scope " + permission,
            )
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
