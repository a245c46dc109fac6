"""What an outcome is worth to one side: a weighted sum over the issues."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from procur.core.errors import InvalidInput
from procur.negotiation.engine.issues import AnyOutcome

Points = Sequence[tuple[Any, float]]


class PiecewiseLinear:
    """Straight lines between points (x, worth), constant outside; never rises here and falls there."""

    def __init__(self, points: Points) -> None:
        self.xs = [float(x) for x, _ in points]
        self.ys = [float(y) for _, y in points]
        if len(points) < 2:  # noqa: PLR2004 - a line has two ends
            raise InvalidInput("a worth function needs at least two points", field="functions")
        steps = [b - a for a, b in zip(self.ys, self.ys[1:], strict=False)]
        if any(b <= a for a, b in zip(self.xs, self.xs[1:], strict=False)):
            raise InvalidInput("the points of a worth function must have rising x", field="functions")
        self.falling = self.ys[0] >= self.ys[-1]
        if any(step > 0 if self.falling else step < 0 for step in steps):
            raise InvalidInput("a worth function must not rise and fall", field="functions")

    def __call__(self, x: Any) -> float:
        """Return the worth at `x` (any number, also between and beyond the points)."""
        xs, ys = self.xs, self.ys
        number = float(x)
        if number <= xs[0]:
            return ys[0]
        if number >= xs[-1]:
            return ys[-1]
        k = bisect_right(xs, number)
        return ys[k - 1] + (ys[k] - ys[k - 1]) * (number - xs[k - 1]) / (xs[k] - xs[k - 1])

    def furthest(self, worth: float) -> float | None:
        """Return the x most in the other side's favour that is still worth `worth`; None if none is.

        That is the highest x of a falling function (a buyer's price), the lowest of a rising one.
        """
        order = range(len(self.xs))
        for k in reversed(order) if self.falling else order:
            if self.ys[k] >= worth:
                beyond = k + 1 if self.falling else k - 1
                if beyond not in order:
                    return self.xs[k]
                run, fall = self.xs[beyond] - self.xs[k], self.ys[k] - self.ys[beyond]
                return self.xs[k] + run * (self.ys[k] - worth) / fall
        return None


class AdditiveUtility:
    """U(outcome) = base + sum of weight x worth of each issue's value.

    A choice's worth is a table {value: worth}, a number's the points [(x, worth), ...] of straight lines.
    With weights that sum to 1 and worths in [0, 1] it lies in [0, 1]; money works too, on any scale.
    """

    def __init__(
        self,
        weights: Mapping[str, float],
        functions: Mapping[str, Mapping[Any, float] | Points],
        base: float = 0.0,
    ) -> None:
        if missing := [name for name in weights if name not in functions]:
            raise InvalidInput(f"no worth function for {', '.join(missing)}", field="functions")
        if any(weight < 0 for weight in weights.values()):
            raise InvalidInput("weights must not be negative", field="weights")
        self.base = base
        self.weights = dict(weights)
        self.values: dict[str, dict[Any, float]] = {}
        self.lines: dict[str, PiecewiseLinear] = {}
        for name in weights:
            function = functions[name]
            if isinstance(function, Mapping):
                self.values[name] = dict(function)
            else:
                self.lines[name] = PiecewiseLinear(function)

    def __call__(self, outcome: AnyOutcome) -> float:
        """Return what the outcome is worth."""
        total = self.base
        for name in self.weights:
            if name not in outcome:
                raise InvalidInput(f"the outcome says nothing about {name}", field=name)
            total += self.part(name, outcome[name])
        return total

    def part(self, name: str, value: Any) -> float:
        """Return what one issue's value adds; an issue without a weight adds nothing."""
        weight = self.weights.get(name)
        if weight is None:
            return 0.0
        if name in self.lines:
            return weight * self.lines[name](value)
        table = self.values[name]
        if value not in table:
            raise InvalidInput(f"{value!r} is not among the values of {name}", field=name)
        return weight * table[value]

    def solve(self, name: str, part: float) -> float | None:
        """Return the number most in the other side's favour at which `name` still adds `part`."""
        weight = self.weights[name]
        line = self.lines[name]
        if weight <= 0:
            return (line.xs[-1] if line.falling else line.xs[0]) if part <= 0 else None
        return line.furthest(part / weight)
