"""When a message is tried again: soon at first, then ever more rarely, for about two days."""

from uuid import UUID

# Seconds after the first, second … attempt: 46 hours in all, so ten attempts.
WAITS = (10.0, 60.0, 300.0, 900.0, 3600.0, 10800.0, 21600.0, 43200.0, 86400.0)
_SPREAD = 0.2


def seconds_until_next(
    attempts: int, key: UUID, *, at_least: float | None = None, waits: tuple[float, ...] = WAITS
) -> float | None:
    """Return how long to wait after so many attempts (from 1); None when it is given up.

    Messages that failed together are spread by their keys, so that they do not all come back at once.
    """
    if attempts > len(waits):
        return None
    wait = waits[attempts - 1]
    spread = wait * _SPREAD * (key.int % 1000) / 1000
    return max(wait + spread, at_least or 0.0)
