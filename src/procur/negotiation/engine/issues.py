"""What is negotiated: choices among named values, and at most one price."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from procur.core.errors import InvalidInput

# One value per issue, by issue name: {"unit_price": Decimal("41.50"), "payment_terms": "NET60"}.
Outcome = dict[str, Any]
AnyOutcome = Mapping[str, Any]


@dataclass(frozen=True)
class Issue:
    """A choice among discrete values, such as payment terms or a set of extras."""

    name: str
    values: Sequence[Any]

    def __post_init__(self) -> None:
        """Refuse an issue about which nothing can be agreed."""
        values = tuple(self.values)
        if not values:
            raise InvalidInput(f"issue {self.name} has no values to choose from", field=self.name)
        if len(set(values)) != len(values):
            raise InvalidInput(f"issue {self.name} lists a value twice", field=self.name)
        object.__setattr__(self, "values", values)


@dataclass(frozen=True)
class PriceIssue:
    """A number between `low` and `high` on the grid of multiples of `step` (one cent, usually).

    It is never enumerated: a bid's price is solved from the utility it should have. Inside the engine a price
    is its integer number of steps, so that no rounding error can add up.
    """

    name: str
    low: Decimal
    high: Decimal
    step: Decimal = Decimal("0.01")
    lowest: int = field(init=False)
    highest: int = field(init=False)

    def __post_init__(self) -> None:
        """Count the range in steps, rounding inwards."""
        if self.step <= 0:
            raise InvalidInput(f"the step of {self.name} must be above zero", field=self.name)
        lowest = int((self.low / self.step).to_integral_value(ROUND_CEILING))
        highest = int((self.high / self.step).to_integral_value(ROUND_FLOOR))
        if lowest > highest:
            raise InvalidInput(
                f"{self.name} has no price on the grid between {self.low} and {self.high}", field=self.name
            )
        object.__setattr__(self, "lowest", lowest)
        object.__setattr__(self, "highest", highest)

    def price(self, steps: int) -> Decimal:
        """Return the price that is this many steps."""
        return steps * self.step


AnyIssue = Issue | PriceIssue


def checked(issues: Sequence[AnyIssue]) -> tuple[tuple[Issue, ...], PriceIssue | None]:
    """Split issues into choices and the price; refuse no issues, two prices, or one name twice."""
    names = [issue.name for issue in issues]
    if not names:
        raise InvalidInput("there is nothing to negotiate: no issues", field="issues")
    if len(set(names)) != len(names):
        raise InvalidInput("two issues have the same name", field="issues")
    prices = [issue for issue in issues if isinstance(issue, PriceIssue)]
    if len(prices) > 1:
        raise InvalidInput(
            "only one issue can be a price",
            field="issues",
            hint="make the other numbers choices among a few values",
        )
    return tuple(issue for issue in issues if isinstance(issue, Issue)), prices[0] if prices else None
