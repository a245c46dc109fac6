from random import Random

from procur.core.backoff import pause_after, wait_before
from procur.jobs.pace import Pace


def test_threads_without_work_are_filled_and_busy_ones_are_not() -> None:
    pace = Pace(4)
    assert pace.room(0, 0, 0) == 4
    assert pace.room(0, 3, 0) == 1
    assert pace.room(0, 4, 0) == 0
    assert pace.room(2, 4, 0) == 0


def test_fast_work_is_claimed_ahead_until_it_has_to_wait() -> None:
    pace = Pace(2)
    pace._rate = 1000.0
    assert pace.room(0, 2, 0) > 50
    pace.slow_down()
    assert pace.room(0, 2, 0) == 0


def test_waits_grow_are_spread_and_have_a_limit() -> None:
    random = Random(1)
    waits = [[wait_before(attempt, random=random) for _ in range(200)] for attempt in (1, 3, 6, 10, 10**9)]
    assert all(max(one) <= limit for one, limit in zip(waits, (2, 8, 64, 600, 600), strict=True))
    assert all(min(one) < max(one) / 10 for one in waits)
    assert max(waits[-1]) > 500


def test_who_fails_for_hours_rests_no_longer_and_goes_on() -> None:
    rests = [pause_after(failures, first=0.1, longest=5.0) for failures in (1, 2, 3, 7, 1025, 10**9)]
    assert rests == [0.1, 0.2, 0.4, 5.0, 5.0, 5.0]
