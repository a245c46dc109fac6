"""Spend from what the plan allows, tell what is used, change the plan."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from procur.audit.trail import record
from procur.billing.plans import change_limits, limits_of, planned, spelled
from procur.core.actor import PERMISSIONS, Actor
from procur.core.errors import InvalidInput, LimitReached, NotAllowed
from procur.core.periods import ends_at, period_at, resets_at, starts_at
from procur.core.plans import METERS, Limit, analysis_column, plan_of
from procur.db import Session
from procur.db.models import Organization
from procur.db.repositories import (
    ApiKeyRepository,
    LlmCallRepository,
    OrganizationRepository,
    Spent,
    UsageRepository,
    UserRepository,
)
from procur.db.tenancy import clock_of
from procur.events.facts import PlanChanged, UsageNearLimit
from procur.events.outbox import publish

NEAR = Decimal("0.8")  # of a limit: from here on there is a warning
_SEATED = tuple(role for role in PERMISSIONS if role not in {"vendor", "agent", "system"})


def spend(session: Session, actor: Actor | None, meter: str, amount: int = 1) -> Spent:
    """Use an amount of a meter in the caller's transaction; LimitReached, and nothing used, at too much."""
    company = _company(session, actor)
    limit = _limits(company)[_counted(meter)]
    told = UsageRepository(session, company).spend(meter, amount, limit=None if limit is None else int(limit))
    if not told.allowed:
        raise _reached(meter, told.used, limit, told.resets_at)
    if limit is not None and METERS[meter].period == "month":
        _warn(session, company, meter, used=told.used, before=told.used - amount, limit=int(limit))
    return told


def refund(session: Session, actor: Actor | None, meter: str, amount: int = 1) -> int:
    """Give back what was spent in vain; return what is used now."""
    return UsageRepository(session, _company(session, actor)).refund(_counted(meter), amount)


def require_model_budget(session: Session) -> Decimal | None:
    """Return how many US dollars may still go to models this month (None: unlimited); LimitReached at none.

    What a call costs is known after it, so calls that run at the same time may pass the budget together.
    """
    limit = _limits(_company(session, None))["model_cost"]
    if limit is None:
        return None
    month = period_at(clock_of(session).now(), "month")
    used = _model_cost(session, month)
    if used >= limit:
        raise _reached("model_cost", used, limit, ends_at(month))
    return limit - used


def usage_report(session: Session) -> dict[str, Any]:
    """Return for each meter what is used, of which limit, how many percent, and a warning from 80 % on."""
    company, now = _company(session, None), clock_of(session).now()
    used = _used(session, company, now)
    month = period_at(now, "month")
    return {
        "plan": company.subscription_tier,
        "month": month,
        "resets_at": ends_at(month),
        "meters": [_line(name, used[name], limit, now) for name, limit in _limits(company).items()],
    }


def set_plan(
    session: Session,
    actor: Actor,
    tier: str,
    *,
    now: datetime,
    limits: Mapping[str, object] | None = None,
) -> Organization:
    """Put the organisation on a plan; `limits` are its own instead of the plan's ("plan" takes one back)."""
    actor.require("plan.write")
    plan = plan_of(tier)
    company = OrganizationRepository(session).locked(_company(session, actor).id)
    before = {"plan": company.subscription_tier, "limits": dict(company.settings.get("limits", {}))}
    own = change_limits(company.settings, limits or {})
    changes: dict[str, Any] = {
        "subscription_tier": plan.tier,
        "settings": {**company.settings, "limits": own},
    }
    if plan.tier != company.subscription_tier or "analyses" in (limits or {}):
        changes["monthly_analysis_limit"] = analysis_column(planned(plan.tier, own, "analyses"))
    OrganizationRepository(session).update(company.id, **changes)
    record(
        session,
        actor,
        PlanChanged(slug=company.slug, plan=plan.tier, limits=own),
        now=now,
        description=f"{company.name} is on the plan {plan.name}",
        changes={"plan": [before["plan"], plan.tier], "limits": [before["limits"], own]},
        category="system",
    )
    return company


def plans_report(session: Session) -> dict[str, Any]:
    """Return the organisation's plan, its own limits, and the limits that hold."""
    company = _company(session, None)
    return {
        "plan": company.subscription_tier,
        "name": plan_of(company.subscription_tier).name,
        "own_limits": dict(company.settings.get("limits", {})),
        "limits": {meter: spelled(limit) for meter, limit in _limits(company).items()},
    }


def _company(session: Session, actor: Actor | None) -> Organization:
    company = OrganizationRepository(session).own()
    if actor is not None and actor.organization_id != company.id:
        raise NotAllowed("nobody uses what another organisation has paid for")
    return company


def _limits(company: Organization) -> dict[str, Limit]:
    return limits_of(company.subscription_tier, company.settings, company.monthly_analysis_limit)


def _counted(meter: str) -> str:
    """Return the meter if it is one to spend from."""
    if meter not in METERS or METERS[meter].period == "total" or meter == "model_cost":
        counted = [name for name in METERS if METERS[name].period != "total" and name != "model_cost"]
        raise InvalidInput(f"{meter[:40]!r} is not spent", field="meter", hint=", ".join(counted))
    return meter


def _used(session: Session, company: Organization, now: datetime) -> dict[str, int | Decimal]:
    """Return what is used of every meter; of what is there rather than spent, the rows are counted."""
    counters = UsageRepository(session, company)
    counted = {**counters.meters(period_at(now, "month")), **counters.meters(period_at(now, "minute"))}
    return {
        **{name: counted.get(name, 0) for name in METERS},
        "api_keys": ApiKeyRepository(session).count(revoked_at=None),
        "seats": UserRepository(session).count(is_active=True, role=_SEATED),
        "model_cost": _model_cost(session, period_at(now, "month")),
    }


def _model_cost(session: Session, month: str) -> Decimal:
    return LlmCallRepository(session).cost_between(starts_at(month), ends_at(month))


def _line(name: str, used: int | Decimal, limit: Limit, now: datetime) -> dict[str, Any]:
    return {
        "meter": name,
        "meaning": METERS[name].meaning,
        "used": spelled(used),
        "limit": None if limit is None else spelled(limit),
        "percent": None if limit is None else _percent(used, limit),
        "warning": _warning(used, limit),
        "resets_at": resets_at(period_at(now, METERS[name].period)),
    }


def _percent(used: int | Decimal, limit: int | Decimal) -> float:
    return 100.0 if limit == 0 else float(round(Decimal(used) / Decimal(limit) * 100, 1))


def _warn(session: Session, company: Organization, meter: str, *, used: int, before: int, limit: int) -> None:
    """Tell it when a meter passes 80 % of its limit, and when nothing is left."""
    if not any(before < mark <= used for mark in (NEAR * limit, limit)):
        return
    now = clock_of(session).now()
    fact = UsageNearLimit(
        slug=company.slug,
        meter=meter,
        used=str(used),
        limit=str(limit),
        percent=int(_percent(used, limit)),
        period=period_at(now, METERS[meter].period),
    )
    publish(session, fact, actor_type="system", actor_id="procur", now=now)


def _warning(used: int | Decimal, limit: Limit) -> str | None:
    if limit is None or used < NEAR * limit:
        return None
    return "nothing is left" if used >= limit else "nearly used up"


def _reached(meter: str, used: int | Decimal, limit: Limit, until: datetime | None) -> LimitReached:
    again = "" if until is None else f"wait until {until:%Y-%m-%d %H:%M} UTC, or "
    return LimitReached(
        f"the limit of {meter} is reached: {spelled(used)} of {spelled(limit)}",
        hint=f"{again}raise it: procur usage plan",
        details={
            "meter": meter,
            "used": spelled(used),
            "limit": spelled(limit),
            "resets_at": None if until is None else until.isoformat(),
        },
    )
