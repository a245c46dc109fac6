"""Threads that go on whatever happens, also while the database is away."""

import threading
import time
from collections.abc import Callable

from procur.core.errors import ProcurError
from procur.core.logs import get_logger

_SHORTEST, _LONGEST = 0.1, 2.0  # seconds between two tries


class Outage:
    """Whether the database is away. Said once when it goes and once when it is back."""

    def __init__(self) -> None:
        self._away = False

    def began(self, error: ProcurError) -> None:
        """Note that something could not be done for now."""
        if not self._away:
            get_logger("procur.jobs").warning("jobs interrupted, trying again", error=error.message)
        self._away = True

    def over(self) -> None:
        """Note that the database has answered."""
        if self._away:
            get_logger("procur.jobs").warning("jobs go on")
        self._away = False


def endless(work: Callable[[], None], stopped: threading.Event, outage: Outage) -> Callable[[], None]:
    """Return the work as a thread does it: begun again after every failure, more and more slowly."""

    def keep() -> None:
        pause = _SHORTEST
        while not stopped.is_set():
            begun = time.monotonic()
            try:
                work()
            except ProcurError as error:
                outage.began(error)
            except Exception as error:  # noqa: BLE001 - a thread that ended would be missed for ever
                get_logger("procur.jobs").error("a worker's thread begins again", exc_info=error)
            else:
                return
            long = time.monotonic() - begun > _LONGEST
            pause = _SHORTEST if long else min(2 * pause, _LONGEST)
            stopped.wait(pause)

    return keep
