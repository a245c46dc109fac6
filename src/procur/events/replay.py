"""Reading again: a group goes back to a place, a moment or a fact, and gets everything from there on anew."""

from datetime import datetime
from uuid import UUID

from procur.core.errors import InvalidInput
from procur.db import Session
from procur.db.repositories import ConsumerHistoryRepository


def replay(
    session: Session,
    group: str,
    *,
    position: int | None = None,
    since: datetime | None = None,
    event: UUID | None = None,
) -> tuple[int, int]:
    """Set a group back in the session's organisation; return the place it begins at and how many follow.

    From that place on its inbox, retries and dead letters are forgotten. What the group keeps of its own (a
    projection) is its own to clear. A place that the group has not reached yet changes nothing.
    """
    if sum(one is not None for one in (position, since, event)) != 1:
        raise InvalidInput("say from where: a position, a moment or a fact, and only one of them")
    history = ConsumerHistoryRepository(session)
    if since is not None:
        position = history.position_since(since)
    elif event is not None:
        position = history.position_of(event)
    place = position or 0
    return place, history.set_back(group, place)
