"""Where bids come from: all outcomes worth at least a target, without enumerating prices.

Inside the engine a bid is `(own utility, codes, steps)`: the index of each choice's value in issue order, and
the price as its number of steps (0 without a price).
"""

import itertools
from bisect import bisect_left
from collections.abc import Callable, Sequence
from decimal import Decimal
from math import ceil, floor, isfinite
from typing import NamedTuple, Protocol

from procur.core.errors import InvalidInput
from procur.negotiation.engine.issues import AnyIssue, AnyOutcome, Issue, Outcome, PriceIssue, checked
from procur.negotiation.engine.utility import AdditiveUtility

Allowed = Callable[[Outcome], bool]
LARGEST_SPACE = 2_000_000  # outcomes: beyond this, building the list takes seconds
TOLERANCE = 1e-9  # of utility: what float sums may lose


class Bid(NamedTuple):
    """A possible offer, in codes."""

    own: float
    codes: tuple[int, ...]
    steps: int


class Space(Protocol):
    """All outcomes that this side may propose."""

    choices: tuple[Issue, ...]
    price: PriceIssue | None
    best: float

    def at_least(self, target: float, window: float, limit: int) -> list[Bid]:
        """Return up to `limit` bids worth `target` or more, spread over `window` above it; never less."""

    def decode(self, bid: Bid) -> Outcome:
        """Return the bid as an outcome."""

    def read(self, outcome: AnyOutcome) -> Bid | None:
        """Return an outcome of the other side as a bid; None when it is not an outcome of these issues."""

    def price_ends(self) -> tuple[int, int]:
        """Return the price range in steps, own best end first; (0, 0) without a price."""

    def within(self, bid: Bid) -> bool:
        """Tell whether the bid's price is no worse than the worst price of the issue."""


def space_of(issues: Sequence[AnyIssue], utility: AdditiveUtility, allowed: Allowed | None = None) -> Space:
    """Return the space that fits the issues; `allowed` takes forbidden outcomes out of it."""
    choices, price = checked(issues)
    size = 1
    for issue in choices:
        size *= len(issue.values)
    if size > LARGEST_SPACE:
        raise InvalidInput(
            f"the issues span {size} combinations, more than {LARGEST_SPACE}",
            field="issues",
            hint="offer fewer values per issue",
        )
    if price is None:
        return DiscreteSpace(choices, utility, allowed)
    return PricedSpace(choices, price, utility, allowed)


def _parts(choices: tuple[Issue, ...], utility: AdditiveUtility) -> list[list[float]]:
    """Return what each value of each choice adds."""
    return [[utility.part(issue.name, value) for value in issue.values] for issue in choices]


def _sums(parts: list[list[float]], base: float) -> list[float]:
    """Return the utilities of all combinations, the last issue running fastest."""
    sums = [base]
    for part in parts:
        sums = [total + more for total in sums for more in part]
    return sums


class _Codec:
    """Translates between values and their positions."""

    def __init__(self, choices: tuple[Issue, ...]) -> None:
        self._index = [{value: k for k, value in enumerate(issue.values)} for issue in choices]
        self._choices = choices

    def codes(self, outcome: AnyOutcome) -> tuple[int, ...] | None:
        """Return the position of each choice's value, None if one is missing or unknown."""
        try:
            return tuple(
                index[outcome[issue.name]] for issue, index in zip(self._choices, self._index, strict=True)
            )
        except (KeyError, TypeError):
            return None

    def outcome(self, codes: tuple[int, ...]) -> Outcome:
        """Return the values at these positions."""
        return {issue.name: issue.values[k] for issue, k in zip(self._choices, codes, strict=True)}


class DiscreteSpace:
    """All combinations of the choices, sorted by own utility."""

    def __init__(
        self, choices: tuple[Issue, ...], utility: AdditiveUtility, allowed: Allowed | None = None
    ) -> None:
        self.choices = choices
        self.price: PriceIssue | None = None
        self._utility = utility
        self._codec = _Codec(choices)
        sums = _sums(_parts(choices, utility), utility.base)
        order = sorted(range(len(sums)), key=sums.__getitem__)
        self._sizes = [len(issue.values) for issue in choices]
        if allowed is not None:
            order = [k for k in order if allowed(self._codec.outcome(self._codes(k)))]
        if not order:
            raise InvalidInput("no outcome is allowed", field="allowed")
        self._order = order
        self._utilities = [sums[k] for k in order]
        self.best = self._utilities[-1]

    def _codes(self, number: int) -> tuple[int, ...]:
        """Return the positions of combination `number`, counted with the last issue running fastest."""
        codes = []
        for size in reversed(self._sizes):
            number, code = divmod(number, size)
            codes.append(code)
        return tuple(reversed(codes))

    def at_least(self, target: float, window: float, limit: int) -> list[Bid]:
        """Return up to `limit` outcomes worth `target` to `target + window`, at least the next one above."""
        utilities = self._utilities
        low = min(bisect_left(utilities, target - TOLERANCE), len(utilities) - 1)
        high = max(bisect_left(utilities, target + window), low + 1)
        stride = max(1, ceil((high - low) / limit))
        return [Bid(utilities[k], self._codes(self._order[k]), 0) for k in range(low, high, stride)]

    def decode(self, bid: Bid) -> Outcome:
        """Return the bid as an outcome."""
        return self._codec.outcome(bid.codes)

    def read(self, outcome: AnyOutcome) -> Bid | None:
        """Return the outcome as a bid."""
        codes = self._codec.codes(outcome)
        return None if codes is None else Bid(self._utility(outcome), codes, 0)

    def price_ends(self) -> tuple[int, int]:
        """Return an empty range."""
        return 0, 0

    def within(self, bid: Bid) -> bool:
        """Tell that there is no price that could be out of range."""
        del bid
        return True


class PricedSpace:
    """All combinations of the choices, each with the price that gives it the wanted utility.

    The price is rounded to its grid in this side's favour, so a bid is never worth less than asked for. Where
    `allowed` forbids prices, it is taken to be a limit: what is forbidden at one price of a combination is
    forbidden at every price worse for this side. The limits are found once, by bisection.
    """

    def __init__(
        self,
        choices: tuple[Issue, ...],
        price: PriceIssue,
        utility: AdditiveUtility,
        allowed: Allowed | None = None,
    ) -> None:
        if price.name not in utility.lines:
            raise InvalidInput(f"{price.name} needs a worth function over numbers", field="functions")
        self.choices = choices
        self.price: PriceIssue | None = price
        self._price = price
        self._step = float(price.step)
        self._utility = utility
        self._codec = _Codec(choices)
        self.falling = utility.lines[price.name].falling
        self._straight = self._line()
        # The ends of the price range: own best first.
        self.near, self.far = (price.lowest, price.highest) if self.falling else (price.highest, price.lowest)
        sums = _sums(_parts(choices, utility), utility.base)
        codes = itertools.product(*(range(len(issue.values)) for issue in choices))
        combos = [(total, code, self._limit(code, allowed)) for total, code in zip(sums, codes, strict=True)]
        self._combos = [(total, code, limit) for total, code, limit in combos if limit is not None]
        if not self._combos:
            raise InvalidInput("no outcome is allowed", field="allowed")
        top = self._part(self.near)
        self.best = max(total for total, _, _ in self._combos) + top

    def _line(self) -> tuple[float, float] | None:
        """Return (worth at zero steps, worth per step) where the price's worth is one straight line."""
        line, weight = self._utility.lines[self._price.name], self._utility.weights[self._price.name]
        ends = line.xs[0] <= float(self._price.low) and line.xs[-1] >= float(self._price.high)
        if len(line.xs) > 2 or not ends or weight <= 0 or line.ys[0] == line.ys[1]:  # noqa: PLR2004 - ends
            return None
        slope = weight * (line.ys[1] - line.ys[0]) / (line.xs[1] - line.xs[0])
        return weight * line.ys[0] - slope * line.xs[0], slope * self._step

    def _part(self, steps: int) -> float:
        if self._straight is not None:
            return self._straight[0] + self._straight[1] * steps
        return self._utility.part(self._price.name, steps * self._step)

    def _limit(self, codes: tuple[int, ...], allowed: Allowed | None) -> int | None:
        """Return the worst price (in steps) allowed for this combination, None if none is."""
        if allowed is None:
            return self.far
        outcome = self._codec.outcome(codes)

        def fine(steps: int) -> bool:
            return allowed({**outcome, self._price.name: self._price.price(steps)})

        if fine(self.far):
            return self.far
        if not fine(self.near):
            return None
        good, bad = self.near, self.far
        while abs(bad - good) > 1:
            middle = (good + bad) // 2
            good, bad = (middle, bad) if fine(middle) else (good, middle)
        return good

    def _steps(self, part: float, limit: int) -> int | None:
        """Return the price worth `part` in steps, inside the range and the limit; None if none is."""
        if self._straight is not None:
            steps = (part - self._straight[0]) / self._straight[1]
        else:
            number = self._utility.solve(self._price.name, part)
            if number is None:
                return None
            steps = number / self._step
        if self.falling:
            rounded = min(floor(steps + TOLERANCE), limit)
            return rounded if rounded >= self.near else None
        rounded = max(ceil(steps - TOLERANCE), limit)
        return rounded if rounded <= self.near else None

    def at_least(self, target: float, window: float, limit: int) -> list[Bid]:
        """Return one bid per combination at the price that makes it worth `target` (or a little more).

        `window` has no use here, as the price brings every combination down to the target; of more than
        `limit` combinations an even spread is taken.
        """
        del window
        goal = min(target, self.best)
        stride = max(1, ceil(len(self._combos) / limit))
        bids = [
            Bid(total + self._part(steps), codes, steps)
            for total, codes, worst in self._combos[::stride]
            if (steps := self._steps(goal - total - TOLERANCE, worst)) is not None
        ]
        if bids:
            return bids
        total, codes, _ = max(self._combos, key=lambda combo: combo[0])
        return [Bid(total + self._part(self.near), codes, self.near)]

    def decode(self, bid: Bid) -> Outcome:
        """Return the bid as an outcome, the price as Decimal on its grid."""
        return {**self._codec.outcome(bid.codes), self._price.name: self._price.price(bid.steps)}

    def read(self, outcome: AnyOutcome) -> Bid | None:
        """Return the outcome as a bid, its price rounded to the next step that is worse for this side."""
        codes = self._codec.codes(outcome)
        price = outcome.get(self._price.name)
        if codes is None or not isinstance(price, int | float | Decimal) or not isfinite(price):
            return None
        steps = float(price) / self._step
        rounded = ceil(steps - TOLERANCE) if self.falling else floor(steps + TOLERANCE)
        own = self._utility({**outcome, self._price.name: rounded * self._step})
        return Bid(own, codes, rounded)

    def price_ends(self) -> tuple[int, int]:
        """Return the price range in steps, own best end first."""
        return self.near, self.far

    def within(self, bid: Bid) -> bool:
        """Tell whether the price is inside the range on the side that hurts."""
        return bid.steps <= self.far if self.falling else bid.steps >= self.far
