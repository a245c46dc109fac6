"""What consumer groups have behind them, set back to be read again."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import String, Table, cast, delete, func, select
from sqlalchemy.orm import Session

from procur.core.errors import InvalidInput, NotFound
from procur.db import tenancy
from procur.db.arguments import Checked
from procur.db.models import EventDelivery, EventOffset, EventRecord, InboxEntry
from procur.db.repositories.consumers import ConsumerRepository
from procur.db.values import checked

_DELIVERIES: Table = EventDelivery.__table__  # type: ignore[assignment]
_EVENTS: Table = EventRecord.__table__  # type: ignore[assignment]
_INBOX: Table = InboxEntry.__table__  # type: ignore[assignment]
_OFFSETS: Table = EventOffset.__table__  # type: ignore[assignment]


class ConsumerHistoryRepository(Checked):
    """The past of the groups that read the session's organisation."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def position_since(self, moment: datetime) -> int:
        """Return the place of the first fact recorded at or after a moment; behind the last if none was."""
        since = checked(EventRecord, {"created_at": moment})["created_at"]
        first = select(func.min(_EVENTS.c.position)).where(*self._numbered(), _EVENTS.c.created_at >= since)
        last = select(func.max(_EVENTS.c.position)).where(*self._numbered())
        found = self.session.scalar(first)
        return found if found is not None else (self.session.scalar(last) or 0) + 1

    def position_of(self, event_id: UUID) -> int:
        """Return the place of a fact; NotFound when the organisation has none with this id."""
        statement = select(_EVENTS.c.position).where(*self._numbered(), _EVENTS.c.id == event_id)
        found: int | None = self.session.scalar(statement)
        if found is None:
            raise NotFound(f"no event {str(event_id)!r} with a place in the log", field="event")
        return found

    def set_back(self, consumer: str, position: int) -> int:
        """Let the consumer read again from this place on, retries and dead letters included.

        Returns how many facts lie before it now. NotFound: no such consumer reads this organisation.
        """
        if position < 1:
            raise InvalidInput("positions are counted from 1", field="position")
        known = select(_OFFSETS.c.id).where(
            _OFFSETS.c.organization_id == self._owner(), _OFFSETS.c.consumer == consumer
        )
        if self.session.scalar(known) is None:
            raise NotFound(
                f"no group {consumer[:64]!r} has read anything here",
                field="group",
                hint="procur events groups",
            )
        consumers = ConsumerRepository(self.session)
        here = consumers.hold(consumer, wait=True) or 0
        again = select(_EVENTS.c.id).where(*self._numbered(), _EVENTS.c.position >= position)
        for table, key in ((_DELIVERIES, _EVENTS.c.id), (_INBOX, self._as_text(_EVENTS.c.id))):
            self.session.execute(
                delete(table).where(
                    table.c.organization_id == self._owner(),
                    table.c.consumer == consumer,
                    table.c.event_id.in_(again.with_only_columns(key)),
                )
            )
        if position - 1 < here:
            consumers.move(consumer, position - 1)
        statement = select(func.count()).select_from(_EVENTS)
        place = min(position - 1, here)
        return int(self.session.scalar(statement.where(*self._numbered(), _EVENTS.c.position > place)) or 0)

    def _owner(self) -> UUID:
        return tenancy.required_organization_id(self.session)

    def _numbered(self) -> tuple[Any, Any]:
        return _EVENTS.c.organization_id == self._owner(), _EVENTS.c.position.is_not(None)

    def _as_text(self, column: Any) -> Any:
        """Spell a key as the inbox does, which keeps texts; SQLite keeps keys without hyphens."""
        text = cast(column, String)
        if self.session.get_bind().dialect.name == "postgresql":
            return text
        parts = [
            func.substr(text, start, length) for start, length in ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
        ]
        spelled: Any = parts[0]
        for part in parts[1:]:
            spelled = spelled + "-" + part
        return spelled
