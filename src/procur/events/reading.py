"""One transaction of a consumer group: what is due again, then the next facts, and the offset behind them.

Many facts share a savepoint: one for each would cost more than most handlers do. Where a fact fails, what all
have done is taken back, and it is tried alone; so a handler may see a fact twice before it is taken in once.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from procur.core.context import Cause, because_of
from procur.core.errors import Unavailable
from procur.core.tracing import span
from procur.db import DatabaseSession, Session
from procur.db.models import EventRecord
from procur.db.repositories import ConsumerRepository
from procur.events.event import event_of
from procur.events.groups import Batch, Group, Retrying

About = tuple[str, str]
_ERROR_LENGTH = 2000


def read_on(
    database: DatabaseSession,
    group: Group,
    organization: UUID,
    *,
    limit: int = 100,
    patience: float = 0.25,
    retrying: Retrying | None = None,
    wait: bool = False,
) -> Batch | None:
    """Hand the group its next facts of an organisation, in one transaction; None: another reader is at it.

    The transaction takes up no new fact after `patience` seconds. Unavailable: nothing at all was done.
    """
    with database.get_session(organization) as session:
        consumers = ConsumerRepository(session)
        position = consumers.hold(group.name, from_beginning=group.from_beginning, wait=wait)
        if position is None:
            return None
        reader = _Reader(session, group, retrying or Retrying(), patience)
        reader.try_again(limit // 2 or 1)
        if not reader.is_over():
            reader.take_new(position, limit)
        return reader.batch


class _Reader:
    """The transaction; the group's offset is held."""

    def __init__(self, session: Session, group: Group, retrying: Retrying, patience: float) -> None:
        self.session, self.group, self.retrying = session, group, retrying
        self.consumers = ConsumerRepository(session)
        self.until = time.monotonic() + patience
        self.batch = Batch()

    def is_over(self) -> bool:
        """Say whether to end here: something was done and the time is up, or the database is in trouble."""
        late = bool(self.batch.passed) and time.monotonic() >= self.until
        return late or self.batch.interrupted is not None

    def try_again(self, limit: int) -> None:
        """Try what is due, in order; where a fact fails again, the rest of its aggregate goes on waiting."""
        due = self.consumers.due(self.group.name, limit)
        known = self.consumers.taken_in(self.group.name, [one.event.id for one in due])
        stuck: set[About] = set()
        delivered, taken = [], []
        for one in due:
            if self.is_over():
                break
            about = _about(one.event)
            if about in stuck:
                continue
            error = None if one.event.id in known else self._try(one.event)
            if self.batch.interrupted is not None:
                break
            self.batch.passed += 1
            if error is None:
                delivered.append(one.delivery_id)
                taken.append(one.event.id)
            elif self._failed(one.event, error, one.attempts + 1) is not None:
                stuck.add(about)
                self.consumers.put_off(self.group.name, one.event)
        self._note(taken, lambda: self.consumers.delivered(delivered))

    def take_new(self, position: int, limit: int) -> None:
        """Pass the facts behind the offset, in order, and move it behind the last one passed."""
        events = self.consumers.after(position, limit)
        wanted = [event for event in events if self.group.wants(event_of(event))]
        self._wanted = {event.id for event in wanted}
        self._known = self.consumers.taken_in(self.group.name, self._wanted)
        self._stuck = set(self.consumers.held_up(self.group.name, wanted))
        self._parked: list[EventRecord] = []
        self._taken: list[UUID] = []
        self._position = position
        self._pass(events)
        self._note(self._taken, self._leave)

    def _pass(self, events: Sequence[EventRecord]) -> None:
        """Pass facts that share a savepoint; where one fails, those before it, it alone, those after it."""
        if self.is_over():
            return
        mine = [event for event in events if self._calls(event)]
        if len(mine) > 1:
            done, well = self._try_together(events)
            if not well:
                for part in _split(events, done):
                    self._pass(part)
                return
            events = events[:done]
        for event in mine if len(mine) == 1 else ():
            error = self._try(event)
            if error is not None:
                self._set_aside(event, error)
        if self.batch.interrupted is None:
            for event in events:
                self._leave_behind(event)

    def _calls(self, event: EventRecord) -> bool:
        """Say whether the handlers are to react to a fact now."""
        mine = event.id in self._wanted and event.id not in self._known
        return mine and _about(event) not in self._stuck

    def _try_together(self, events: Sequence[EventRecord]) -> tuple[int, bool]:
        """Let the handlers react in one savepoint; return how many facts did, and whether all that stands."""
        done = 0
        try:
            with self.session.begin_nested():
                for event in events:
                    if self._calls(event):
                        self._react(event)
                    done += 1
                    if time.monotonic() >= self.until:
                        break
        except Unavailable as error:
            self.batch.interrupted = error
        except Exception:  # noqa: BLE001 - it comes again where the fact is tried alone, and is kept with it
            return done, False
        return done, True

    def _try(self, event: EventRecord) -> str | None:
        """Let the handlers react to one fact alone; return what went wrong if it is to blame."""
        try:
            with self.session.begin_nested():
                self._react(event)
        except Unavailable as error:
            self.batch.interrupted = error
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is kept with the fact
            return _told(error)
        return None

    def _react(self, record: EventRecord) -> None:
        event = event_of(record)
        cause = Cause(event.correlation_id, causation_id=str(event.id), trace=event.trace)
        with (
            because_of(cause),
            span(f"fact {event.type}", kind="consumer", parent=event.trace, group=self.group.name),
        ):
            for handler in self.group.handlers:
                if handler.wants(event):
                    handler.react(self.session, event)

    def _set_aside(self, event: EventRecord, error: str) -> None:
        self._wanted.discard(event.id)
        if self._failed(event, error, 1) is not None:
            self._stuck.add(_about(event))

    def _leave_behind(self, event: EventRecord) -> None:
        """Note that a fact was passed: left to others, taken in, or parked behind one that failed."""
        if event.id in self._wanted and _about(event) in self._stuck:
            self._parked.append(event)
        elif event.id in self._wanted:
            self._taken.append(event.id)
        self._position = event.position or self._position
        self.batch.passed += 1

    def _leave(self) -> None:
        """Let facts wait behind those that failed, and move the offset behind all that was passed."""
        until = self.consumers.held_up(self.group.name, self._parked)
        self.consumers.park(self.group.name, {event.id: until[_about(event)] for event in self._parked})
        self.consumers.move(self.group.name, self._position)

    def _failed(self, event: EventRecord, error: str, attempt: int) -> float | None:
        seconds = self.retrying.seconds(attempt)
        self.consumers.set_aside(self.group.name, event.id, error=error, seconds=seconds)
        self.batch.failed += 1
        self.batch.dead += seconds is None
        return seconds

    def _note(self, taken: Iterable[UUID], also: Callable[[], Any]) -> None:
        keys = list(taken)
        try:
            self.consumers.take_in(self.group.name, keys)
            also()
        except Exception as error:
            if self.batch.interrupted is not None:  # the database has gone, and the transaction with it
                raise self.batch.interrupted from error
            raise
        self.batch.taken += keys


def _split(events: Sequence[EventRecord], failed: int) -> list[Sequence[EventRecord]]:
    """Split around the fact that failed; in the middle when it was none of them but what all wrote."""
    if failed == len(events):
        middle = len(events) // 2
        return [events[:middle], events[middle:]]
    return [events[:failed], events[failed : failed + 1], events[failed + 1 :]]


def _about(event: EventRecord) -> About:
    return event.aggregate_type, event.aggregate_id


def _told(error: Exception) -> str:
    """Return an error as text that every database takes."""
    text = f"{type(error).__name__}: {error}"[:_ERROR_LENGTH]
    return text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")
