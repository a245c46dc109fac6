"""The engine behind the interface of the negotiation bench, which plays it against public agents."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from procur.negotiation.engine import BALANCED, AdditiveUtility, Issue, Negotiator


class BenchUtility(Protocol):
    """What the bench tells about own preferences."""

    weights: Mapping[str, float]
    values: Mapping[str, Mapping[Any, float]]


def factory(
    *,
    issues: Mapping[str, Sequence[Any]],
    utility: BenchUtility,
    reservation: float,
    deadline: int,
    role: str,
    seed: int,
) -> Negotiator:
    """Return a negotiator with one set of tactics for every deadline."""
    return Negotiator(
        [Issue(name, values) for name, values in issues.items()],
        AdditiveUtility(utility.weights, utility.values),
        reservation,
        deadline,
        role,
        seed=seed,
        tactics=BALANCED,
    )
