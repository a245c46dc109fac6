"""One transaction of a consumer group: what is due again, then the next facts, and the offset behind them.

Many facts share a savepoint: one for each would cost more than most handlers do. Where a fact fails, what all
have done is taken back, and it is tried alone; so a handler may see a fact twice before it is taken in once.
"""

import time
from collections.abc import Callable, Sequence
from uuid import UUID

from procur.core.context import Cause, because_of
from procur.core.errors import Unavailable
from procur.core.tracing import span
from procur.db import DatabaseSession, Session
from procur.db.models import EventRecord
from procur.db.repositories import ConsumerRepository, TryRepository
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
    noted: bool = False,
) -> Batch | None:
    """Hand the group its next facts of an organisation, in one transaction; None: another reader is at it.

    The transaction takes up no new fact after `patience` seconds. An error: nothing at all was done.
    `noted`: this try was noted before it began.
    """
    with database.get_session(organization) as session:
        consumers = ConsumerRepository(session)
        position = consumers.hold(group.name, from_beginning=group.from_beginning, wait=wait)
        if position is None:
            return None
        reader = _Reader(session, group, retrying or Retrying(), patience)
        pending = consumers.has_pending(group.name)
        if pending:
            reader.try_again(limit // 2 or 1)
        if not reader.is_over() and reader.batch.passed < limit:
            reader.take_new(position, limit - reader.batch.passed, pending=pending)
        if noted:
            TryRepository(session).end(group.name)
        return reader.batch


class _Reader:
    """The transaction; the group's offset is held."""

    def __init__(self, session: Session, group: Group, retrying: Retrying, patience: float) -> None:
        self.session, self.group, self.retrying = session, group, retrying
        self.consumers = ConsumerRepository(session)
        self.until = time.monotonic() + patience
        self.batch = Batch()

    def is_over(self) -> bool:
        """Say whether to end here: something was done, and the time is up."""
        return bool(self.batch.passed) and time.monotonic() >= self.until

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
            self.batch.passed += 1
            if error is None:
                delivered.append(one.delivery_id)
                taken.append(one.event.id)
            elif self._failed(one.event, error, one.attempts + 1) is not None:
                stuck.add(about)
                self.consumers.put_off(self.group.name, one.event)
        self._take_in(taken)
        self.consumers.delivered(delivered)

    def take_new(self, position: int, limit: int, *, pending: bool) -> None:
        """Pass the facts behind the offset, in order, and move it behind the last one passed.

        `pending`: some facts wait to be tried again, and others of their aggregates wait with them.
        """
        events = self.consumers.after(position, limit)
        wanted = [event for event in events if self.group.wants(event.type)]
        self._wanted = {event.id for event in wanted}
        self._known = self.consumers.taken_in(self.group.name, self._wanted)
        self._stuck = set(self.consumers.held_up(self.group.name, wanted)) if pending else set[About]()
        self._parked: list[EventRecord] = []
        self._taken: list[UUID] = []
        self._position = position
        self._pass(events)
        self._take_in(self._taken)
        until = self.consumers.held_up(self.group.name, self._parked)
        self.consumers.park(self.group.name, {event.id: until[_about(event)] for event in self._parked})
        self.consumers.move(self.group.name, self._position)

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
        for event in events:
            self._leave_behind(event)

    def _calls(self, event: EventRecord) -> bool:
        """Say whether the handlers are to react to a fact now."""
        mine = event.id in self._wanted and event.id not in self._known
        return mine and _about(event) not in self._stuck

    def _try_together(self, events: Sequence[EventRecord]) -> tuple[int, bool]:
        """Let the handlers react in one savepoint; return how many facts did, and whether all that stands."""
        done = 0

        def react() -> None:
            nonlocal done
            for event in events:
                if self._calls(event):
                    self._react(event)
                done += 1
                if time.monotonic() >= self.until:
                    break

        error = self._undone(react)  # it comes again where its fact is tried alone, and is kept with it then
        return done, error is None

    def _try(self, event: EventRecord) -> str | None:
        """Let the handlers react to one fact alone; return what went wrong."""
        error = self._undone(lambda: self._react(event))
        return None if error is None else _told(error)

    def _undone(self, react: Callable[[], None]) -> BaseException | None:
        """Do it in a savepoint; return what it raised, once all it did is taken back.

        Where that cannot be taken back the transaction has gone, and everything in it: this raises.
        """
        raised: BaseException | None = None
        try:
            with self.session.begin_nested():
                try:
                    react()
                    self.session.flush()
                except BaseException as error:
                    raised = error
                    raise
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:
            if error is not raised:
                raise
            self._check(error)
        return raised

    def _check(self, error: BaseException) -> None:
        """Raise when the transaction does not answer any more: that is no fact's fault."""
        try:
            self.consumers.ask()
        except Exception as gone:
            raise (error if isinstance(error, Unavailable) else gone) from gone

    def _react(self, record: EventRecord) -> None:
        event = event_of(record)
        cause = Cause(event.correlation_id, causation_id=str(event.id), trace=event.trace)
        with (
            because_of(cause),
            span(f"fact {event.type}", kind="consumer", parent=event.trace, group=self.group.name),
        ):
            for handler in self.group.handlers:
                if handler.wants(event.type):
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

    def _failed(self, event: EventRecord, error: str, attempt: int) -> float | None:
        seconds = self.retrying.seconds(attempt)
        self.consumers.set_aside(self.group.name, event.id, error=error, seconds=seconds)
        self.batch.failed += 1
        self.batch.dead += seconds is None
        return seconds

    def _take_in(self, taken: list[UUID]) -> None:
        self.consumers.take_in(self.group.name, taken)
        self.batch.taken += taken


def _split(events: Sequence[EventRecord], failed: int) -> list[Sequence[EventRecord]]:
    """Split around the fact that failed; in the middle when it was none of them but what all wrote."""
    if failed == len(events):
        middle = len(events) // 2
        return [events[:middle], events[middle:]]
    return [events[:failed], events[failed : failed + 1], events[failed + 1 :]]


def _about(event: EventRecord) -> About:
    return event.aggregate_type, event.aggregate_id


def _told(error: BaseException) -> str:
    """Return an error as text that every database takes."""
    text = f"{type(error).__name__}: {error}"[:_ERROR_LENGTH]
    return text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")
