"""How far the consumer groups have come."""

from collections.abc import Iterable

from procur.db import Session
from procur.db.repositories import ConsumerStandingRepository, Standing
from procur.events.groups import Group


def standing(session: Session, groups: Iterable[Group]) -> list[Standing]:
    """Return where each group stands: in the session's organisation, or in all for a system session."""
    return ConsumerStandingRepository(session).standing(group.name for group in groups)
