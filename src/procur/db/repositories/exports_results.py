"""What was made for a report: its papers, and its analyses of finance and logistics."""

from typing import Any, TypeVar

from sqlalchemy import select

from procur.db.models import FinanceAnalysis, GeneratedDocument, LogisticsAnalysis
from procur.db.repositories.base import Key, bounded
from procur.db.repositories.exports_metrics import UserMetricsRepository
from procur.db.repositories.exports_parts import PartRepository, report_of

A = TypeVar("A", FinanceAnalysis, LogisticsAnalysis)


class GeneratedDocumentRepository(PartRepository[GeneratedDocument]):
    """The papers made for reports; making one anew adds a row."""

    model = GeneratedDocument

    def create(self, **values: Any) -> GeneratedDocument:
        """Write a paper and count it for the report's person."""
        row = super().create(**values)
        UserMetricsRepository(self.session).increment(row.user_id, documents_generated=1)
        return row

    def of_type(self, report_id: Key, document_type: str, limit: int = 100) -> list[GeneratedDocument]:
        """Return the report's papers of one type, newest first."""
        equals = {"report_id": self._key(report_id), "document_type": document_type}
        statement = select(GeneratedDocument).where(*self._equal(equals)).order_by(*self._newest())
        return self._all(statement.limit(bounded(limit)))

    def latest(self, report_id: Key, document_type: str) -> GeneratedDocument | None:
        """Return the report's newest paper of one type, or None."""
        found = self.of_type(report_id, document_type, limit=1)
        return found[0] if found else None


class _AnalysisRepository(PartRepository[A]):
    """One analysis per report."""

    def get_by_report(self, report_id: Key) -> A | None:
        """Return the report's analysis, or None."""
        return self.find(report_id=self._key(report_id))

    def upsert(self, report_id: Key, **parts: Any) -> A:
        """Write the report's analysis, or change the parts given of the one there is.

        The report is locked, so two writers follow each other and neither makes a second one.
        """
        report = report_of(self.session, report_id, for_update=True)
        row = self.get_by_report(report.id)
        if row is None:
            return self.create(report_id=report.id, **parts)
        return self._change(row, parts)


class FinanceAnalysisRepository(_AnalysisRepository[FinanceAnalysis]):
    """What an export costs and brings."""

    model = FinanceAnalysis


class LogisticsAnalysisRepository(_AnalysisRepository[LogisticsAnalysis]):
    """How the goods get there."""

    model = LogisticsAnalysis
