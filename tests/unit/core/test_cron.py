"""Cron lines in their own time zones, over the days on which clocks are changed."""

from datetime import UTC, datetime

import pytest

from procur.core.cron import next_time
from procur.core.errors import InvalidInput


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("cron", "zone", "after", "due"),
    [
        ("0 6 * * 1", "UTC", "2026-11-21T12:00", "2026-11-23T06:00"),
        ("*/15 * * * *", "UTC", "2026-11-21T12:00", "2026-11-21T12:15"),
        ("0 9 1 1 *", "Asia/Tokyo", "2026-11-21T12:00", "2027-01-01T00:00"),
        ("0 0 29 2 *", "UTC", "2026-11-21T12:00", "2028-02-29T00:00"),
        # 2026-03-29: Berlin goes from 02:00 to 03:00. What is due in the gap is due right after it.
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", "2026-03-29T01:00"),
        ("30 2 * * *", "Europe/Berlin", "2026-03-29T01:00", "2026-03-30T00:30"),
        # 2026-10-25: Berlin goes from 03:00 back to 02:00. 02:30 comes twice and is due once.
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", "2026-10-25T00:30"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30", "2026-10-26T01:30"),
        # So also for who looks in between, while the clock shows 02:05 for the second time.
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T01:05", "2026-10-26T01:30"),
        ("30 2,14 * * *", "Europe/Berlin", "2026-10-25T01:05", "2026-10-25T13:30"),
        # Every half hour goes on through both.
        ("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:30", "2026-10-25T01:00"),
        ("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:30", "2026-03-29T01:00"),
    ],
)
def test_the_next_time(cron: str, zone: str, after: str, due: str) -> None:
    assert next_time(cron, zone, at(after)) == at(due)


@pytest.mark.parametrize(
    ("cron", "zone", "field"),
    [
        ("61 * * * *", "UTC", "cron"),
        ("0 0 31 2 *", "UTC", "cron"),
        ("* * * *", "UTC", "cron"),
        ("0 0 * * *", "Mars/Olympus", "timezone"),
        ("0 0 * * *", "../etc/passwd", "timezone"),
        ("0 0 * * *", "", "timezone"),
    ],
)
def test_what_is_never_due_is_refused(cron: str, zone: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        next_time(cron, zone, at("2026-11-21T12:00"))
    assert refused.value.field == field
