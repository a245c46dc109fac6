from datetime import UTC, datetime, timedelta

import pytest

from procur.core.clock import SteppingClock
from procur.core.ids import seeded_ids, uuid7


def test_uuid7_is_version_7_and_in_order_of_time():
    early, late = uuid7(unix_ms=1_000, random_bits=(1 << 74) - 1), uuid7(unix_ms=1_001, random_bits=0)
    assert (early.version, late.version) == (7, 7)
    assert early.variant == "specified in RFC 4122"
    assert early < late


def test_the_same_seed_gives_the_same_ids():
    first, second = seeded_ids(7, 1000), seeded_ids(7, 1000)
    assert [first() for _ in range(5)] == [second() for _ in range(5)]
    assert seeded_ids(8, 1000)() != seeded_ids(7, 1000)()


def test_a_stepping_clock_moves_only_when_it_is_read():
    start = datetime(2026, 1, 5, 9, tzinfo=UTC)
    clock = SteppingClock(start, timedelta(seconds=1))
    assert clock.now() == start
    assert clock.now() == start + timedelta(seconds=1)
    assert clock.today() == start.date()


def test_a_clock_without_a_time_zone_is_refused():
    with pytest.raises(ValueError, match="timezone"):
        SteppingClock(datetime(2026, 1, 5))  # noqa: DTZ001 - that is the point
