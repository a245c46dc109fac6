"""Counters that never exceed their limit, and the costs of model calls."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

import pytest
from sqlalchemy import func, select, text

from factories.people import People
from procur.core.errors import InvalidInput, NotAllowed
from procur.core.plans import PLANS
from procur.db import DatabaseSession, Session
from procur.db.models import LlmCall, SubscriptionTier, UsageCounter
from procur.db.repositories import LlmCallRepository, OrganizationRepository, UsageRepository

T = TypeVar("T")
SPENDER = """
import sys
from procur.db import DatabaseSession
from procur.db.repositories import UsageRepository
database = DatabaseSession(sys.argv[1])
done = 0
for _ in range(30):
    with database.get_session() as session:
        done += UsageRepository(session).spend("analyses", limit=70).allowed
print(done)
database.close()
"""


@dataclass
class Watch:
    """A clock that stands until it is set."""

    time: datetime = datetime(2026, 11, 21, 9, 30, 15, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def today(self) -> date:
        return self.time.date()


@pytest.fixture
def counters(session: Session) -> UsageRepository:
    return UsageRepository(session)


def _together(work: Callable[[int], T], workers: int = 8) -> list[T]:
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, range(workers)))


def test_two_hundred_at_once_are_two_hundred(database: DatabaseSession) -> None:
    # T-1: read-modify-write counted 32 of 200.
    def spend(_: int) -> None:
        for _number in range(25):
            with database.get_session() as session:
                assert UsageRepository(session).spend("api_requests").allowed

    _together(spend)
    with database.get_session() as session:
        assert UsageRepository(session).used("api_requests") == 200


@pytest.mark.parametrize("amount", [1, 3])
def test_a_limit_gives_exactly_what_it_says(database: DatabaseSession, amount: int) -> None:
    def spend(_: int) -> int:
        done = 0
        for _number in range(10):
            with database.get_session() as session:
                done += UsageRepository(session).spend("reports", amount, limit=50).allowed
        return done

    assert sum(_together(spend)) == 50 // amount
    with database.get_session() as session:
        assert UsageRepository(session).used("reports") == 50 // amount * amount


def test_several_processes_count_together(database: DatabaseSession) -> None:
    command = [sys.executable, "-c", SPENDER, database.config.database_url]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)
    ]
    told = [process.communicate() for process in running]
    assert [error for _, error in told] == [""] * 3
    assert sum(int(out) for out, _ in told) == 70
    with database.get_session() as session:
        assert UsageRepository(session).used("analyses") == 70
        assert OrganizationRepository(session).own().monthly_analysis_count == 70


def test_what_is_rolled_back_was_not_spent(database: DatabaseSession) -> None:
    with pytest.raises(ZeroDivisionError), database.get_session() as session:  # noqa: PT012 - the rollback is meant
        UsageRepository(session).spend("analyses", 5)
        raise ZeroDivisionError
    with database.get_session() as session:
        assert UsageRepository(session).used("analyses") == 0


def test_a_first_spend_beyond_the_limit_leaves_no_row(counters: UsageRepository, session: Session) -> None:
    told = counters.spend("reports", 11, limit=10)
    assert (told.allowed, told.used, told.limit) == (False, 0, 10)
    assert session.scalar(select(func.count()).select_from(UsageCounter)) == 0
    assert not counters.spend("reports", limit=0).allowed
    assert session.scalar(select(func.count()).select_from(UsageCounter)) == 0
    assert counters.spend("reports", 10, limit=10).used == 10
    told = counters.spend("reports", 1, limit=10)
    assert (told.allowed, told.used) == (False, 10)
    assert not counters.spend("reports", 1, limit=5).allowed
    assert counters.spend("reports", 1, limit=11).used == 11


def test_what_is_given_back_never_goes_below_nothing(counters: UsageRepository) -> None:
    assert counters.refund("reports", 3) == 0
    counters.spend("reports", 5)
    assert counters.refund("reports", 3) == 2
    assert counters.refund("reports", 3) == 0
    assert counters.used("reports") == 0


@pytest.mark.parametrize(
    ("period", "name", "resets_at"),
    [
        (None, "2026-11", datetime(2026, 12, 1, tzinfo=UTC)),
        ("month", "2026-11", datetime(2026, 12, 1, tzinfo=UTC)),
        ("day", "2026-11-21", datetime(2026, 11, 22, tzinfo=UTC)),
        ("minute", "2026-11-21T09:30", datetime(2026, 11, 21, 9, 31, tzinfo=UTC)),
        ("2026-12", "2026-12", datetime(2027, 1, 1, tzinfo=UTC)),
        ("total", "total", None),
    ],
)
def test_the_period_is_the_sessions_clocks(
    database: DatabaseSession, period: str | None, name: str, resets_at: datetime | None
) -> None:
    with database.get_session(clock=Watch()) as session:
        counters = UsageRepository(session)
        told = counters.spend("reports", 2, period=period)
        assert (told.used, told.resets_at) == (2, resets_at)
        assert session.scalar(select(UsageCounter.period)) == name
        assert counters.used("reports", name) == counters.used("reports", period) == 2
        assert counters.meters(name) == {"reports": 2}


def test_a_month_ends_in_utc_and_every_month_starts_anew(database: DatabaseSession) -> None:
    east = datetime.fromisoformat("2026-12-01T01:30:00+02:00")  # November still, in UTC
    watch = Watch(east)
    with database.get_session(clock=watch) as session:
        counters = UsageRepository(session)
        assert counters.spend("reports", 10, limit=10).allowed
        assert not counters.spend("reports", limit=10).allowed
        watch.time = east + timedelta(hours=1)
        assert counters.spend("reports", limit=10).used == 1
        assert (counters.meters("2026-11"), counters.meters("2026-12")) == ({"reports": 10}, {"reports": 1})


def test_meters_have_periods_of_their_own(database: DatabaseSession) -> None:
    with database.get_session(clock=Watch()) as session:
        counters = UsageRepository(session)
        for meter in ("analyses", "requests_per_minute", "api_keys", "something_else"):
            counters.spend(meter)
        rows = session.execute(select(UsageCounter.meter, UsageCounter.period)).all()
    assert {row.meter: row.period for row in rows} == {
        "analyses": "2026-11",
        "requests_per_minute": "2026-11-21T09:30",
        "api_keys": "total",
        "something_else": "2026-11",
    }


def test_short_periods_can_be_forgotten(database: DatabaseSession) -> None:
    watch = Watch()
    with database.get_session(clock=watch) as session:
        counters = UsageRepository(session)
        for period in ("minute", "day", "month", "total"):
            counters.spend("reports", period=period)
        assert counters.forget_before(watch.time) == 0
        assert counters.forget_before(watch.time + timedelta(days=1)) == 2
        assert sorted(session.scalars(select(UsageCounter.period))) == ["2026-11", "total"]


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda c: c.spend("reports", 0), "amount"),
        (lambda c: c.spend("reports", -1), "amount"),
        (lambda c: c.spend("reports", True), "amount"),
        (lambda c: c.spend("reports", 1.5), "amount"),
        (lambda c: c.spend("reports", 1 << 62), "amount"),
        (lambda c: c.spend("reports", limit=-1), "limit"),
        (lambda c: c.spend("reports", limit=1 << 63), "limit"),
        (lambda c: c.refund("reports", 0), "amount"),
        (lambda c: c.spend(""), "meter"),
        (lambda c: c.spend("x" * 65), "meter"),
        (lambda c: c.spend("a\x00"), "meter"),
        (lambda c: c.spend(5), "meter"),
        (lambda c: c.spend("reports", period="2026-13"), "period"),
        (lambda c: c.spend("reports", period="2026-1"), "period"),
        (lambda c: c.used("reports", "9999-12"), "period"),
        (lambda c: c.meters("yesterday"), "period"),
    ],
)
def test_unfit_input_is_refused_by_name(
    counters: UsageRepository, session: Session, call: Callable[[UsageRepository], object], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        call(counters)
    assert caught.value.field == field
    assert session.scalar(select(func.count()).select_from(UsageCounter)) == 0


def test_a_counter_never_overflows_into_a_float(counters: UsageRepository, session: Session) -> None:
    largest = (1 << 62) - 1
    assert counters.spend("reports", largest).used == largest
    told = counters.spend("reports", largest)
    assert (told.allowed, told.used) == (False, largest)
    assert session.scalar(select(UsageCounter.used)) == largest


def test_counters_are_ones_own(database: DatabaseSession, people: People) -> None:
    with database.get_session("acme") as session:
        UsageRepository(session).spend("reports", 5)
    with database.get_session("rival") as session:
        counters = UsageRepository(session)
        assert (counters.used("reports"), counters.meters()) == (0, {})
        counters.refund("reports", 5)
        counters.reset("reports")
        counters.forget_before(datetime(2090, 1, 1, tzinfo=UTC))
        assert counters.spend("reports", 10, limit=10).used == 10
    with database.system_session() as session:
        with pytest.raises(InvalidInput):
            UsageRepository(session)
        assert session.execute(text("SELECT sum(used) FROM usage_counters")).scalar() == 15


# -- the documented allowance of analyses ------------------------------------------------------------------


def test_every_tier_has_its_own_limit(database: DatabaseSession) -> None:
    # T-4: all four tiers had 100.
    with database.system_session() as session:
        organizations = OrganizationRepository(session)
        made = {tier: organizations.create(tier.title(), tier.value, tier) for tier in SubscriptionTier}
        limits = [made[tier].monthly_analysis_limit for tier in SubscriptionTier]
        assert limits == sorted(set(limits))
        assert limits[:3] == [PLANS[tier].limits["analyses"] for tier in ("free", "basic", "pro")]
        assert (
            organizations.create(name="Own", slug="own", monthly_analysis_limit=7).monthly_analysis_limit == 7
        )
        for tier in SubscriptionTier:
            assert organizations.can_analyze(made[tier].id)
        assert organizations.update_usage(made[SubscriptionTier.ENTERPRISE].id, 1_000_000)


def test_a_new_month_needs_no_reset(database: DatabaseSession, people: People) -> None:
    watch = Watch()
    key = people.organization_id
    with database.get_session("acme", clock=watch) as session:
        organizations = OrganizationRepository(session)
        company = organizations.update(key, monthly_analysis_limit=3)
        assert organizations.update_usage(key, increment=3)
        assert not organizations.update_usage(key)
        assert not organizations.can_analyze(key)
        assert company.monthly_analysis_count == 3
        watch.time += timedelta(days=30)
        assert organizations.can_analyze(key)
        assert organizations.update_usage(key)
        assert company.monthly_analysis_count == UsageRepository(session).used("analyses") == 1


def test_the_count_follows_the_counter(database: DatabaseSession, people: People) -> None:
    key = people.organization_id
    with database.get_session("acme") as session:
        organizations, counters = OrganizationRepository(session), UsageRepository(session)
        company = organizations.own()
        counters.spend("analyses", 5)
        assert company.monthly_analysis_count == 5
        counters.refund("analyses", 2)
        assert company.monthly_analysis_count == 3
        counters.spend("analyses", 50, period="2020-01")
        counters.spend("reports", 50)
        assert company.monthly_analysis_count == 3
        assert organizations.reset_monthly_usage(key)
        assert (company.monthly_analysis_count, counters.used("analyses")) == (0, 0)
        with pytest.raises(InvalidInput):
            organizations.update_usage(key, increment=0)
        organizations.update(key, is_active=False)
        assert not organizations.update_usage(key)
        assert not organizations.can_analyze(key)


# -- model calls --------------------------------------------------------------------------------------------


def test_costs_are_summed_exactly(session: Session) -> None:
    calls = LlmCallRepository(session)
    for _ in range(3):
        calls.record(
            "filter",
            "small",
            tokens_in=900,
            tokens_out=60,
            cost=0.00036,
            subject_type="tender",
            subject_id="t",
        )
    calls.record("bid", "large", tokens_in=5_000, tokens_out=2_000, cost="0.0000000001", latency_ms=4100)
    calls.record("bid", "large", tokens_in=1, tokens_out=1, cost=9, currency="EUR")
    assert calls.cost_of("tender", "t") == Decimal("0.00108")
    assert calls.cost_of("tender", "other") == calls.cost_of("report", "t") == 0
    by_model = calls.cost_by_model()
    assert list(by_model) == ["large", "small"]
    assert (by_model["small"].calls, by_model["small"].tokens_in, by_model["small"].cost) == (
        3,
        2700,
        Decimal("0.00108"),
    )
    assert by_model["large"].cost == Decimal("0.0000000001")
    assert calls.cost_by_model(currency="EUR")["large"].cost == 9


def test_costs_are_told_by_time(database: DatabaseSession) -> None:
    watch = Watch()
    start = watch.time
    with database.get_session(clock=watch) as session:
        calls = LlmCallRepository(session)
        for _ in range(4):
            calls.record("filter", "small", tokens_in=1, tokens_out=1, cost="0.1")
            watch.time += timedelta(hours=1)
        hour = timedelta(hours=1)
        assert calls.cost_between(start + hour, start + 3 * hour) == Decimal("0.2")
        assert calls.cost_between(start - hour, start) == 0
        assert calls.cost_by_model(since=start + hour)["small"].calls == 3
        with pytest.raises(InvalidInput) as caught:
            calls.cost_between(start.replace(tzinfo=None), start)
        assert caught.value.field == "since"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"cost": -1}, "cost"),
        ({"cost": "0.00000000001"}, "cost"),
        ({"cost": float("nan")}, "cost"),
        ({"tokens_in": -1}, "tokens_in"),
        ({"tokens_out": 1 << 63}, "tokens_out"),
        ({"latency_ms": -1}, "latency_ms"),
        ({"currency": "XXY"}, "currency"),
        ({"subject_type": "tender"}, "subject_id"),
        ({"model": "m" * 101}, "model"),
    ],
)
def test_unfit_calls_are_refused_by_name(session: Session, values: dict[str, object], field: str) -> None:
    plain = {"purpose": "filter", "model": "small", "tokens_in": 1, "tokens_out": 1, "cost": 1}
    with pytest.raises(InvalidInput) as caught, session.begin_nested():
        LlmCallRepository(session).record(**{**plain, **values})  # type: ignore[arg-type]
    assert caught.value.field == field
    assert LlmCallRepository(session).count() == 0


def test_what_a_call_cost_is_never_rewritten(session: Session) -> None:
    calls = LlmCallRepository(session)
    made = calls.record("filter", "small", tokens_in=1, tokens_out=1, cost=1)
    attempts: list[Callable[[], object]] = [
        lambda: calls.update(made.id, cost=0),
        lambda: calls.delete(made.id),
        lambda: session.execute(text("UPDATE llm_calls SET cost = 0")),
        lambda: session.execute(text("DELETE FROM llm_calls")),
    ]
    for attempt in attempts:
        with pytest.raises(NotAllowed), session.begin_nested():
            attempt()
    session.expire_all()
    assert session.scalar(select(func.sum(LlmCall.cost))) == 1
