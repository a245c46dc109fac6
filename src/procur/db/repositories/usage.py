"""What an organisation uses: counters that never exceed their limit, and the costs of model calls."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, func, select, update
from sqlalchemy.orm import Session

from procur.core.errors import InvalidInput
from procur.core.periods import period_at, resets_at
from procur.core.plans import METERS
from procur.db import tenancy
from procur.db.arguments import Checked
from procur.db.base import columns_of
from procur.db.models import LlmCall, Organization, UsageCounter
from procur.db.repositories.base import Key, Repository
from procur.db.repositories.upserts import insert_into
from procur.db.values import fit

_COUNTERS: Table = UsageCounter.__table__  # type: ignore[assignment]
_ORGANIZATIONS: Table = Organization.__table__  # type: ignore[assignment]
# Half of what a 64-bit integer holds: SQLite would turn a larger sum into a float without a word.
_LARGEST = 1 << 62


@dataclass(frozen=True, slots=True)
class Spent:
    """Whether an amount was spent, what is used of the meter now, when it starts anew (None: never)."""

    allowed: bool
    used: int
    limit: int | None
    resets_at: datetime | None


class UsageRepository(Checked):
    """Counters per meter and period. The period is the session's clock's, in UTC."""

    def __init__(self, session: Session, of: Organization | None = None) -> None:
        """Count for the session's organisation, or for `of`: a row that only who may see it can have."""
        self.session = session
        self._owner = tenancy.required_organization_id(session) if of is None else of.id

    def spend(
        self, meter: str, amount: int = 1, *, limit: int | None = None, period: str | None = None
    ) -> Spent:
        """Use an amount of a meter if the limit allows all of it, in one statement.

        Others who spend from the meter wait until this transaction ends; a rollback gives the amount back.
        `period` is another than the meter's own: minute, day, month, total, or one by name such as "2026-11".
        """
        key = self._key(meter, period)
        _whole(amount, "amount", least=1)
        most = _LARGEST if limit is None else _whole(limit, "limit", least=0)
        used = self._added(key, amount, most) if amount <= most else None
        if used is None:
            return Spent(allowed=False, used=self._used(key), limit=limit, resets_at=resets_at(key["period"]))
        self._copy(key, used)
        return Spent(allowed=True, used=used, limit=limit, resets_at=resets_at(key["period"]))

    def refund(self, meter: str, amount: int = 1, *, period: str | None = None) -> int:
        """Give back what was spent in vain, never below 0; return what is used now."""
        key = self._key(meter, period)
        _whole(amount, "amount", least=1)
        left = func.max if self.session.get_bind().dialect.name == "sqlite" else func.greatest
        return self._set(key, left(_COUNTERS.c.used - amount, 0))

    def reset(self, meter: str, *, period: str | None = None) -> int:
        """Start a meter's period anew; return what is used now, 0."""
        return self._set(self._key(meter, period), 0)

    def used(self, meter: str, period: str | None = None) -> int:
        """Return how much of a meter is used in a period (this one, if none is named)."""
        return self._used(self._key(meter, period))

    def meters(self, period: str = "month") -> dict[str, int]:
        """Return what each meter has used in a period: minute, day, month, total, or one by name."""
        statement = select(_COUNTERS.c.meter, _COUNTERS.c.used).where(
            _COUNTERS.c.organization_id == self._owner, _COUNTERS.c.period == self._period(period)
        )
        rows = self.session.execute(statement.order_by(_COUNTERS.c.meter))
        return {str(meter): int(used) for meter, used in rows}

    def forget_before(self, moment: datetime) -> int:
        """Remove the counters of minutes and days before that of a moment; return how many went."""
        shortest = func.length(_COUNTERS.c.period) > len("2026-11")
        ended = and_(shortest, _COUNTERS.c.period < period_at(moment, "day"))
        done: Any = self.session.execute(
            _COUNTERS.delete().where(_COUNTERS.c.organization_id == self._owner, ended)
        )
        return int(done.rowcount)

    def _added(self, key: Mapping[str, Any], amount: int, most: int) -> int | None:
        """Return what is used after adding the amount, or None if that would be more than `most`."""
        now = tenancy.clock_of(self.session).now()
        insert = insert_into(self.session, _COUNTERS)
        total = _COUNTERS.c.used + insert.excluded.used
        statement = insert.values(**key, used=amount, created_at=now, updated_at=now).on_conflict_do_update(
            index_elements=list(key), set_={"used": total, "updated_at": now}, where=total <= most
        )
        found = self.session.execute(statement.returning(_COUNTERS.c.used)).scalar()
        return None if found is None else int(found)

    def _set(self, key: Mapping[str, Any], value: Any) -> int:
        now = tenancy.clock_of(self.session).now()
        statement = update(_COUNTERS).where(_at(key)).values(used=value, updated_at=now)
        used = self.session.execute(statement.returning(_COUNTERS.c.used)).scalar()
        self._copy(key, int(used or 0))
        return int(used or 0)

    def _used(self, key: Mapping[str, Any]) -> int:
        return int(self.session.execute(select(_COUNTERS.c.used).where(_at(key))).scalar() or 0)

    def _copy(self, key: Mapping[str, Any], used: int) -> None:
        """Keep the documented column organizations.monthly_analysis_count at this month's analyses."""
        if key["meter"] != "analyses" or key["period"] != self._period("month"):
            return
        own = _ORGANIZATIONS.c.id == self._owner
        self.session.execute(update(_ORGANIZATIONS).where(own).values(monthly_analysis_count=used))
        for loaded in list(self.session.identity_map.values()):
            if isinstance(loaded, Organization):
                self.session.expire(loaded, ["monthly_analysis_count", "updated_at"])

    def _key(self, meter: str, period: str | None) -> dict[str, Any]:
        name = fit(columns_of(UsageCounter)["meter"], meter, field="meter")
        if not name:
            raise InvalidInput("meter is required", field="meter")
        own = METERS[name].period if name in METERS else "month"
        return {
            "organization_id": self._owner,
            "meter": name,
            "period": self._period(own if period is None else period),
        }

    def _period(self, period: str) -> str:
        return period_at(tenancy.clock_of(self.session).now(), period)


@dataclass(frozen=True, slots=True)
class ModelCost:
    """What one model was used for in all."""

    calls: int
    tokens_in: int
    tokens_out: int
    cost: Decimal


class LlmCallRepository(Repository[LlmCall]):
    """Every call of a model. Costs are exact, and summed by the database in one currency at a time."""

    model = LlmCall

    def record(
        self,
        purpose: str,
        model: str,
        *,
        tokens_in: int,
        tokens_out: int,
        cost: Decimal | float | str,
        latency_ms: int | None = None,
        subject_type: str | None = None,
        subject_id: Key | None = None,
        currency: str = "USD",
    ) -> LlmCall:
        """Note a call: what for, of which model, how many tokens, what it cost and how long it took."""
        if (subject_type is None) != (subject_id is None):
            raise InvalidInput("a subject has a type and an id", field="subject_id")
        return self.create(
            purpose=purpose,
            model=model,
            tokens_in=tokens_in,
            tokens_out=tokens_out,
            cost=cost,
            currency=currency,
            latency_ms=latency_ms,
            subject_type=subject_type,
            subject_id=None if subject_id is None else str(subject_id),
        )

    def cost_of(self, subject_type: str, subject_id: Key, *, currency: str = "USD") -> Decimal:
        """Return what all calls for one subject have cost, such as ("tender", its id)."""
        return self._sum(
            LlmCall.subject_type == subject_type,
            LlmCall.subject_id == str(subject_id),
            LlmCall.currency == currency,
        )

    def cost_between(self, since: datetime, until: datetime, *, currency: str = "USD") -> Decimal:
        """Return what the calls from `since` to before `until` have cost."""
        return self._sum(*_between(since, until), LlmCall.currency == currency)

    def cost_by_model(
        self, since: datetime | None = None, until: datetime | None = None, *, currency: str = "USD"
    ) -> dict[str, ModelCost]:
        """Return calls, tokens and cost of each model, by its name."""
        statement = (
            select(
                LlmCall.model,
                func.count(),
                func.sum(LlmCall.tokens_in),
                func.sum(LlmCall.tokens_out),
                func.sum(LlmCall.cost),
            )
            .where(*_between(since, until), LlmCall.currency == currency)
            .group_by(LlmCall.model)
            .order_by(LlmCall.model)
        )
        return {
            name: ModelCost(calls, int(tokens_in), int(tokens_out), cost)
            for name, calls, tokens_in, tokens_out, cost in self.session.execute(statement)
        }

    def _sum(self, *conditions: ColumnElement[bool]) -> Decimal:
        found: Decimal | None = self.session.scalar(select(func.sum(LlmCall.cost)).where(*conditions))
        return found or Decimal(0)


def _between(since: datetime | None, until: datetime | None) -> list[ColumnElement[bool]]:
    column = columns_of(LlmCall)["created_at"]
    conditions = []
    if since is not None:
        conditions.append(LlmCall.created_at >= fit(column, since, field="since"))
    if until is not None:
        conditions.append(LlmCall.created_at < fit(column, until, field="until"))
    return conditions


def _at(key: Mapping[str, Any]) -> ColumnElement[bool]:
    return and_(*(_COUNTERS.c[name] == value for name, value in key.items()))


def _whole(number: Any, field: str, *, least: int) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or not least <= number < _LARGEST:
        raise InvalidInput(f"{field} must be a whole number from {least}", field=field)
    return number
