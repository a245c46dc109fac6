"""What a channel takes and what it answers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from procur.notifications.messages import Message


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message on its way. `message_id` and `event_id` are the same in every attempt.

    `url` and `keys` are an endpoint's and never shown; `body` is what is signed, byte for byte.
    """

    message_id: str
    event_id: UUID
    recipient: str
    name: str
    company: str
    body: str
    message: Message
    url: str = ""
    keys: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Outgoing {self.message_id}>"


@dataclass(frozen=True, slots=True)
class Sent:
    """The other side has taken it; `note` says what went wrong with a part of it."""

    status_code: int | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """Not now: try again, at the earliest `after` seconds from now if the other side said so."""

    error: str
    status_code: int | None = None
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """Not ever: in the other side's words. `switch_off` says why it wants to hear nothing any more."""

    error: str
    status_code: int | None = None
    switch_off: str | None = None


Outcome = Sent | Retry | Rejected


class Channel(Protocol):
    """One way out. No transaction is open while it sends."""

    def check(self) -> None:
        """Raise NotConfigured while nothing can be sent this way."""

    def send(self, outgoing: Outgoing, *, now: datetime) -> Outcome:
        """Try once to send."""
