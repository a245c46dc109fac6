"""How long to wait before the next attempt: twice as long each time, up to a limit, spread at random."""

from random import Random

_MOST_DOUBLINGS = 64  # beyond any limit; a float ends at 2**1024


def pause_after(failures: int, *, first: float, longest: float) -> float:
    """Return the seconds to rest after so many failures in a row (from 1), however many they are."""
    return min(longest, first * 2.0 ** min(max(failures, 1) - 1, _MOST_DOUBLINGS))


def wait_before(attempt: int, *, random: Random, first: float = 2.0, longest: float = 600.0) -> float:
    """Return the seconds to wait after so many failed attempts (from 1).

    Anything from nothing to the full time ("full jitter"): who failed together does not come back together.
    """
    return random.uniform(0.0, pause_after(attempt, first=first, longest=longest))
