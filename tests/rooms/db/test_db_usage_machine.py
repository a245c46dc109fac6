"""Spending, giving back and limits against a plain-Python model, through months, rollbacks and meters."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from factories.people import People
from procur.db import DatabaseSession
from procur.db.repositories import OrganizationRepository, UsageRepository

METERS = st.sampled_from(["analyses", "reports", "api_keys"])
AMOUNTS = st.integers(min_value=1, max_value=12)
LIMITS = st.none() | st.integers(min_value=0, max_value=30)


class Clock:
    """Stands still until the machine moves it."""

    time = datetime(2026, 11, 30, 23, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def today(self) -> date:
        return self.time.date()


class Spending(RuleBasedStateMachine):
    """Every rule is a transaction of its own; the database starts empty for each example."""

    database: DatabaseSession

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.model: Counter[tuple[str, str]] = Counter()
        self.copied = 0  # organizations.monthly_analysis_count
        with self.database.system_session() as session:
            session.execute("DELETE FROM usage_counters")
            session.execute("UPDATE organizations SET monthly_analysis_count = 0")

    def _key(self, meter: str) -> tuple[str, str]:
        return meter, "total" if meter == "api_keys" else f"{self.clock.time:%Y-%m}"

    def _set(self, meter: str, used: int) -> None:
        self.model[self._key(meter)] = used
        if meter == "analyses":
            self.copied = used

    @rule(meter=METERS, amount=AMOUNTS, limit=LIMITS, committed=st.booleans())
    def spend(self, meter: str, amount: int, limit: int | None, *, committed: bool) -> None:
        before = self.model[self._key(meter)]
        fits = limit is None or before + amount <= limit
        with self.database.get_session("acme", clock=self.clock) as session:
            told = UsageRepository(session).spend(meter, amount, limit=limit)
            assert told.allowed == fits
            assert told.used == (before + amount if fits else before)
            assert (told.resets_at is None) == (meter == "api_keys")
            if not committed:
                session.rollback()
        if fits and committed:
            self._set(meter, before + amount)

    @rule(meter=METERS, amount=AMOUNTS)
    def refund(self, meter: str, amount: int) -> None:
        left = max(self.model[self._key(meter)] - amount, 0)
        with self.database.get_session("acme", clock=self.clock) as session:
            assert UsageRepository(session).refund(meter, amount) == left
        self._set(meter, left)

    @rule(amount=AMOUNTS, limit=st.integers(min_value=0, max_value=30))
    def update_usage(self, amount: int, limit: int) -> None:
        before = self.model[self._key("analyses")]
        with self.database.get_session("acme", clock=self.clock) as session:
            organizations = OrganizationRepository(session)
            key = organizations.own().id
            organizations.update(key, monthly_analysis_limit=limit)
            assert organizations.can_analyze(key) == (before < limit)
            assert organizations.update_usage(key, amount) == (before + amount <= limit)
        if before + amount <= limit:
            self._set("analyses", before + amount)

    @rule()
    def reset(self) -> None:
        with self.database.get_session("acme", clock=self.clock) as session:
            organizations = OrganizationRepository(session)
            assert organizations.reset_monthly_usage(organizations.own().id)
        self._set("analyses", 0)

    @precondition(lambda self: self.clock.time.year < 2030)
    @rule(hours=st.sampled_from([1, 24, 24 * 31]))
    def wait(self, hours: int) -> None:
        self.clock.time += timedelta(hours=hours)

    @invariant()
    def the_database_says_the_same(self) -> None:
        with self.database.get_session("acme", clock=self.clock, read_only=True) as session:
            counters = UsageRepository(session)
            told = {
                (meter, period): used
                for period in {f"{self.clock.time:%Y-%m}", *(period for _, period in self.model)}
                for meter, used in counters.meters(period).items()
            }
            assert +Counter(told) == +self.model
            assert OrganizationRepository(session).own().monthly_analysis_count == self.copied
        with self.database.get_session("rival", clock=self.clock, read_only=True) as session:
            assert UsageRepository(session).meters() == {}


def test_counters_agree_with_a_plain_model(database: DatabaseSession, people: People) -> None:
    machine = type("Spending", (Spending,), {"database": database})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=12, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
