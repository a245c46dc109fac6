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

    `leeway` is the share of its last ask that the other side is believed to give up in its last answer: low
    where losing the deal hurts; without it the curve is followed to the end. With `reciprocity`, nothing is
    given up beyond this multiple of what the other side has given up so far, both in own utility. A `steady`
    side never asks back what it has conceded, which people would call bad faith; only a better alternative
    lets it ask for more.

    The defaults (BALANCED) were fitted on the public training half of the negotiation bench at 8, 20 and 100
    rounds, where a lost deal costs no more than a lean one.
    """

    opening: float = 1.0
    ending: float = 0.45
    exponent: float = 4.0
    waiting: float = 1.0
    patience: float = 0.8
    settle: float = 0.9
    leeway: float | None = 0.5
    reciprocity: float | None = None
    steady: bool = False


BALANCED = Tactics()
# For a purchase that should come about: moves a little in every round, so that the other side has something
# to answer (on the grid of `benchmarks` worth .15 of the surplus against sellers who only give when given to,
# and .01 less against the others), and gambles little at the end.
CAUTIOUS = Tactics(exponent=1.5, patience=0.4, leeway=0.05, steady=True)
CONCEDER = Tactics(ending=0.1, exponent=0.6, waiting=0.0, patience=0.0, leeway=None)
LINEAR = Tactics(ending=0.1, exponent=1.0, waiting=0.0, patience=0.0, leeway=None)
BOULWARE = Tactics(ending=0.1, exponent=4.0, waiting=0.0, patience=0.0, leeway=None)
TOUGH = Tactics(ending=0.6, exponent=6.0, waiting=0.0, patience=0.0, leeway=None)


def elapsed(round_index: int, last: int) -> float:
    """Return the share of time gone in [0, 1]; `last` is the round of the last answerable own offer."""
    return 1.0 if round_index >= last else round_index / last


def forecast(received: Sequence[float], rounds_left: float) -> float:
    """Return the own utility that the other side's offers will have reached at the deadline.

    The best offer so far plus the mean concession per offer for every round left; both in own utility.
    """
    best = max(received)
    if len(received) < 2:  # noqa: PLR2004 - one offer shows no movement
        return best
    return best + max(0.0, best - received[0]) / (len(received) - 1) * rounds_left


def target(
    tactics: Tactics, span: tuple[float, float], time: float, rounds: int, received: Sequence[float]
) -> float:
    """Return the own utility to ask for at `time` in [0, 1] of a deadline of `rounds`.

    `span` is (reservation, best), `received` the own utilities of the other side's offers. Rounded to
    12 digits, so that no platform's power function changes an offer.
    """
    reservation, best = span
    exponent = tactics.exponent + tactics.waiting * max(0, rounds - LONG) / LONG
    share = tactics.opening - (tactics.opening - tactics.ending) * math.pow(time, exponent)
    wanted = reservation + (best - reservation) * share
    if received:
        expected = forecast(received, rounds * (1.0 - time))
        wanted = max(wanted, reservation + tactics.patience * max(0.0, expected - reservation))
    if tactics.reciprocity is not None:
        moved = max(received) - received[0] if received else 0.0
        wanted = max(wanted, best - tactics.reciprocity * moved)
    return round(min(wanted, best), 12)
