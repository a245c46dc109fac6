"""How much to ask for at each moment: the time-dependent target and the tactics that shape it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

LONG = 20  # rounds from which a deadline is long


@dataclass(frozen=True)
class Tactics:
    """The shape of a concession curve, all as shares of the range from reservation to best outcome.

    `opening` is asked for first, `ending` just before the last own offer that can be answered. In between the
    target falls with elapsed time to the power `exponent` (Faratin, Sierra, Jennings 1998: above 1 Boulware,
    below 1 conceder), which grows by `waiting` for every 20 rounds beyond 20: with many rounds, waiting costs
    nothing. `patience` in [0, 1] says how far the target follows what the other side's concessions promise
    instead. `settle` is the share of the next own offer's gain for which an offer is taken near the end.

    The defaults were fitted on the public training half of the negotiation bench at 8, 20 and 100 rounds.
    """

    opening: float = 1.0
    ending: float = 0.45
    exponent: float = 4.0
    waiting: float = 1.0
    patience: float = 0.8
    settle: float = 0.9


BALANCED = Tactics()
CONCEDER = Tactics(ending=0.1, exponent=0.6, waiting=0.0, patience=0.0)
LINEAR = Tactics(ending=0.1, exponent=1.0, waiting=0.0, patience=0.0)
BOULWARE = Tactics(ending=0.1, exponent=4.0, waiting=0.0, patience=0.0)
TOUGH = Tactics(ending=0.6, exponent=6.0, waiting=0.0, patience=0.0)


def elapsed(round_index: int, last: int) -> float:
    """Return the share of time gone in [0, 1]; `last` is the round of the last answerable own offer."""
    return 1.0 if round_index >= last else round_index / last


def forecast(received: Sequence[float], rounds_left: int) -> float:
    """Return the own utility that the other side's offers will have reached at the deadline.

    The best offer so far plus the mean concession per offer for every round left; both in own utility.
    """
    best = max(received)
    if len(received) < 2:  # noqa: PLR2004 - one offer shows no movement
        return best
    return best + max(0.0, best - received[0]) / (len(received) - 1) * rounds_left


def target(
    tactics: Tactics, span: tuple[float, float], time: float, rounds: int, expected: float | None
) -> float:
    """Return the own utility to ask for at `time` in [0, 1] of a deadline of `rounds`.

    `span` is (reservation, best); `expected` the forecast of what waiting would bring: the target falls no
    lower than the promised share of it. Rounded to 12 digits, so that no platform's power function changes an
    offer.
    """
    reservation, best = span
    exponent = tactics.exponent + tactics.waiting * max(0, rounds - LONG) / LONG
    share = tactics.opening - (tactics.opening - tactics.ending) * math.pow(time, exponent)
    wanted = reservation + (best - reservation) * share
    if expected is not None:
        promised = min(best, reservation + tactics.patience * max(0.0, expected - reservation))
        wanted = max(wanted, promised)
    return round(wanted, 12)
