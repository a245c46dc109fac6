"""What people are told of each fact: the topic, who hears of it, and the words for each reader."""

from procur.db import Session
from procur.events.event import Event
from procur.notifications.telling import contracts, operations, purchases
from procur.notifications.telling.model import Tell, Told

TELL: dict[str, Tell] = {**purchases.TELL, **contracts.TELL, **operations.TELL}


def told_of(session: Session, event: Event) -> Told | None:
    """Return what people are told of a fact; None when it is nothing for them."""
    tell = TELL.get(event.type)
    return None if tell is None else tell(session, event)


__all__ = ["TELL", "Told", "told_of"]
