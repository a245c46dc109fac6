"""What every bus is: some threads over one wake, started once and stopped together."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Self

from procur.db import DatabaseSession
from procur.db.wake import Wake


class RunningBus(ABC):
    """Starts and stops the threads of a bus; `wake` is one that is listening already, else it has its own."""

    def __init__(self, database: DatabaseSession, wake: Wake | None) -> None:
        self.database = database
        self._own_wake = wake is None
        self._wake = wake or Wake(database)
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    @abstractmethod
    def _runs(self) -> Sequence[tuple[str, Callable[[], None]]]:
        """Return what is to be run, each in a thread of this name, until `_stopping` is set."""

    def _ring(self) -> None:
        """Let threads that wait look up."""
        self._wake.ring()

    def start(self) -> Self:
        """Start the threads."""
        if self._threads:
            raise RuntimeError("this bus runs already")
        self._threads = [
            threading.Thread(target=run, name=f"procur-{name}", daemon=True) for name, run in self._runs()
        ]
        if self._own_wake:
            self._wake.start()
        for thread in self._threads:
            thread.start()
        return self

    def ended(self) -> list[str]:
        """Return the names of the threads that do not run, though they should."""
        return [each.name for each in self._threads if not each.is_alive() and not self._stopping.is_set()]

    def stop(self, timeout: float = 5.0) -> bool:
        """Let each thread finish its transaction; say whether all have within so many seconds."""
        self._stopping.set()
        self._ring()
        end = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        if self._own_wake:
            self._wake.stop()
        return not any(thread.is_alive() for thread in self._threads)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_error: object) -> None:
        self.stop()
