"""An organisation's own limits: its plan's, and what it has instead of them."""

from collections.abc import Mapping
from typing import Any

from procur.core.errors import InvalidInput
from procur.core.plans import UNLIMITED, Limit, analysis_limit, plan_of, read_limit

AS_PLANNED = "plan"  # takes an own limit back


def limits_of(tier: str, settings: Mapping[str, Any], analyses: int) -> dict[str, Limit]:
    """Return the limit of every meter (None: unlimited).

    `settings` is the organisation's, whose "limits" come before the plan's; `analyses` its column
    monthly_analysis_limit, which comes before both.
    """
    own = read_limits(settings.get("limits", {}))
    return {**plan_of(tier).limits, **own, "analyses": analysis_limit(analyses)}


def read_limits(given: object) -> dict[str, Limit]:
    """Return limits as settings["limits"] spells them; an error names the entry."""
    if not isinstance(given, Mapping):
        raise InvalidInput("settings.limits must be an object of meters and limits", field="settings.limits")
    return {
        meter: read_limit(meter, value, field=f"settings.limits.{meter}") for meter, value in given.items()
    }


def change_limits(settings: Mapping[str, Any], changes: Mapping[str, object]) -> dict[str, Any]:
    """Return settings["limits"] with changes: a number, "unlimited", or "plan" for what the plan says."""
    read_limits(settings.get("limits", {}))
    changed = dict(settings.get("limits", {}))
    for meter, value in changes.items():
        limit = read_limit(meter, None if value == AS_PLANNED else value, field=f"limits.{meter}")
        if value == AS_PLANNED:
            changed.pop(meter, None)
        else:
            changed[meter] = spelled(limit)
    return changed


def spelled(limit: Limit) -> int | str:
    """Return a limit as JSON and people spell it."""
    if limit is None:
        return UNLIMITED
    return limit if isinstance(limit, int) else f"{limit.normalize():f}"


def planned(tier: str, own: Mapping[str, Any], meter: str) -> Limit:
    """Return the limit of a meter that plan and own limits give."""
    return read_limits(own)[meter] if meter in own else plan_of(tier).limits[meter]
