"""What a consumer is about to try: noted before, so that it is known should its process not survive."""

from typing import Any
from uuid import UUID

from sqlalchemy import Table, select, update
from sqlalchemy.orm import Session

from procur.db import tenancy
from procur.db.arguments import Checked
from procur.db.models import EventOffset, EventRecord
from procur.db.moments import database_time
from procur.db.repositories.consumers import ConsumerRepository

_OFFSETS: Table = EventOffset.__table__  # type: ignore[assignment]
_LEASE = 1.0  # seconds for which a note keeps others from trying the same


class TryRepository(Checked):
    """The notes at a consumer's offset in the session's organisation."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._consumers = ConsumerRepository(session)

    def begin(self, consumer: str, *, from_beginning: bool = True) -> int | None:
        """Note which fact comes next; return how often that was noted without an end, this time included.

        0: there is none. None: another reader has the offset, or noted its own try a moment ago.
        """
        position = self._consumers.hold(consumer, from_beginning=from_beginning)
        if position is None:
            return None
        event = self.next_fact(consumer, position)
        if event is None:
            return 0
        now = select(database_time()).scalar_subquery()
        trying, tries, fresh = self.session.execute(
            select(_OFFSETS.c.trying, _OFFSETS.c.tries, _OFFSETS.c.trying_until > now).where(
                *self._of(consumer)
            )
        ).one()
        if fresh:
            return None
        number: int = tries + 1 if trying == event.position else 1
        self._set(consumer, trying=event.position, tries=number, trying_until=database_time(_LEASE))
        return number

    def end(self, consumer: str) -> None:
        """Note that the try has come to an end, whichever."""
        self._set(consumer, trying=None, tries=0, trying_until=None)

    def trying(self, consumer: str) -> int | None:
        """Return the position of the fact that was noted."""
        found: int | None = self.session.scalar(select(_OFFSETS.c.trying).where(*self._of(consumer)))
        return found

    def next_fact(self, consumer: str, position: int) -> EventRecord | None:
        """Return the fact that a reader behind this position tries first."""
        due = self._consumers.due(consumer, 1)
        return due[0].event if due else next(iter(self._consumers.after(position, 1)), None)

    def _of(self, consumer: str) -> tuple[Any, Any]:
        owner: UUID = tenancy.required_organization_id(self.session)
        return _OFFSETS.c.organization_id == owner, _OFFSETS.c.consumer == consumer

    def _set(self, consumer: str, **values: object) -> None:
        now = tenancy.clock_of(self.session).now()
        self.session.execute(update(_OFFSETS).where(*self._of(consumer)).values(**values, updated_at=now))
