"""How far the work for a report has come: its certifications and its seven-day plan."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, case, func, select

from procur.core.errors import Conflict, InvalidInput
from procur.db import tenancy
from procur.db.models import ActionPlanProgress, CertificationProgress
from procur.db.models.exports import DAYS
from procur.db.repositories.base import Key
from procur.db.repositories.exports_metrics import UserMetricsRepository
from procur.db.repositories.exports_parts import PartRepository
from procur.db.types import clean_text
from procur.db.values import checked

# From each status, the ones that may follow. A completed certification stays completed.
MOVES: Mapping[str, frozenset[str]] = {
    "not_started": frozenset({"in_progress"}),
    "in_progress": frozenset({"completed", "rejected"}),
    "rejected": frozenset({"in_progress"}),
    "completed": frozenset(),
}


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of something is done."""

    done: int = 0
    total: int = 0

    @property
    def percent(self) -> int:
        """The share that is done, rounded down; nothing of nothing is 0."""
        return 100 * self.done // self.total if self.total else 0


@dataclass(frozen=True, slots=True)
class CertificationSummary(Progress):
    """How many certifications of a report are completed, and how many stand where."""

    by_status: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlanProgress(Progress):
    """How many tasks of a plan are completed, in all and on each of its seven days."""

    days: Mapping[int, Progress] = field(default_factory=dict)


class CertificationRepository(PartRepository[CertificationProgress]):
    """The certifications a report needs: not started, in progress, completed, or rejected and begun again."""

    model = CertificationProgress
    changed_by: ClassVar[Mapping[str, str]] = {
        **PartRepository.changed_by,
        "status": "update_status",
        "started_at": "update_status",
        "completed_at": "update_status",
        "documents_completed": "mark_document_completed",
    }

    def create(self, **values: Any) -> CertificationProgress:
        """Write a certification of a report; one that is completed already counts for its person."""
        row = super().create(**values)
        if row.status == "completed":
            UserMetricsRepository(self.session).increment(row.user_id, certifications_completed=1)
        return row

    def start(self, report_id: Key, certification_id: str) -> CertificationProgress:
        """Begin with a certification, or begin again after it was rejected."""
        return self.update_status(report_id, certification_id, "in_progress")

    def update_status(
        self, report_id: Key, certification_id: str, status: str, notes: str | None = None
    ) -> CertificationProgress:
        """Move a certification on; Conflict when no such step leads there. The status it has is no step.

        The first completion is counted for the report's person in the same transaction.
        """
        wanted = checked(CertificationProgress, {"status": status, "notes": notes})
        row = self._one(report_id, certification_id=certification_id)
        if notes is not None:
            row.notes = wanted["notes"]
        if wanted["status"] != row.status:
            self._move(row, wanted["status"])
        self.session.flush()
        return row

    def mark_document_completed(
        self, report_id: Key, certification_id: str, document: object
    ) -> CertificationProgress:
        """Note by its name that a document is ready; the same one again changes nothing."""
        if not isinstance(document, str) or not document.strip():
            raise InvalidInput("document must name a document", field="document")
        name = clean_text(document, field="document")
        row = self._one(report_id, certification_id=certification_id)
        if name not in row.documents_completed:
            row.documents_completed.append(name)
        self.session.flush()
        return row

    def summary(self, report_id: Key) -> CertificationSummary:
        """Return how many of a report's certifications are completed, and how many stand where."""
        statement: Any = (
            select(CertificationProgress.status, func.count())
            .where(CertificationProgress.report_id == self._key(report_id))
            .group_by(CertificationProgress.status)
        )
        found: dict[str, int] = dict(self.session.execute(self._visible(statement)).all())
        by_status = {status: found.get(status, 0) for status in MOVES}
        return CertificationSummary(by_status["completed"], sum(by_status.values()), by_status)

    def _move(self, row: CertificationProgress, status: str) -> None:
        if status not in MOVES[row.status]:
            raise Conflict(f"a certification does not go from {row.status} to {status}", field="status")
        row.status = status
        now = tenancy.clock_of(self.session).now()
        row.started_at = row.started_at or now
        row.completed_at = now if status == "completed" else None
        if status == "completed":
            UserMetricsRepository(self.session).increment(row.user_id, certifications_completed=1)

    def _prepared(self, given: Mapping[str, Any]) -> dict[str, Any]:
        values = super()._prepared(given)
        now = tenancy.clock_of(self.session).now()
        if values.get("status", "not_started") != "not_started":
            values.setdefault("started_at", now)
        if values.get("status") == "completed":
            values.setdefault("completed_at", now)
        return values


class ActionPlanRepository(PartRepository[ActionPlanProgress]):
    """The tasks of a report's plan, day by day."""

    model = ActionPlanProgress
    changed_by: ClassVar[Mapping[str, str]] = {
        **PartRepository.changed_by,
        "completed": "complete_task and reopen",
        "completed_at": "complete_task and reopen",
    }

    def tasks(self, report_id: Key) -> list[ActionPlanProgress]:
        """Return a report's tasks by day, on each day in the order in which they were written."""
        plan = ActionPlanProgress
        statement = select(plan).where(plan.report_id == self._key(report_id))
        return self._all(statement.order_by(plan.day_number, plan.created_at, plan.id))

    def complete_task(self, report_id: Key, task_id: str) -> ActionPlanProgress:
        """Tick a task off; one that is ticked off keeps its time."""
        row = self._one(report_id, task_id=task_id)
        if not row.completed:
            row.completed, row.completed_at = True, tenancy.clock_of(self.session).now()
        self.session.flush()
        return row

    def reopen(self, report_id: Key, task_id: str) -> ActionPlanProgress:
        """Take the tick back."""
        row = self._one(report_id, task_id=task_id)
        row.completed, row.completed_at = False, None
        self.session.flush()
        return row

    def progress(self, report_id: Key) -> PlanProgress:
        """Return how many tasks are done, in all and on each of the seven days."""
        plan = ActionPlanProgress
        done: ColumnElement[int] = func.sum(case((plan.completed, 1), else_=0))
        statement: Any = (
            select(plan.day_number, done, func.count())
            .where(plan.report_id == self._key(report_id))
            .group_by(plan.day_number)
        )
        days = dict.fromkeys(range(1, DAYS + 1), Progress())
        for day, ready, total in self.session.execute(self._visible(statement)):
            days[day] = Progress(int(ready), total)
        return PlanProgress(
            sum(day.done for day in days.values()), sum(day.total for day in days.values()), days
        )

    def _prepared(self, given: Mapping[str, Any]) -> dict[str, Any]:
        values = super()._prepared(given)
        if values.get("completed"):
            values.setdefault("completed_at", tenancy.clock_of(self.session).now())
        return values
