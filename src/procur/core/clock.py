"""The only clock: injected where a result depends on time, so that the same inputs give the same result."""

from datetime import UTC, date, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time in UTC."""

    def now(self) -> datetime:
        """Return the current time, timezone-aware, in UTC."""

    def today(self) -> date:
        """Return the current UTC date."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(UTC)

    def today(self) -> date:
        """Return the machine's UTC date."""
        return self.now().date()


class SteppingClock:
    """A clock that starts at a given time and moves one step each time it is read (demo, replay, tests)."""

    def __init__(self, start: datetime, step: timedelta = timedelta(0)) -> None:
        if start.tzinfo is None:
            raise ValueError("start must be timezone-aware")
        self._now = start.astimezone(UTC)
        self._step = step

    def now(self) -> datetime:
        """Return the simulated time and step on."""
        now = self._now
        self._now = now + self._step
        return now

    def today(self) -> date:
        """Return the simulated date without stepping on."""
        return self._now.date()
