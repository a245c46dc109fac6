"""The catalogue of plans, limits as data spells them, and periods of time by name."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procur.core.errors import InvalidInput
from procur.core.periods import ends_at, period_at, resets_at, starts_at
from procur.core.plans import METERS, PLANS, analysis_column, analysis_limit, plan_of, read_limit

MOMENTS = st.datetimes(
    min_value=datetime(1000, 1, 2),  # noqa: DTZ001 - the strategy adds the zone
    max_value=datetime(9998, 12, 30),  # noqa: DTZ001
    timezones=st.integers(-12, 14).map(lambda hours: timezone(timedelta(hours=hours))),
)


def test_every_plan_limits_every_meter_and_a_dearer_one_never_less():
    assert list(PLANS) == ["free", "basic", "pro", "enterprise"]
    for meter in METERS:
        limits = [plan.limits[meter] for plan in PLANS.values()]
        known = [float("inf") if limit is None else float(limit) for limit in limits]
        assert known == sorted(known), meter
    assert len({plan.limits["analyses"] for plan in PLANS.values()}) == 4
    with pytest.raises(InvalidInput) as caught:
        plan_of("gold")
    assert caught.value.field == "subscription_tier"


@pytest.mark.parametrize(
    ("meter", "value", "limit"),
    [
        ("seats", 5, 5),
        ("seats", "5", 5),
        ("seats", 5.0, 5),
        ("seats", 0, 0),
        ("seats", "unlimited", None),
        ("seats", None, None),
        ("model_cost", "7.5", Decimal("7.5")),
        ("model_cost", 0.1, Decimal("0.1")),
    ],
)
def test_limits_are_read(meter, value, limit):
    assert read_limit(meter, value) == limit


@pytest.mark.parametrize("value", [-1, 1.5, "many", True, 3_000_000_000, float("nan"), "NaN", [1]])
def test_unfit_limits_are_refused_by_name(value):
    with pytest.raises(InvalidInput) as caught:
        read_limit("seats", value, field="settings.limits.seats")
    assert caught.value.field == "settings.limits.seats"
    with pytest.raises(InvalidInput):
        read_limit("chairs", 1)


@given(limit=st.none() | st.integers(min_value=0, max_value=2_000_000_000))
def test_the_column_of_analyses_means_the_limit(limit):
    assert analysis_limit(analysis_column(limit)) == limit
    assert 0 <= analysis_column(limit) < 1 << 31


@given(moment=MOMENTS, kind=st.sampled_from(["minute", "day", "month"]))
def test_a_moment_lies_in_its_period(moment, kind):
    period = period_at(moment, kind)
    assert starts_at(period) <= moment < ends_at(period)
    assert period_at(starts_at(period), kind) == period
    assert period_at(ends_at(period), kind) > period
    assert period_at(moment, period) == period


def test_the_total_never_ends():
    assert period_at(datetime(2026, 1, 1, tzinfo=UTC), "total") == "total"
    assert resets_at("total") is None
    assert resets_at("2026-12") == datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "period", ["", "2026", "2026-1", "2026-13", "2026-02-30", "26-01", "9999-12", "week"]
)
def test_other_names_are_no_periods(period):
    with pytest.raises(InvalidInput) as caught:
        ends_at(period)
    assert caught.value.field == "period"
