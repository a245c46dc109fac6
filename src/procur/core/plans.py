"""What can be limited, and what each plan includes: read from data/plans.toml, the same for every room."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files
from typing import Any

from procur.core.errors import InvalidInput
from procur.core.money import decimal

Limit = int | Decimal | None  # None: unlimited
UNLIMITED = "unlimited"
LARGEST_LIMIT = 2_000_000_000
# organizations.monthly_analysis_limit takes no NULL: its largest value says "unlimited".
_UNLIMITED_ANALYSES = (1 << 31) - 1


@dataclass(frozen=True, slots=True)
class Meter:
    """What plans limit, and how often it starts anew: every "minute", "day", "month" or never ("total")."""

    name: str
    period: str
    meaning: str


METERS = {
    meter.name: meter
    for meter in (
        Meter("analyses", "month", "tenders analysed"),
        Meter("reports", "month", "export reports"),
        Meter("api_requests", "month", "requests to the API"),
        Meter("requests_per_minute", "minute", "requests to the API in this minute"),
        Meter("api_keys", "total", "API keys in use"),
        Meter("seats", "total", "active people, those of vendors not counted"),
        Meter("model_cost", "month", "US dollars spent on models"),
    )
}


@dataclass(frozen=True, slots=True)
class Plan:
    """A tier and its limit of every meter."""

    tier: str
    name: str
    limits: Mapping[str, Limit]


def plan_of(tier: str) -> Plan:
    """Return the plan of a tier."""
    if tier not in PLANS:
        raise InvalidInput(f"subscription_tier must be one of {', '.join(PLANS)}", field="subscription_tier")
    return PLANS[tier]


def read_limit(meter: str, value: object, *, field: str | None = None) -> Limit:
    """Return a limit as data spells it: a whole number, US dollars for model_cost, "unlimited" or None."""
    field = field or meter
    if meter not in METERS:
        raise InvalidInput(f"there is no meter {meter[:40]!r}", field=field, hint=", ".join(METERS))
    if value is None or value == UNLIMITED:
        return None
    number = decimal(repr(value) if isinstance(value, float) else value, field=field)
    if not 0 <= number <= LARGEST_LIMIT:
        raise InvalidInput(f"{field} must be from 0 to {LARGEST_LIMIT}, or {UNLIMITED}", field=field)
    if meter == "model_cost":
        return number
    if number != number.to_integral_value():
        raise InvalidInput(f"{field} must be a whole number, not {number}", field=field)
    return int(number)


def analysis_column(limit: Limit) -> int:
    """Return a limit of analyses as organizations.monthly_analysis_limit holds it."""
    return _UNLIMITED_ANALYSES if limit is None else int(limit)


def analysis_limit(column: int) -> int | None:
    """Return the limit that organizations.monthly_analysis_limit means."""
    return None if column == _UNLIMITED_ANALYSES else column


def _plan(tier: str, entry: Mapping[str, Any]) -> Plan:
    unknown = set(entry) - {"name", *METERS}
    if unknown:
        raise InvalidInput(f"the plan {tier} has unknown meters: {', '.join(sorted(unknown))}", field=tier)
    return Plan(
        tier,
        entry["name"],
        {meter: read_limit(meter, entry[meter], field=f"{tier}.{meter}") for meter in METERS},
    )


def _load() -> dict[str, Plan]:
    text = (files("procur.core") / "data" / "plans.toml").read_text(encoding="utf-8")
    return {tier: _plan(tier, entry) for tier, entry in tomllib.loads(text).items()}


PLANS = _load()
