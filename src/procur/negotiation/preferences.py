"""What the buyer wants from a negotiation, in money per unit and month (per unit for a one-off purchase).

Each issue's weight is its share of the money at stake, so one point of utility is worth the same money on
each issue. The price function is common to all vendors of one request, so utilities compare across vendors.
Only the buyer's own figures and published prices go in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal
from itertools import combinations
from typing import Any

from procur.core.deal import Terms
from procur.core.errors import InvalidInput
from procur.core.finance import (
    MONTHS_PER_YEAR,
    fixed_precision,
    payment_schedule,
    present_value,
    term_break_even,
)
from procur.core.money import minor_units, show
from procur.negotiation.engine import AdditiveUtility, AnyIssue, Issue, PriceIssue

COST_OF_CAPITAL = Decimal("0.10")
DROP_PROBABILITY = Decimal("0.10")  # a year
UPLIFT = Decimal("0.05")  # of a one-year price, a year
PREFERRED_PAYMENT = Decimal(
    "0.005"
)  # share of price that the buyer's preferred payment terms are worth on top
TARGET_SHARE = Decimal("0.80")  # of the ceiling, where the buyer names no target
BEST_OF_TARGET = Decimal("0.75")  # the best case worth hoping for
BEST_OF_LIST = Decimal("0.60")  # and against the lowest published price among the vendors
MOST_EXTRAS = 6  # every set of them is a value of the issue


@dataclass(frozen=True, slots=True)
class Preferences:
    """Money per unit and month of every value of every issue; 0 is a one-year NET30 deal without extras.

    `ceiling` and `best_price` are where the worth of the unit price is 0 and 1. `assumptions` say in words
    what the figures rest on.
    """

    currency: str
    ceiling: Decimal
    target: Decimal
    best_price: Decimal
    term_months: Mapping[int, Decimal]
    payment_terms: Mapping[str, Decimal]
    quantity: Mapping[int, Decimal]
    value_adds: Mapping[tuple[str, ...], Decimal]
    assumptions: tuple[str, ...]

    @property
    def choices(self) -> dict[str, Mapping[Any, Decimal]]:
        """The issues other than price, each with its values' money."""
        return {
            "term_months": self.term_months,
            "payment_terms": self.payment_terms,
            "quantity": self.quantity,
            "value_adds": self.value_adds,
        }

    @property
    def ranges(self) -> dict[str, Decimal]:
        """The money at stake on each issue, per unit and month: best value - worst value."""
        spans = {name: max(table.values()) - min(table.values()) for name, table in self.choices.items()}
        return {"unit_price": self.ceiling - self.best_price} | spans

    @property
    @fixed_precision
    def weights(self) -> dict[str, Decimal]:
        """Each issue's share of all the money at stake; they add up to 1."""
        ranges = self.ranges
        total = sum(ranges.values())
        return {name: span / total for name, span in ranges.items()}

    @property
    @fixed_precision
    def functions(self) -> dict[str, Any]:
        """Each issue's worth from 0 to 1: points (price, worth) and tables {value: worth}."""
        tables: dict[str, Any] = {"unit_price": [(self.best_price, Decimal(1)), (self.ceiling, Decimal(0))]}
        for name, table in self.choices.items():
            low, span = min(table.values()), self.ranges[name]
            tables[name] = {
                value: (money - low) / span if span else Decimal(0) for value, money in table.items()
            }
        return tables

    @property
    def money_per_utility(self) -> Decimal:
        """What the whole of utility, from 0 to 1, is worth per unit and month."""
        return sum(self.ranges.values(), Decimal(0))

    def worth(self, terms: Terms) -> Decimal:
        """Return what the terms other than price are worth, per unit and month."""
        values = {
            "term_months": terms.term_months,
            "payment_terms": terms.payment_terms,
            "quantity": terms.quantity,
            "value_adds": tuple(sorted(terms.value_adds)),
        }
        for name, value in values.items():
            if value not in self.choices[name]:
                table = ", ".join(_label(each) for each in self.choices[name])
                raise InvalidInput(
                    f"{_label(value)} is not on the table as {name}",
                    field=name,
                    hint=f"on the table: {table}; anything else is for a person to agree by hand",
                )
        return sum((self.choices[name][value] for name, value in values.items()), Decimal(0))

    def net_unit_price(self, terms: Terms) -> Decimal:
        """Return the unit price of a one-year NET30 deal that is as good as these terms."""
        return terms.unit_price - self.worth(terms)

    def as_utility(self) -> AdditiveUtility:
        """Return the preferences as the engine takes them."""
        functions = {
            name: {value: float(worth) for value, worth in function.items()}
            if isinstance(function, Mapping)
            else [(float(x), float(worth)) for x, worth in function]
            for name, function in self.functions.items()
        }
        return AdditiveUtility({name: float(weight) for name, weight in self.weights.items()}, functions)

    def issues(self, list_unit_price: Decimal | None = None) -> tuple[AnyIssue, ...]:
        """Return the engine's issues with one vendor: nothing above its list price, nor above the ceiling."""
        high = self.ceiling if list_unit_price is None else min(self.ceiling, list_unit_price)
        step = Decimal(1).scaleb(-minor_units(self.currency))
        high = max(high.quantize(step, rounding=ROUND_FLOOR), step)
        # An unconfirmed list price may lie below the best price: then nothing but it is on the table.
        price = PriceIssue("unit_price", min(self.best_price, high), high, step)
        return (price, *(Issue(name, tuple(table)) for name, table in self.choices.items()))

    def as_dict(self) -> dict[str, Any]:
        """Return the preferences as a JSON object for the record; money as text."""
        tables = {
            name: {_label(value): f"{money + 0:.4f}" for value, money in table.items()}
            for name, table in self.choices.items()
        }
        return {
            "currency": self.currency,
            "ceiling": str(self.ceiling),
            "target": str(self.target),
            "best_price": str(self.best_price),
            "money_per_unit_and_month": tables,
            "weights": {name: f"{weight:.4f}" for name, weight in self.weights.items()},
            "assumptions": list(self.assumptions),
        }


@fixed_precision
def buyer_preferences(
    *,
    quantity: int,
    terms_months: Sequence[int],
    payment_terms: Sequence[str],
    price_ceiling: Decimal,
    currency: str,
    list_prices: Sequence[Decimal] = (),
    target_price: Decimal | None = None,
    best_price: Decimal | None = None,
    preferred_payment: str | None = None,
    quantity_tiers: Sequence[int] = (),
    spare_unit_worth: Decimal = Decimal(0),
    value_adds: Mapping[str, Decimal] | None = None,
    cost_of_capital: Decimal = COST_OF_CAPITAL,
    drop_probability: Decimal = DROP_PROBABILITY,
    uplift: Decimal = UPLIFT,
    billing: str = "annual",
) -> Preferences:
    """Return the buyer's preferences from the figures of one request.

    `quantity` is what is needed, `quantity_tiers` what else may be bought; a unit that is not needed is
    worth `spare_unit_worth` of its price (0 to 1). `value_adds` is the yearly worth of each extra in money
    (for a one-off purchase its whole worth). `price_ceiling` is the mandate's, `list_prices` are those of
    all vendors of the request. Shares of price are turned into money at the target price.
    """
    recurring = _recurring(terms_months)
    if quantity < 1 or not payment_terms:
        raise InvalidInput("at least one unit and one kind of payment terms are needed", field="quantity")
    if preferred_payment is not None and preferred_payment not in payment_terms:
        raise InvalidInput(f"{preferred_payment} is preferred but not allowed", field="preferred_payment")
    target = min(price_ceiling * TARGET_SHARE if target_price is None else target_price, price_ceiling)
    best = _best_price(target, list_prices, best_price, currency)
    if best >= price_ceiling:
        raise InvalidInput(
            f"the best price {best} must lie below the price ceiling {price_ceiling}", field="price_ceiling"
        )
    base = Terms(target, quantity, MONTHS_PER_YEAR if recurring else 0, "NET30", currency)
    per_unit = quantity * (MONTHS_PER_YEAR if recurring else 1)
    return Preferences(
        currency=currency,
        ceiling=price_ceiling,
        target=target,
        best_price=best,
        term_months={
            months: -target
            * term_break_even(
                cost_of_capital, months=months, uplift=uplift, drop_probability=drop_probability
            )
            for months in sorted(set(terms_months))
        },
        payment_terms={
            name: target
            * (
                _payment_share(base, name, cost_of_capital, billing)
                + (PREFERRED_PAYMENT if name == preferred_payment else 0)
            )
            for name in dict.fromkeys(payment_terms)
        },
        quantity={
            units: _quantity_worth(units, quantity, target, price_ceiling, spare_unit_worth)
            for units in sorted({quantity, *quantity_tiers})
        },
        value_adds=_bundles(value_adds or {}, per_unit),
        assumptions=(
            f"cost of capital {cost_of_capital:.1%} a year",
            f"chance that the tool is dropped {drop_probability:.1%} a year",
            f"one-year prices rise by {uplift:.1%} a year",
            f"NETn invoices come with billing {billing}",
            f"a unit that is not needed is worth {spare_unit_worth:.0%} of its price",
            f"preferred payment terms are worth {PREFERRED_PAYMENT:.1%} of the price on top",
            f"shares of price are counted at the target price of {show(target, currency)}",
        ),
    )


def _label(value: object) -> str:
    return (" + ".join(value) or "none") if isinstance(value, tuple) else str(value)


def _recurring(terms_months: Sequence[int]) -> bool:
    if not terms_months or (0 in terms_months and len(set(terms_months)) > 1):
        raise InvalidInput(
            "the terms are either months, or 0 alone for a one-off purchase", field="terms_months"
        )
    return 0 not in terms_months


def _best_price(
    target: Decimal, list_prices: Sequence[Decimal], best: Decimal | None, currency: str
) -> Decimal:
    """Return the price worth 1: the buyer's own, or the lower of the two shares, on the price grid."""
    if best is None:
        best = min([target * BEST_OF_TARGET, *(price * BEST_OF_LIST for price in list_prices)])
    return best.quantize(Decimal(1).scaleb(-minor_units(currency)), rounding=ROUND_FLOOR)


def _payment_share(base: Terms, payment_terms: str, rate: Decimal, billing: str) -> Decimal:
    """Return the worth of payment terms against NET30 as a share of price: 1 - PV(these) / PV(NET30)."""
    theirs, usual = (
        present_value(payment_schedule(terms, billing=billing), rate)
        for terms in (replace(base, payment_terms=payment_terms), base)
    )
    return 1 - theirs / usual if usual else Decimal(0)


def _quantity_worth(units: int, needed: int, price: Decimal, ceiling: Decimal, spare: Decimal) -> Decimal:
    """Return what buying `units` costs per needed unit beyond the price of what is needed, as negative money.

    Units beyond the need cost their price less what they are worth; missing ones are bought at the ceiling.
    """
    if units >= needed:
        return -price * (1 - spare) * (units - needed) / needed
    return -(ceiling - price) * (needed - units) / needed


def _bundles(worths: Mapping[str, Decimal], per_unit: int) -> dict[tuple[str, ...], Decimal]:
    """Return every set of extras, its names in order, with its worth per unit and month."""
    if len(worths) > MOST_EXTRAS:
        raise InvalidInput(f"up to {MOST_EXTRAS} extras can be negotiated", field="value_adds")
    sets = [names for size in range(len(worths) + 1) for names in combinations(sorted(worths), size)]
    return {names: sum((worths[name] for name in names), Decimal(0)) / per_unit for names in sets}
