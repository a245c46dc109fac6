"""How far consumer groups have come: for the metrics, the command line, and whoever waits for them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table, and_, func, literal, select
from sqlalchemy.orm import Session

from procur.db import tenancy
from procur.db.arguments import Checked
from procur.db.models import EventDelivery, EventHead, EventOffset, EventRecord, Organization
from procur.db.repositories.consumers import named

_DELIVERIES: Table = EventDelivery.__table__  # type: ignore[assignment]
_EVENTS: Table = EventRecord.__table__  # type: ignore[assignment]
_HEADS: Table = EventHead.__table__  # type: ignore[assignment]
_OFFSETS: Table = EventOffset.__table__  # type: ignore[assignment]
_ORGANIZATIONS: Table = Organization.__table__  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Standing:
    """A group's place: facts not read yet, to be tried again, given up; since when the oldest waits."""

    consumer: str
    behind: int
    pending: int
    dead: int
    waiting_since: datetime | None


class ConsumerStandingRepository(Checked):
    """Counts for one organisation, or in a system session for all together."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def standing(self, consumers: Iterable[str]) -> list[Standing]:
        """Return where each consumer stands, by name."""
        names = sorted(set(consumers))
        if not names:
            return []
        unread, set_aside = self._unread(names), self._set_aside(names)
        found = []
        for name in names:
            behind, oldest = unread.get(name, (0, None))
            pending, retried = set_aside.get((name, "pending"), (0, None))
            dead, _ = set_aside.get((name, "dead"), (0, None))
            since = [moment for moment in (oldest, retried) if moment is not None]
            found.append(Standing(name, behind, pending, dead, min(since, default=None)))
        return found

    def unnumbered(self) -> tuple[int, datetime | None]:
        """Return how many committed facts have no place yet, and since when the oldest waits for one."""
        statement = select(func.count(), func.min(_EVENTS.c.created_at)).where(_EVENTS.c.position.is_(None))
        own = tenancy.organization_id(self.session)
        if own is not None:
            statement = statement.where(_EVENTS.c.organization_id == own)
        number, oldest = self.session.execute(statement).one()
        return int(number), oldest

    def _unread(self, names: list[str]) -> dict[str, tuple[int, datetime | None]]:
        wanted = named(names)
        place = func.coalesce(_OFFSETS.c.position, 0)
        of_pair = and_(
            _OFFSETS.c.organization_id == _HEADS.c.organization_id, _OFFSETS.c.consumer == wanted.c.consumer
        )
        following = and_(
            _EVENTS.c.organization_id == _HEADS.c.organization_id, _EVENTS.c.position == place + 1
        )
        statement = (
            select(wanted.c.consumer, func.sum(_HEADS.c.position - place), func.min(_EVENTS.c.created_at))
            .select_from(wanted)
            .join(_HEADS, literal(value=True))
            .join(_ORGANIZATIONS, _ORGANIZATIONS.c.id == _HEADS.c.organization_id)
            .outerjoin(_OFFSETS, of_pair)
            .outerjoin(_EVENTS, following)
            .where(_HEADS.c.position > place, _ORGANIZATIONS.c.deleted_at.is_(None))
            .group_by(wanted.c.consumer)
        )
        own = tenancy.organization_id(self.session)
        if own is not None:
            statement = statement.where(_HEADS.c.organization_id == own)
        return {name: (int(number), oldest) for name, number, oldest in self.session.execute(statement)}

    def _set_aside(self, names: list[str]) -> dict[tuple[str, str], tuple[int, Any]]:
        statement = (
            select(
                _DELIVERIES.c.consumer,
                _DELIVERIES.c.state,
                func.count(),
                func.min(_DELIVERIES.c.created_at),
            )
            .join(_ORGANIZATIONS, _ORGANIZATIONS.c.id == _DELIVERIES.c.organization_id)
            .where(
                _DELIVERIES.c.consumer.in_(names),
                _DELIVERIES.c.state.in_(("pending", "dead")),
                _ORGANIZATIONS.c.deleted_at.is_(None),
            )
            .group_by(_DELIVERIES.c.consumer, _DELIVERIES.c.state)
        )
        own = tenancy.organization_id(self.session)
        if own is not None:
            statement = statement.where(_DELIVERIES.c.organization_id == own)
        return {
            (name, state): (int(number), oldest)
            for name, state, number, oldest in self.session.execute(statement)
        }
