"""How near a date is: the smallest of some thresholds that it lies within."""

from collections.abc import Iterable
from datetime import date


def within(day: date, today: date, thresholds: Iterable[int]) -> tuple[int, int] | None:
    """Return the days left and the smallest threshold (in days) they lie within.

    None when the day has passed or lies further ahead than every threshold. The day itself counts: 0 left.
    """
    left = (day - today).days
    fits = [threshold for threshold in thresholds if 0 <= left <= threshold]
    return (left, min(fits)) if fits else None
