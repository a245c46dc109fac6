"""Periods of time by name, in UTC: "2026-11-21T09:30" (a minute), "2026-11-21", "2026-11", "total"."""

from datetime import MAXYEAR, UTC, datetime, timedelta

from procur.core.errors import InvalidInput

_FORMATS = {"minute": "%Y-%m-%dT%H:%M", "day": "%Y-%m-%d", "month": "%Y-%m"}
_LENGTHS = {"minute": timedelta(minutes=1), "day": timedelta(days=1), "month": timedelta(days=31)}


def period_at(moment: datetime, kind: str) -> str:
    """Return the name of the minute, day or month of a moment; "total", or a period's own name, stays."""
    if kind in _FORMATS:
        return moment.astimezone(UTC).strftime(_FORMATS[kind])
    if kind != "total":
        _start(kind)
    return kind


def resets_at(period: str) -> datetime | None:
    """Return when a period is over, None for "total", which never is."""
    return None if period == "total" else ends_at(period)


def ends_at(period: str) -> datetime:
    """Return the first moment after a minute, day or month."""
    kind, start = _start(period)
    end = start + _LENGTHS[kind]
    return end.replace(day=1) if kind == "month" else end


def starts_at(period: str) -> datetime:
    """Return the first moment of a minute, day or month."""
    return _start(period)[1]


def _start(period: str) -> tuple[str, datetime]:
    for kind, form in _FORMATS.items():
        try:
            start = datetime.strptime(period, form).replace(tzinfo=UTC)
        except (ValueError, TypeError):
            continue
        # strptime takes "2026-1" too, which would be another key; the last year has no next one.
        if start.strftime(form) == period and start.year < MAXYEAR:
            return kind, start
    raise InvalidInput(
        f"{str(period)[:40]!r} is no period",
        field="period",
        hint='minute, day, month, total, or one such as "2026-11"',
    )
