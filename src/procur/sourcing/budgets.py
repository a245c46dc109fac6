"""What a request allows to be spent, over whatever term: the one place that turns its figures into limits."""

from decimal import ROUND_DOWN, Decimal

from procur.core.finance import MONTHS_PER_YEAR
from procur.core.money import minor_units
from procur.db.models import RequestRecord


def is_recurring(request: RequestRecord) -> bool:
    """Tell whether the request buys by the month rather than once."""
    return request.billing_cadence not in {None, "one_time"}


def budget_over(request: RequestRecord, months: int) -> Decimal | None:
    """Return what the request allows over a term of `months` (0: a one-off purchase); None when unknown.

    A yearly budget grows with the term, a limit in total does not; where both are stated, the lower holds.
    """
    if request.budget_max is None or not is_recurring(request):
        return request.budget_max
    spread = request.budget_max * (months or MONTHS_PER_YEAR) / MONTHS_PER_YEAR
    total = request.specs.get("total_limit")
    return spread if total is None else min(spread, Decimal(total))


def yearly_share(total: Decimal, months: int, currency: str) -> Decimal:
    """Return what a limit in total over `months` allows a year, rounded down to the currency's unit."""
    share = total * MONTHS_PER_YEAR / months
    return share.quantize(Decimal(1).scaleb(-minor_units(currency)), rounding=ROUND_DOWN)
