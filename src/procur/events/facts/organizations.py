"""What happened to organisations, their people, keys and plans."""

from dataclasses import dataclass
from typing import Any, ClassVar

from procur.events.facts.fact import Fact


@dataclass(frozen=True, slots=True)
class OrganizationSetUp(Fact):
    """An organisation got its name and address."""

    subject: ClassVar[str] = "organization"
    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class PlanChanged(Fact):
    """An organisation is on another plan, or has other limits of its own."""

    subject: ClassVar[str] = "organization"
    slug: str
    plan: str
    limits: dict[str, Any]


@dataclass(frozen=True, slots=True)
class UsageNearLimit(Fact):
    """A meter of the plan has passed 80 % of its limit, or its end."""

    subject: ClassVar[str] = "organization"
    slug: str
    meter: str
    used: str
    limit: str
    percent: int
    period: str


@dataclass(frozen=True, slots=True)
class UserAdded(Fact):
    """A person got an account."""

    subject: ClassVar[str] = "user"
    email: str
    role: str


@dataclass(frozen=True, slots=True)
class ApiKeyMade(Fact):
    """Somebody made a key by which programs act for them; `key_hint` are its last characters."""

    subject: ClassVar[str] = "api_key"
    key_id: str
    name: str
    key_hint: str
    scopes: tuple[str, ...]
    expires_at: str | None


@dataclass(frozen=True, slots=True)
class ApiKeyRevoked(Fact):
    """Somebody closed a key for good."""

    subject: ClassVar[str] = "api_key"
    key_id: str
    name: str
    reason: str | None
