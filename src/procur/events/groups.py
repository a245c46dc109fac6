"""Consumer groups: every fact reaches each group once, in order per aggregate; what fails is tried again."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

from procur.core.backoff import wait_before
from procur.core.context import Cause, because_of
from procur.core.errors import InvalidInput, Unavailable
from procur.core.tracing import span
from procur.db import DatabaseSession, Session
from procur.db.models import EventRecord
from procur.db.repositories import ConsumerRepository
from procur.events.event import Event, event_of
from procur.events.handlers import Handler

About = tuple[str, str]
_ERROR_LENGTH = 2000
_RANDOM = Random()  # noqa: S311 - spreads retries


@dataclass(frozen=True, slots=True)
class Group:
    """The handlers that share one offset: they take a fact in together, in one transaction."""

    name: str
    handlers: tuple[Handler, ...]
    from_beginning: bool = True

    def wants(self, event: Event) -> bool:
        """Say whether any handler is for the event."""
        return any(handler.wants(event) for handler in self.handlers)


@dataclass(frozen=True, slots=True)
class Retrying:
    """How often a fact is tried; seconds until the next try: after the first failure, and at most."""

    attempts: int = 8
    first: float = 1.0
    most: float = 300.0

    def seconds(self, attempt: int) -> float | None:
        """Return how long to wait after this failed attempt (from 1), None when it was the last."""
        if attempt >= self.attempts:
            return None
        return wait_before(attempt, random=_RANDOM, first=self.first, longest=self.most)


@dataclass(slots=True)
class Batch:
    """What one transaction of a group has done; of the `failed` facts some are `dead`: set aside for good."""

    passed: int = 0
    taken: list[UUID] = field(default_factory=list)
    failed: int = 0
    dead: int = 0
    # What stopped it early and is no fact's fault; what was done before it stands.
    interrupted: Unavailable | None = None


def groups_of(handlers: Iterable[Handler]) -> tuple[Group, ...]:
    """Return the groups that these handlers form, by name."""
    found: dict[str, list[Handler]] = {}
    for handler in handlers:
        found.setdefault(handler.group, []).append(handler)
    for name, members in found.items():
        if len({one.from_beginning for one in members}) > 1:
            raise InvalidInput(f"the handlers of {name!r} do not agree on where they begin", field="group")
    return tuple(Group(name, tuple(own), own[0].from_beginning) for name, own in sorted(found.items()))


def waiting(
    database: DatabaseSession, groups: Sequence[Group], organization: UUID | str | None = None
) -> list[tuple[Group, UUID]]:
    """Return where there is something to read or to try again now."""
    by_name = {group.name: group for group in groups}
    scope = (
        database.system_session(read_only=True)
        if organization is None
        else database.get_session(organization, read_only=True)
    )
    with scope as session:
        pairs = ConsumerRepository(session).waiting(by_name)
    return [(by_name[name], key) for name, key in pairs]


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
        return _Reader(session, group, retrying or Retrying(), patience).read(position, limit)


class _Reader:
    """One transaction of one group in one organisation; its offset is held."""

    def __init__(self, session: Session, group: Group, retrying: Retrying, patience: float) -> None:
        self.session, self.group, self.retrying = session, group, retrying
        self.consumers = ConsumerRepository(session)
        self.until = time.monotonic() + patience
        self.batch = Batch()

    def read(self, position: int, limit: int) -> Batch:
        self._try_again(limit // 2 or 1)
        if self.batch.interrupted is None and (not self.batch.passed or time.monotonic() < self.until):
            self._take_new(position, limit)
        return self.batch

    def _try_again(self, limit: int) -> None:
        """Try what is due, in order; where a fact fails again, the rest of its aggregate goes on waiting."""
        due = self.consumers.due(self.group.name, limit)
        known = self.consumers.taken_in(self.group.name, [one.event.id for one in due])
        stuck: set[About] = set()
        delivered, taken = [], []
        for one in due:
            if self._is_over():
                break
            about = _about(one.event)
            if about in stuck:
                continue
            error = self._react(one.event, known)
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

    def _take_new(self, position: int, limit: int) -> None:
        events = self.consumers.after(position, limit)
        wanted = [event for event in events if self.group.wants(event_of(event))]
        known = self.consumers.taken_in(self.group.name, [event.id for event in wanted])
        stuck: dict[About, datetime | None] = dict(self.consumers.held_up(self.group.name, wanted))
        parked: list[EventRecord] = []
        taken: list[UUID] = []
        mine = {event.id for event in wanted}
        for event in events:
            if event.id in mine:
                if self._is_over():
                    break
                if _about(event) in stuck:
                    parked.append(event)
                elif (error := self._react(event, known)) is not None:
                    if self._failed(event, error, 1) is not None:
                        stuck[_about(event)] = None
                elif self.batch.interrupted is None:
                    taken.append(event.id)
                if self.batch.interrupted is not None:
                    break
            self.batch.passed += 1
            position = event.position or position
        self._note(taken, lambda: self._leave(position, parked))

    def _leave(self, position: int, parked: Sequence[EventRecord]) -> None:
        """Let facts wait behind those that failed, and move the offset behind all that was passed."""
        until = self.consumers.held_up(self.group.name, parked)
        self.consumers.park(self.group.name, {event.id: until[_about(event)] for event in parked})
        self.consumers.move(self.group.name, position)

    def _react(self, record: EventRecord, known: set[UUID]) -> str | None:
        """Let the handlers react inside a savepoint; return what went wrong if the fact is to blame."""
        if record.id in known:
            return None
        event = event_of(record)
        cause = Cause(event.correlation_id, causation_id=str(event.id), trace=event.trace)
        try:
            with (
                because_of(cause),
                span(f"fact {event.type}", kind="consumer", parent=event.trace, group=self.group.name),
                self.session.begin_nested(),
            ):
                for handler in self.group.handlers:
                    if handler.wants(event):
                        handler.react(self.session, event)
        except Unavailable as error:
            self.batch.interrupted = error
            return None
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is kept with the fact
            return _told(error)
        return None

    def _failed(self, event: EventRecord, error: str, attempt: int) -> float | None:
        seconds = self.retrying.seconds(attempt)
        self.consumers.set_aside(self.group.name, event.id, error=error, seconds=seconds)
        self.batch.failed += 1
        self.batch.dead += seconds is None
        return seconds

    def _note(self, taken: list[UUID], also: Callable[[], Any]) -> None:
        try:
            self.consumers.take_in(self.group.name, taken)
            also()
        except Exception as error:
            if self.batch.interrupted is not None:  # the database has gone, and the transaction with it
                raise self.batch.interrupted from error
            raise
        self.batch.taken += taken

    def _is_over(self) -> bool:
        return bool(self.batch.passed) and time.monotonic() >= self.until


def _about(event: EventRecord) -> About:
    return event.aggregate_type, event.aggregate_id


def _told(error: Exception) -> str:
    """Return an error as text that every database takes."""
    text = f"{type(error).__name__}: {error}"[:_ERROR_LENGTH]
    return text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")
