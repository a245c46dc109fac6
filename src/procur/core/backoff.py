"""How long to wait before the next attempt: twice as long each time, up to a limit, spread at random."""

from random import Random


def wait_before(attempt: int, *, random: Random, first: float = 2.0, longest: float = 600.0) -> float:
    """Return the seconds to wait after so many failed attempts (from 1).

    Anything from nothing to the full time ("full jitter"): who failed together does not come back together.
    """
    full = min(longest, first * 2.0 ** min(max(attempt, 1) - 1, 64))
    return random.uniform(0.0, full)
