"""What people chose to hear, and who is told by webhook."""

from dataclasses import dataclass
from typing import ClassVar

from procur.events.facts.fact import Fact


@dataclass(frozen=True, slots=True)
class WebhookAdded(Fact):
    """An address hears of facts from now on; `address` hides what may be secret in it."""

    subject: ClassVar[str] = "webhook"
    webhook_id: str
    address: str
    kind: str
    event_types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WebhookKeyRotated(Fact):
    """An endpoint has a new signing key; the old one signs beside it until a moment, if any."""

    subject: ClassVar[str] = "webhook"
    webhook_id: str
    address: str
    old_key_until: str | None


@dataclass(frozen=True, slots=True)
class WebhookDisabled(Fact):
    """An endpoint is told nothing any more."""

    subject: ClassVar[str] = "webhook"
    webhook_id: str
    address: str
    reason: str


@dataclass(frozen=True, slots=True)
class WebhookEnabled(Fact):
    """An endpoint is told again what it wants to hear."""

    subject: ClassVar[str] = "webhook"
    webhook_id: str
    address: str


@dataclass(frozen=True, slots=True)
class WebhookRemoved(Fact):
    """An endpoint is gone."""

    subject: ClassVar[str] = "webhook"
    webhook_id: str
    address: str


@dataclass(frozen=True, slots=True)
class WebhookReplayed(Fact):
    """Somebody had deliveries made once more."""

    subject: ClassVar[str] = "webhook"
    webhook_id: str
    address: str
    deliveries: int


@dataclass(frozen=True, slots=True)
class MailsResent(Fact):
    """Somebody had mails to people sent once more."""

    subject: ClassVar[str] = "organization"
    slug: str
    mails: int


@dataclass(frozen=True, slots=True)
class NotificationsChosen(Fact):
    """A person chose the channels by which they hear of a topic (None: the usual ones again)."""

    subject: ClassVar[str] = "user"
    email: str
    topic: str
    channels: tuple[str, ...] | None
