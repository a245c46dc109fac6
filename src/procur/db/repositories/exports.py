"""Reports about what it takes to export a product to a market."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import select

from procur.core.errors import Conflict, InvalidInput
from procur.db.models import (
    ActionPlanProgress,
    CertificationProgress,
    FinanceAnalysis,
    GeneratedDocument,
    LogisticsAnalysis,
    Report,
    UserAccount,
)
from procur.db.repositories.base import Key, Repository, bounded
from procur.db.repositories.exports_metrics import UserMetricsRepository
from procur.db.repositories.exports_parts import PartRepository
from procur.db.repositories.exports_progress import ActionPlanRepository, CertificationRepository
from procur.db.repositories.exports_results import (
    FinanceAnalysisRepository,
    GeneratedDocumentRepository,
    LogisticsAnalysisRepository,
)
from procur.db.repositories.purging import Purged, purge_row
from procur.db.values import checked

# From each status, the ones that may follow: what failed is tried again, what is completed stays so.
MOVES: Mapping[str, frozenset[str]] = {
    "processing": frozenset({"completed", "failed"}),
    "failed": frozenset({"processing"}),
    "completed": frozenset(),
}


@dataclass(frozen=True, slots=True)
class CompleteReport:
    """A report and everything that belongs to it."""

    report: Report
    certifications: list[CertificationProgress]
    plan: list[ActionPlanProgress]
    documents: list[GeneratedDocument]
    finance: FinanceAnalysis | None
    logistics: LogisticsAnalysis | None


class ReportRepository(Repository[Report]):
    """The reports of an organisation's people."""

    model = Report
    changed_by: ClassVar[Mapping[str, str]] = {
        "user_id": "nothing",
        "status": "update_status",
        "hs_code": "set_hs_code",
        "hs_code_confidence": "set_hs_code",
    }

    def create(self, **values: Any) -> Report:
        """Write a report; without a status it counts as completed, for its person too."""
        report = super().create(**values)
        self._count(report)
        return report

    def create_complete(
        self,
        *,
        report: Mapping[str, Any],
        certifications: Iterable[Mapping[str, Any]] = (),
        plan: Iterable[Mapping[str, Any]] = (),
        finance: Mapping[str, Any] | None = None,
        logistics: Mapping[str, Any] | None = None,
    ) -> Report:
        """Write a report with its parts, one statement per table; all values are checked before the first."""
        row = Report(**self._prepared(report))
        needed = _parts(CertificationRepository(self.session), row, certifications, "certification")
        tasks = _parts(ActionPlanRepository(self.session), row, plan, "task")
        parts = [*needed, *tasks]
        if finance is not None:
            parts.append(FinanceAnalysisRepository(self.session).part_of(row, finance))
        if logistics is not None:
            parts.append(LogisticsAnalysisRepository(self.session).part_of(row, logistics))
        self.session.add(row)
        self.session.flush()
        self.session.add_all(parts)
        self.session.flush()
        self._count(row, certifications_completed=sum(part.status == "completed" for part in needed))
        return row

    def get_user_reports(self, user_id: Key, limit: int = 100) -> list[Report]:
        """Return a person's reports, newest first."""
        return self._newest_with(limit, user_id=self._key(user_id))

    def by_status(self, status: str, limit: int = 100) -> list[Report]:
        """Return the reports that stand there, newest first."""
        return self._newest_with(limit, status=status)

    def by_destination(self, destination_country: str, limit: int = 100) -> list[Report]:
        """Return the reports about one market, newest first."""
        return self._newest_with(limit, destination_country=destination_country)

    def complete(self, report_id: Key) -> CompleteReport:
        """Return a report with all that belongs to it: six queries, however much that is."""
        report = self.get(report_id)
        return CompleteReport(
            report=report,
            certifications=CertificationRepository(self.session).list_by_report(report.id),
            plan=ActionPlanRepository(self.session).tasks(report.id),
            documents=GeneratedDocumentRepository(self.session).list_by_report(report.id),
            finance=FinanceAnalysisRepository(self.session).get_by_report(report.id),
            logistics=LogisticsAnalysisRepository(self.session).get_by_report(report.id),
        )

    def update_status(self, report_id: Key, status: str) -> Report:
        """Move a report on; Conflict when no such step leads there. The status it has is no step."""
        wanted = checked(Report, {"status": status})["status"]
        row = self.locked(report_id)
        if wanted != row.status:
            if wanted not in MOVES[row.status]:
                raise Conflict(f"a report does not go from {row.status} to {wanted}", field="status")
            row.status = wanted
            self._count(row)
        self.session.flush()
        return row

    def set_hs_code(self, report_id: Key, hs_code: str, confidence: Any = None) -> Report:
        """Set the product's customs code in the column and in the report's own text; confidence: per cent."""
        wanted = checked(Report, {"hs_code": hs_code, "hs_code_confidence": confidence})
        row = self.locked(report_id)
        row.hs_code, row.hs_code_confidence = wanted["hs_code"], wanted["hs_code_confidence"]
        _tell_hs_code(row.report_data, wanted)
        self.session.flush()
        return row

    def purge(self, report_id: Key, *, reason: str, actor_id: object = None) -> Purged:
        """Remove a report and all that belongs to it for good, deleted or not, and audit it."""
        row = self.get(report_id, include_deleted=True, for_update=True)
        return purge_row(self.session, row, called="report", reason=reason, actor_id=actor_id)

    def _change(self, row: Report, values: Mapping[str, Any]) -> Report:
        """Keep the customs code in a new text of the report, too."""
        self._refuse_fixed(values)
        wanted = checked(Report, values)
        if wanted.get("report_data") is not None and row.hs_code is not None:
            _tell_hs_code(
                wanted["report_data"], {"hs_code": row.hs_code, "hs_code_confidence": row.hs_code_confidence}
            )
        return super()._change(row, wanted)

    def _count(self, report: Report, **amounts: int) -> None:
        """Count a report that has just been completed, and what was completed with it, for its person."""
        if report.status == "completed":
            amounts["reports_generated"] = 1
        if any(amounts.values()):
            UserMetricsRepository(self.session).increment(report.user_id, **amounts)

    def _prepared(self, given: Mapping[str, Any]) -> dict[str, Any]:
        values = super()._prepared(given)
        # Held until the end, so that nobody is erased while a report about their goods is being written.
        person = select(UserAccount.id).where(UserAccount.id == values["user_id"])
        if self.session.scalar(person.with_for_update(read=True, key_share=True)) is None:
            raise InvalidInput("user_id names nobody in this organisation", field="user_id")
        if values.get("hs_code") is not None:
            _tell_hs_code(values.setdefault("report_data", {}), values)
        return values

    def _newest_with(self, limit: int, **equals: Any) -> list[Report]:
        statement = select(Report).where(*self._equal(equals)).order_by(*self._newest())
        return self._all(statement.limit(bounded(limit)))


def _tell_hs_code(report_data: Any, values: Mapping[str, Any]) -> None:
    """Put the code where the report's text has it: as an object with code and confidence, or alone."""
    told = report_data.get("hs_code")
    if isinstance(told, dict):
        told["code"] = values["hs_code"]
        confidence = values.get("hs_code_confidence")
        told["confidence"] = None if confidence is None else float(confidence)
    else:
        report_data["hs_code"] = values["hs_code"]


def _parts(
    repository: PartRepository[Any], report: Report, given: Iterable[Mapping[str, Any]], called: str
) -> list[Any]:
    """Return checked parts whose keys ascend in the order given; an error says which one is at fault."""
    parts = []
    for number, values in enumerate(given, start=1):
        try:
            parts.append(repository.part_of(report, values))
        except InvalidInput as error:
            raise InvalidInput(
                f"{called} {number}: {error.message}", field=error.field, details={called: number}
            ) from error
    for part, key in zip(parts, sorted(part.id for part in parts), strict=True):
        part.id = key
    return parts
