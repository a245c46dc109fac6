"""What a budget makes a year or in total, with the arithmetic told in words."""

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from procur.core.money import minor_units, show
from procur.sourcing.budget import Budget


@dataclass(frozen=True, slots=True)
class Limit:
    """A budget normalised to a year or to the whole purchase."""

    maximum: Decimal
    minimum: Decimal | None
    currency: str
    approximate: bool = False


def yearly(budget: Budget, currency: str, quantity: int | None, unit: str) -> tuple[Limit, str] | None:
    """Return what the budget allows in twelve months and the arithmetic in words."""
    if budget.maximum is None or not budget.months or (budget.per_unit and quantity is None):
        return None
    units = (quantity or 1) if budget.per_unit else 1
    top = _whole(budget.maximum * units * 12 / budget.months, currency)
    low = None if budget.minimum is None else _whole(budget.minimum * units * 12 / budget.months, currency)
    steps = [f"{show(budget.maximum, currency)}{_spoken(budget, unit)}"]
    steps += [f"\u00d7 {units}"] if budget.per_unit else []
    steps += _factor(budget.months)
    told = f"{' '.join(steps)} = {show(top, currency)} a year" if len(steps) > 1 else ""
    return Limit(top, low, currency, budget.approximate), told


def total(budget: Budget, currency: str, quantity: int | None, unit: str) -> tuple[Limit, str] | None:
    """Return what the budget allows for the whole purchase and the arithmetic in words."""
    if budget.maximum is None or (budget.per_unit and quantity is None):
        return None
    units = (quantity or 1) if budget.per_unit else 1
    top = _whole(budget.maximum * units, currency)
    low = None if budget.minimum is None else _whole(budget.minimum * units, currency)
    each = f"{show(budget.maximum, currency)}{_spoken(budget, unit)}"
    told = f"{each} \u00d7 {units} = {show(top, currency)} in total"
    return Limit(top, low, currency, budget.approximate), told if budget.per_unit else ""


def _whole(amount: Decimal, currency: str) -> Decimal:
    """Round a limit down, so that normalising never allows more than was written."""
    return amount.quantize(Decimal(1).scaleb(-minor_units(currency)), rounding=ROUND_DOWN)


def _spoken(budget: Budget, unit: str) -> str:
    per_unit = f" per {_one(unit)}" if budget.per_unit else ""
    names = {0: "", 1: " per month", 3: " per quarter", 12: " a year" if not per_unit else " per year"}
    return per_unit + (
        "" if budget.months is None else names.get(budget.months, f" for {budget.months} months")
    )


def _factor(months: int) -> list[str]:
    if months == 12:  # noqa: PLR2004 - a year is what we want
        return []
    return [f"\u00d7 {12 // months}"] if 12 % months == 0 else [f"\u00d7 12 ÷ {months}"]


def _one(unit: str) -> str:
    special = {"people": "user", "staff": "user", "users": "user", "units": "unit"}
    return special.get(unit, unit.removesuffix("s"))
