"""From the amounts read to one limit, a year or in total; amounts that disagree are a contradiction."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

from procur.core.money import show
from procur.sourcing.amounts import currency_of
from procur.sourcing.arithmetic import Limit, total, yearly
from procur.sourcing.budget import Budget
from procur.sourcing.readings import Readings
from procur.sourcing.settle import Settled

_CADENCE = {12: "annual", 1: "monthly", 3: "quarterly"}
_YEAR = 12


def settle_budget(read: Readings, settled: Settled, default_currency: str | None) -> None:
    """Conclude the currency and what may be spent, a year or in total."""
    currency = _currency(read, settled, default_currency)
    budget = _agreed(read, settled)
    if budget is None:
        return
    settled.fields["budget"] = read.page.found(budget, budget.start, budget.end, note=_budget_note(budget))
    if budget.length and not settled.fields.get("term_months"):
        note = f"the budget is for {budget.length} months"
        settled.fields["term_months"] = read.page.found(
            budget.length, budget.start, budget.end, derived=True, note=note, strength="must"
        )
    if budget.months in _CADENCE and not settled.fields.get("billing_cadence"):
        settled.fields["billing_cadence"] = read.page.found(
            _CADENCE[budget.months],
            budget.start,
            budget.end,
            derived=True,
            note="as the budget is given",
            strength="prefer",
        )
    if currency is not None:
        _normalise(read, settled, budget, currency)
        _keep_total(read, settled, budget, currency)


def _currency(read: Readings, settled: Settled, default: str | None) -> str | None:
    page = read.page
    signed = [budget for budget in read.budgets if budget.sign]
    known = [(currency_of(str(budget.sign), default), budget) for budget in signed]
    codes = list(dict.fromkeys(code for (code, _), _ in known))
    if len(codes) > 1:
        spans = [page.span(budget.start, budget.end) for _, budget in known]
        settled.contradict("currency", f"Amounts are in {' and in '.join(codes)}", spans)
        return None
    if codes:
        (code, shared), budget = known[0]
        note = f"{budget.sign} read as {code}, the currency of your organisation" if shared else ""
        settled.fields["currency"] = page.found(code, budget.start, budget.end, derived=shared, note=note)
        return code
    if read.budgets and default is not None:
        place = read.budgets[0].start, read.budgets[0].end
        note = "no currency given: the one of your organisation"
        settled.fields["currency"] = page.found(default, *place, derived=True, note=note)
        return default
    return None


def _agreed(read: Readings, settled: Settled) -> Budget | None:
    """Return the one budget the text means, or note which amounts disagree."""
    budgets = read.budgets
    if not budgets or any(one.field == "currency" for one in settled.contradictions):
        return None
    budgets = _joined(budgets)
    page = read.page
    spans = [page.span(budget.start, budget.end) for budget in read.budgets]
    crossed = [
        one
        for one in budgets
        if one.minimum is not None and one.maximum is not None and one.minimum > one.maximum
    ]
    if crossed:
        settled.contradict("budget", "The lower end of the budget is above its upper end", spans)
        return None
    quantity = settled.fields.get("quantity")
    count = quantity.value if quantity else None
    for left, right in pairwise(budgets):
        if not _agree(left, right):
            told = " and ".join(f"“{span.words.strip()}”" for span in spans)
            settled.contradict("budget", f"The budget is given as {told}", spans)
            return None
    return _tightest(budgets, count)


def _joined(budgets: list[Budget]) -> list[Budget]:
    """Join "at least 5k" and "no more than 9k" into one range."""
    lows = [one for one in budgets if one.maximum is None]
    highs = [one for one in budgets if one.maximum is not None]
    if len(lows) == 1 and len(highs) == 1 and highs[0].minimum is None:
        low, high = lows[0], highs[0]
        return [
            Budget(
                low.minimum,
                high.maximum,
                high.sign or low.sign,
                high.months if high.months is not None else low.months,
                high.per_unit,
                high.approximate or low.approximate,
                high.start,
                high.end,
                high.length,
                high.tax,
            )
        ]
    return budgets


def _agree(left: Budget, right: Budget) -> bool:
    """Tell whether two amounts may both hold: another unit or period is another limit."""
    if left.per_unit != right.per_unit or (left.months == 0) != (right.months == 0):
        return True
    if left.months is None or right.months is None:
        return left.maximum == right.maximum
    if left.maximum is None or right.maximum is None:
        return False
    return left.maximum * right.months == right.maximum * left.months


def _tightest(budgets: list[Budget], quantity: int | None) -> Budget:
    def yearly_amount(budget: Budget) -> Decimal:
        amount = budget.maximum if budget.maximum is not None else Decimal("Infinity")
        units = (quantity or 1) if budget.per_unit else 1
        return amount * units * (12 if not budget.months else Decimal(12) / budget.months)

    timed = [one for one in budgets if one.months] or budgets
    return min(timed, key=yearly_amount)


def _budget_note(budget: Budget) -> str:
    told = ["approximate: taken as the most that may be spent"] if budget.approximate else []
    return "; ".join([*told, *([budget.tax] if budget.tax else [])])


def _normalise(read: Readings, settled: Settled, budget: Budget, currency: str) -> None:
    fields, page = settled.fields, read.page
    kind = fields["request_type"].value if fields.get("request_type") else None
    quantity = fields["quantity"].value if fields.get("quantity") else None
    unit = fields["unit"].value if fields.get("unit") else "units"
    term = fields["term_months"].value if fields.get("term_months") else None

    def keep(name: str, read_limit: tuple[Limit, str] | None, extra: str = "") -> None:
        if read_limit is not None:
            limit, told = read_limit
            note = "; ".join(part for part in (told, extra, _budget_note(budget)) if part)
            fields[name] = page.found(limit, budget.start, budget.end, derived=bool(told or extra), note=note)

    if budget.months:
        keep("budget_yearly", yearly(budget, currency, quantity, unit))
        if budget.length == budget.months:
            keep("budget_total", total(budget, currency, quantity, unit))
    elif kind is None:
        return
    elif kind != "saas" or budget.months == 0:
        keep("budget_total", total(budget, currency, quantity, unit))
        limit = fields.get("budget_total")
        if kind == "saas" and term is None:
            settled.asks["term_months"] = "The budget is in total, and software is paid for by the month."
        if kind == "saas" and limit is not None and term is not None and term >= _YEAR:
            spread = Budget(
                limit.value.minimum, limit.value.maximum, None, term, False, budget.approximate, 0, 0
            )
            keep("budget_yearly", yearly(spread, currency, quantity, unit))
    elif budget.per_unit or (term is not None and term != _YEAR) or _billed_otherwise(fields):
        settled.asks["budget_period"] = (
            f"“{page.text[budget.start : budget.end].strip()}” does not say for how long"
        )
    else:
        year = Budget(budget.minimum, budget.maximum, None, 12, False, budget.approximate, 0, 0)
        top = show(budget.maximum, currency) if budget.maximum is not None else ""
        keep(
            "budget_yearly",
            yearly(year, currency, quantity, unit),
            f"no period given: {top} taken as the limit for a year",
        )


def _keep_total(read: Readings, settled: Settled, budget: Budget, currency: str) -> None:
    """Keep a limit in total that stands beside one for a time: both hold."""
    quantity = settled.fields["quantity"].value if settled.fields.get("quantity") else None
    unit = settled.fields["unit"].value if settled.fields.get("unit") else "units"
    for other in read.budgets:
        if budget.months and other.months == 0 and not settled.fields.get("budget_total"):
            found = total(other, currency, quantity, unit)
            if found is not None:
                limit, told = found
                settled.fields["budget_total"] = read.page.found(
                    limit, other.start, other.end, derived=bool(told), note=told
                )


def _billed_otherwise(fields: dict[str, Any]) -> bool:
    cadence = fields.get("billing_cadence")
    return cadence is not None and cadence.value != "annual"
