"""How many jobs to claim at once: what threads can begin, and what they do in a tenth of a second."""

import time

_AHEAD = 0.1  # seconds of work that may wait here
_MOST = 200  # jobs in one claim
_SHORTEST = 0.005  # seconds; over less, a rate says nothing


class Pace:
    """Measures how fast jobs end. Used by one thread."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._rate = 0.0  # jobs a second
        self._known = (time.monotonic(), 0)

    def room(self, waiting: int, running: int, ended: int) -> int:
        """Return how many jobs to claim now; `ended` counts all jobs that have ended so far."""
        self._measure(waiting + running, ended)
        target = self._threads + min(_MOST, int(self._rate * _AHEAD))
        held = waiting + running
        idle = self._threads - running > waiting
        return min(_MOST, target - held) if idle or held <= target // 2 else 0

    def slow_down(self) -> None:
        """Forget the rate: what was claimed had to wait."""
        self._rate = 0.0

    def _measure(self, held: int, ended: int) -> None:
        now, (before, known) = time.monotonic(), self._known
        if ended == known and not held:  # nothing to do says nothing about how fast it would be done
            self._known = now, ended
        elif now - before >= _SHORTEST:
            self._rate = (self._rate + (ended - known) / (now - before)) / 2
            self._known = now, ended
