"""What the modules of this package give."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from procur.core.money import show
from procur.db import Session
from procur.db.models import UserAccount
from procur.events.event import Event
from procur.notifications.messages import Message
from procur.notifications.readers import Reader

Write = Callable[[Reader], Message]


@dataclass(frozen=True, slots=True)
class Told:
    """A topic, the people it concerns, and the message as each of them may read it."""

    topic: str
    people: Iterable[UserAccount]
    write: Write


Tell = Callable[[Session, Event], Told | None]


def amount(reader: Reader, permission: str, total: Any, currency: Any) -> str:
    """Return an amount for a reader who may see it; nothing for others."""
    if total is None or not reader.may(permission):
        return ""
    return show(Decimal(str(total)), str(currency))
