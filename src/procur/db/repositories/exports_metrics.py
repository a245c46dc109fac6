"""What people have achieved: one row of counters per person."""

from decimal import Decimal
from typing import Any

from sqlalchemy import Table, select

from procur.core.errors import InvalidInput
from procur.db import tenancy
from procur.db.base import columns_of
from procur.db.models import UserMetrics
from procur.db.repositories.base import Key, Repository
from procur.db.repositories.upserts import insert_into
from procur.db.values import checked

_METRICS: Table = UserMetrics.__table__  # type: ignore[assignment]
COUNTERS = (
    "reports_generated",
    "certifications_completed",
    "documents_generated",
    "exports_completed",
    "timeline_reduction_days",
    "cost_savings",
)


class UserMetricsRepository(Repository[UserMetrics]):
    """Counters per person, exact whoever counts at the same time."""

    model = UserMetrics

    def get_by_user(self, user_id: Key) -> UserMetrics | None:
        """Return the person's counters as they are now, or None when nothing was counted yet."""
        statement = select(UserMetrics).where(UserMetrics.user_id == self._key(user_id))
        rows = self._all(statement.execution_options(populate_existing=True))
        return rows[0] if rows else None

    def increment(self, user_id: Key, **amounts: Any) -> UserMetrics:
        """Add to a person's counters in one statement and return them; a completed export is dated now."""
        for name in amounts:
            if name in columns_of(UserMetrics) and name not in COUNTERS:
                raise InvalidInput(f"{name} is no counter", field=name)
        added = checked(UserMetrics, amounts)
        for name, amount in added.items():
            if amount < 0:
                raise InvalidInput(f"{name} only grows, by 0 or more", field=name)
        now = tenancy.clock_of(self.session).now()
        dated = {"last_export_date": now} if added.get("exports_completed") else {}
        row = {
            **dict.fromkeys(COUNTERS, 0),
            "cost_savings": Decimal(0),
            **added,
            **dated,
            "organization_id": tenancy.required_organization_id(self.session),
            "id": tenancy.new_id(self.session),
            **checked(UserMetrics, {"user_id": user_id}),
            "created_at": now,
            "updated_at": now,
        }
        statement = insert_into(self.session, _METRICS).values(row)
        self.session.flush()
        self.session.connection().execute(
            statement.on_conflict_do_update(
                index_elements=["organization_id", "user_id"],
                set_={name: _METRICS.c[name] + amount for name, amount in added.items()}
                | dated
                | {"updated_at": now},
            )
        )
        found = self.get_by_user(row["user_id"])
        assert found is not None  # noqa: S101 - it was written above
        return found
