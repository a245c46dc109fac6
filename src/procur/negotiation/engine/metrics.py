"""How good a deal was for both sides once both utilities are known: for benchmarks, never in play."""

import itertools
from collections.abc import Callable, Iterable, Sequence
from math import sqrt

from procur.negotiation.engine.issues import AnyOutcome, Issue, Outcome

Point = tuple[float, float]


def all_outcomes(issues: Sequence[Issue]) -> Iterable[Outcome]:
    """Yield every combination of the issues' values."""
    names = [issue.name for issue in issues]
    for values in itertools.product(*(issue.values for issue in issues)):
        yield dict(zip(names, values, strict=True))


def points_of(
    issues: Sequence[Issue],
    first: Callable[[AnyOutcome], float],
    second: Callable[[AnyOutcome], float],
) -> list[Point]:
    """Return both utilities of every outcome."""
    return [(first(outcome), second(outcome)) for outcome in all_outcomes(issues)]


def pareto_front(points: Iterable[Point]) -> list[Point]:
    """Return the points where no side can gain without the other losing, best for the first in front."""
    front: list[Point] = []
    for point in sorted(set(points), reverse=True):
        if not front or point[1] > front[-1][1]:
            front.append(point)
    return front


def pareto_distance(point: Point, front: Sequence[Point]) -> float:
    """Return the distance to the nearest point of the front; at 0 nothing was left on the table."""
    return min(sqrt((point[0] - x) ** 2 + (point[1] - y) ** 2) for x, y in front)


def nash_point(points: Iterable[Point], reservations: Point) -> Point | None:
    """Return the point with the largest product of gains over no deal (Nash 1950); None without a zone."""
    rational = [point for point in points if point[0] >= reservations[0] and point[1] >= reservations[1]]
    if not rational:
        return None
    return max(rational, key=lambda point: (point[0] - reservations[0]) * (point[1] - reservations[1]))
