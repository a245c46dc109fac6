"""The bus: threads that number committed facts and hand them to the consumer groups."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from procur.core.backoff import pause_after
from procur.core.errors import Unavailable
from procur.core.logs import about, get_logger, line
from procur.core.metrics import count_facts
from procur.db import DatabaseSession
from procur.db.wake import Wake
from procur.events.careful import CarefulReads
from procur.events.groups import Batch, Group, Retrying, groups_of, waiting
from procur.events.handlers import Handler
from procur.events.numbering import number
from procur.events.running import RunningBus

_REST = (0.1, 5.0)  # seconds after the first and at most after later failures
_ELSEWHERE = 0.05  # seconds until asking again for what another process is at

Outcome = Literal["well", "elsewhere", "failed"]
_Pair = tuple[str, UUID]  # a group's name, an organisation


@dataclass(slots=True)
class _Rest:
    """Somebody whose last try failed: not before `until` (monotonic seconds)."""

    until: float
    failures: int


class Bus(RunningBus):
    """Numbers facts and delivers them. Several processes may run one each: they share by organisation.

    The database going away and coming back is survived; nothing is lost by a kill at any moment. A bus is
    started once; `wake` is one that is listening already, else it has its own.
    """

    def __init__(
        self,
        database: DatabaseSession,
        handlers: Iterable[Handler],
        *,
        wake: Wake | None = None,
        threads: int | None = None,
        poll: float = 1.0,
        limit: int = 100,
        retrying: Retrying | None = None,
    ) -> None:
        super().__init__(database, wake)
        self.groups = groups_of(handlers)
        self._number = threads or (2 if database.engine.dialect.name == "postgresql" else 1)
        self.poll, self._reads = poll, CarefulReads(database, retrying or Retrying(), limit)
        self._board = _Board(self)

    def _runs(self) -> list[tuple[str, Callable[[], None]]]:
        runs: list[tuple[str, Callable[[], None]]] = [("numbering", self._number_on)]
        if self.groups:
            runs += [(f"delivery-{n}", self._deliver_on) for n in range(1, self._number + 1)]
        return runs

    def _ring(self) -> None:
        super()._ring()
        self._board.ring()

    # -- numbering ---------------------------------------------------------------------------------------

    def _number_on(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            seen = self._wake.seen()
            try:
                grown = number(self.database)
            except BaseException as error:  # noqa: BLE001 - whatever it is, facts must go on being numbered
                failures += 1
                complain("numbering", error)
                self._stopping.wait(_pause(failures))
                continue
            failures = 0
            if grown:
                self._board.add(grown)
            else:
                self._board.ring()  # another process may have been faster: there is something to read now
            self._wake.wait(seen, self.poll)

    # -- delivery ----------------------------------------------------------------------------------------

    def _deliver_on(self) -> None:
        while not self._stopping.is_set():
            seen = self._board.rung
            found = self._board.take()
            if found is None:
                self._board.wait(seen, self.poll)
                continue
            group, organization = found
            self._board.give_back(group, organization, self._deliver(group, organization))

    def _deliver(self, group: Group, organization: UUID) -> Outcome:
        """Hand a group one batch of an organisation's facts; say how that went."""
        with about(group=group.name, organization_id=organization):
            try:
                batch = self._reads.read_on(group, organization)
                if batch is None:
                    return "elsewhere"
                told(group, batch)
            except BaseException as error:  # noqa: BLE001 - a thread that ended would be missed for ever
                complain("delivery", error)
                return "failed"
            return "well"


class _Board:
    """What the delivery threads of a bus share: where work waits, who is at it, who rests.

    Where work waits is told by who numbers, and asked after a ring or a batch, by one thread: on an idle bus
    each question more stands in the way of the fact that has just come.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._changed = threading.Condition()
        self._waiting: dict[_Pair, tuple[Group, UUID]] = {}
        self._busy: set[_Pair] = set()
        self._resting: dict[_Pair, _Rest] = {}
        self._asking = _Rest(0.0, 0)  # until when nobody asks, and how often asking has failed
        self.rung = 0

    def add(self, organizations: Iterable[UUID]) -> None:
        """Tell in which organisations there are new facts."""
        with self._changed:
            self._note((group, key) for key in organizations for group in self._bus.groups)
            self._tell()

    def ring(self) -> None:
        """Tell that there may be something new."""
        with self._changed:
            self._ask_soon()
            self._tell()

    def wait(self, seen: int, timeout: float) -> None:
        """Wait for the next ring, at most so many seconds or until somebody's rest is over."""
        with self._changed:
            now = time.monotonic()
            ends = [rest.until for rest in (*self._resting.values(), self._asking) if rest.until > now]
            if not self._changed.wait_for(
                lambda: self.rung != seen, min([timeout, *(end - now for end in ends)])
            ):
                self._ask_soon()

    def take(self) -> tuple[Group, UUID] | None:
        """Return a group and organisation with work that nobody of this process is at; None: wait."""
        with self._changed:
            found = self._next()
            if found is not None or time.monotonic() < self._asking.until:
                return found
            self._asking.until = time.monotonic() + self._bus.poll
        self._ask()
        with self._changed:
            return self._next()

    def give_back(self, group: Group, organization: UUID, outcome: Outcome) -> None:
        """Note how it went; who failed rests for a while."""
        pair, now = (group.name, organization), time.monotonic()
        with self._changed:
            self._busy.discard(pair)
            before = self._resting.pop(pair, None)
            if outcome == "elsewhere":
                self._resting[pair] = _Rest(now + _ELSEWHERE, 0)
            elif outcome == "failed":
                failures = 1 if before is None else before.failures + 1
                self._resting[pair] = _Rest(now + _pause(failures), failures)
            self._ask_soon()

    def _ask(self) -> None:
        try:
            found = waiting(self._bus.database, self._bus.groups)
        except BaseException as error:  # noqa: BLE001 - see Bus
            complain("asking for work", error)
            with self._changed:
                failures = self._asking.failures + 1
                self._asking = _Rest(time.monotonic() + _pause(failures), failures)
            return
        with self._changed:
            self._asking.failures = 0
            self._note(found)

    def _ask_soon(self) -> None:
        if not self._asking.failures:
            self._asking.until = 0.0

    def _note(self, found: Iterable[tuple[Group, UUID]]) -> None:
        """Add what nobody is at; where somebody is, they ask when they are done."""
        pairs = {(group.name, key): (group, key) for group, key in found}
        self._waiting.update({pair: one for pair, one in pairs.items() if pair not in self._busy})

    def _next(self) -> tuple[Group, UUID] | None:
        """Take a pair whose time it is; another thread takes the next."""
        now = time.monotonic()
        free = [pair for pair in self._waiting if pair not in self._busy and not self._rests(pair, now)]
        if not free:
            return None
        self._busy.add(free[0])
        if len(free) > 1:
            self._tell()
        return self._waiting.pop(free[0])

    def _rests(self, pair: _Pair, now: float) -> bool:
        rest = self._resting.get(pair)
        return rest is not None and rest.until > now

    def _tell(self) -> None:
        self.rung += 1
        self._changed.notify_all()


def _pause(failures: int) -> float:
    return pause_after(failures, first=_REST[0], longest=_REST[1])


def told(group: Group, batch: Batch) -> None:
    """Count and log what a batch has come to."""
    for outcome, number_of in (
        ("done", len(batch.taken)),
        ("retried", batch.failed - batch.dead),
        ("dead", batch.dead),
    ):
        if number_of:
            count_facts(group.name, outcome, number_of)
    if batch.taken:
        line("procur.events", "facts delivered", number=len(batch.taken), passed=batch.passed)
    if batch.failed:
        get_logger("procur.events").warning("facts set aside", number=batch.failed, dead=batch.dead)


def complain(doing: str, error: BaseException) -> None:
    """Write what went wrong: what will pass in a line, everything else with its trace."""
    logger = get_logger("procur.events")
    if isinstance(error, Unavailable):
        logger.warning("events interrupted", doing=doing, error=str(error))
    else:
        logger.error("events failed", doing=doing, error=str(error), exc_info=error)
