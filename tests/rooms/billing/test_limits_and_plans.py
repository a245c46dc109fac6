"""What a plan allows is spent and told; whoever may, changes the plan."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from factories.people import People
from procur.billing.service import (
    plans_report,
    refund,
    require_model_budget,
    set_plan,
    spend,
    usage_report,
)
from procur.core.actor import Actor
from procur.core.errors import InvalidInput, LimitReached, NotAllowed
from procur.core.plans import PLANS
from procur.db import DatabaseSession, Session
from procur.db.repositories import (
    ApiKeyRepository,
    AuditRepository,
    EventRepository,
    LlmCallRepository,
    OrganizationRepository,
    UsageRepository,
    UserRepository,
)

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


@dataclass
class Standing:
    """A clock that stands."""

    def now(self) -> datetime:
        return NOW

    def today(self) -> date:
        return NOW.date()


@pytest.fixture
def owner(people: People) -> Actor:
    return Actor(people.organization_id, "user", "olga@acme.example", "Olga", "owner")


@pytest.fixture(autouse=True)
def standing(session: Session) -> None:
    session.info["clock"] = Standing()


def line(session: Session, meter: str) -> dict[str, Any]:
    return next(each for each in usage_report(session)["meters"] if each["meter"] == meter)


def test_the_plan_is_spent_to_its_limit(session: Session, owner: Actor) -> None:
    assert spend(session, owner, "reports", 8).used == 8
    assert spend(session, None, "reports", 2).used == 10
    with pytest.raises(LimitReached) as caught:
        spend(session, owner, "reports")
    error = caught.value
    assert (error.status, error.code) == (429, "limit_reached")
    assert error.details == {
        "meter": "reports",
        "used": 10,
        "limit": 10,
        "resets_at": "2026-12-01T00:00:00+00:00",
    }
    assert "2026-12-01" in str(error.hint)
    assert refund(session, owner, "reports") == 9
    assert spend(session, owner, "reports").used == 10


def test_no_more_than_the_plan_allows_is_spent_by_many_at_once(
    database: DatabaseSession, people: People
) -> None:
    def work(_: int) -> int:
        done = 0
        for _number in range(5):
            try:
                with database.get_session("acme") as session:
                    spend(session, None, "reports")
                    done += 1
            except LimitReached:
                continue
        return done

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(4))) == PLANS["free"].limits["reports"]


def test_analyses_have_one_limit_by_whatever_name(session: Session, owner: Actor) -> None:
    organizations = OrganizationRepository(session)
    key = owner.organization_id
    assert line(session, "analyses")["limit"] == PLANS["free"].limits["analyses"]
    organizations.update(key, monthly_analysis_limit=2)
    spend(session, owner, "analyses")
    assert organizations.update_usage(key)
    with pytest.raises(LimitReached):
        spend(session, owner, "analyses")
    assert not organizations.update_usage(key)
    set_plan(session, owner, "free", now=NOW, limits={"seats": 9})
    assert line(session, "analyses")["limit"] == 2
    set_plan(session, owner, "enterprise", now=NOW)
    assert line(session, "analyses")["limit"] is None
    assert organizations.update_usage(key, 1_000_000)
    set_plan(session, owner, "pro", now=NOW, limits={"analyses": 3})
    assert organizations.own().monthly_analysis_limit == 3
    set_plan(session, owner, "basic", now=NOW)
    assert organizations.own().monthly_analysis_limit == 3
    set_plan(session, owner, "basic", now=NOW, limits={"analyses": "plan"})
    assert organizations.own().monthly_analysis_limit == PLANS["basic"].limits["analyses"]


@pytest.mark.parametrize(
    ("used", "percent", "warning"),
    [
        (0, 0.0, None),
        (79, 79.0, None),
        (80, 80.0, "nearly used up"),
        (99, 99.0, "nearly used up"),
        (100, 100.0, "nothing is left"),
    ],
)
def test_a_warning_comes_at_eighty_percent(
    session: Session, used: int, percent: float, warning: str | None
) -> None:
    if used:
        spend(session, None, "analyses", used)
    told = line(session, "analyses")
    assert (told["used"], told["limit"], told["percent"], told["warning"]) == (used, 100, percent, warning)
    assert told["resets_at"] == datetime(2026, 12, 1, tzinfo=UTC)


def test_what_is_there_is_counted(session: Session, people: People) -> None:
    users = UserRepository(session)
    users.create(email="seller@boards.example", hashed_password="x", role="vendor")
    users.update(people.bob.id, is_active=False)
    assert line(session, "seats")["used"] == 1
    assert line(session, "api_keys")["used"] == ApiKeyRepository(session).count(revoked_at=None) == 0
    for meter in ("seats", "api_keys", "model_cost", "chairs"):
        with pytest.raises(InvalidInput) as caught:
            spend(session, None, meter)
        assert caught.value.field == "meter"


def test_the_models_have_a_budget(session: Session, owner: Actor) -> None:
    calls = LlmCallRepository(session)
    assert require_model_budget(session) == 5
    calls.record("bid", "large", tokens_in=1, tokens_out=1, cost="4.9999999999")
    assert require_model_budget(session) == Decimal("0.0000000001")
    assert line(session, "model_cost")["used"] == "4.9999999999"
    calls.record("bid", "large", tokens_in=1, tokens_out=1, cost="0.0000000001")
    with pytest.raises(LimitReached) as caught:
        require_model_budget(session)
    assert caught.value.details["used"] == "5"
    set_plan(session, owner, "free", now=NOW, limits={"model_cost": "unlimited"})
    assert require_model_budget(session) is None
    set_plan(session, owner, "free", now=NOW, limits={"model_cost": "0"})
    assert line(session, "model_cost")["percent"] == 100.0


def test_changing_the_plan_is_recorded(session: Session, owner: Actor) -> None:
    company = set_plan(session, owner, "pro", now=NOW, limits={"seats": 7})
    assert (company.subscription_tier, company.settings["limits"]) == ("pro", {"seats": 7})
    told = plans_report(session)
    assert (told["name"], told["own_limits"], told["limits"]["seats"]) == ("Pro", {"seats": 7}, 7)
    entry = AuditRepository(session).get_logs_by_type("plan_changed")[0]
    assert entry.changes == {"plan": ["free", "pro"], "limits": [{}, {"seats": 7}]}
    assert EventRepository(session).find(type="PlanChanged").payload == {  # type: ignore[union-attr]
        "slug": "acme",
        "plan": "pro",
        "limits": {"seats": 7},
    }


@pytest.mark.parametrize("role", ["approver", "buyer", "member", "viewer", "vendor", "agent", "system"])
def test_only_owner_and_admin_change_the_plan(session: Session, people: People, role: str) -> None:
    person = Actor(people.organization_id, "user", "x@acme.example", "X", role)
    with pytest.raises(NotAllowed):
        set_plan(session, person, "enterprise", now=NOW)
    assert OrganizationRepository(session).own().subscription_tier == "free"


def test_somebody_of_another_organisation_uses_and_changes_nothing(session: Session, people: People) -> None:
    stranger = Actor(people.other_organization_id, "user", "c@rival.example", "Charlie", "owner")
    for attempt in (
        lambda: spend(session, stranger, "reports"),
        lambda: refund(session, stranger, "reports"),
        lambda: set_plan(session, stranger, "pro", now=NOW),
    ):
        with pytest.raises(NotAllowed):
            attempt()
    assert UsageRepository(session).meters() == {}


@pytest.mark.parametrize(
    ("limits", "field"),
    [
        ({"chairs": 1}, "limits.chairs"),
        ({"seats": -1}, "limits.seats"),
        ({"seats": "lots"}, "limits.seats"),
        ({"analyses": 1 << 40}, "limits.analyses"),
    ],
)
def test_unfit_limits_change_nothing(
    session: Session, owner: Actor, limits: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        set_plan(session, owner, "pro", now=NOW, limits=limits)
    assert caught.value.field == field
    with pytest.raises(InvalidInput):
        set_plan(session, owner, "gold", now=NOW)
    assert OrganizationRepository(session).own().subscription_tier == "free"


@pytest.mark.parametrize("limits", [["seats"], {"seats": "x"}, {"chairs": 5}])
def test_settings_written_by_hand_are_checked_too(session: Session, limits: object) -> None:
    company = OrganizationRepository(session).own()
    company.settings["limits"] = limits
    session.flush()
    with pytest.raises(InvalidInput) as caught:
        spend(session, None, "reports")
    assert str(caught.value.field).startswith("settings.limits")
