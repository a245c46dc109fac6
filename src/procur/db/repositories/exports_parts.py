"""What the tables that belong to a report have in common."""

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from procur.core.errors import InvalidInput, NotFound
from procur.db import tenancy
from procur.db.models import Base, Report
from procur.db.repositories.base import Key, Repository

P = TypeVar("P", bound=Base)


class PartRepository(Repository[P]):
    """Rows of one kind that belong to reports; those of a deleted report are hidden with it."""

    changed_by: ClassVar[Mapping[str, str]] = {"report_id": "nothing", "user_id": "nothing"}

    def create(self, **values: Any) -> P:
        """Write a part of a report; its person is the report's."""
        row = self.part_of(report_of(self.session, values.get("report_id")), values)
        self.session.add(row)
        self.session.flush()
        return row

    def part_of(self, report: Report, values: Mapping[str, Any]) -> P:
        """Return a checked part of the report that is not written yet."""
        keys = {"report_id": report.id, "user_id": report.user_id}
        for name, key in keys.items():
            if values.get(name) is not None and tenancy.as_uuid(values[name]) != key:
                raise InvalidInput(f"{name} must be the report's", field=name)
        part: P = self.model(**self._prepared({**values, **keys}))
        return part

    def list_by_report(self, report_id: Key, limit: int = 1000) -> list[P]:
        """Return the report's rows of this kind, oldest first."""
        return self.get_all(limit=limit, report_id=self._key(report_id))

    def _one(self, report_id: Key, **equals: Any) -> P:
        """Return one row of a report as it is now, locked until the transaction ends."""
        conditions = self._equal({"report_id": self._key(report_id), **equals})
        statement = select(self.model).where(*conditions).with_for_update(of=self.model)
        rows = self._all(statement.execution_options(populate_existing=True))
        if not rows:
            name, value = next(iter(equals.items()))
            raise NotFound(f"this report has no {self._noun()} {str(value)[:64]!r}", field=name)
        return rows[0]

    def _visible(self, statement: Select[Any]) -> Select[Any]:
        return statement.where(self.model.report_id.in_(select(Report.id)))


def report_of(session: Session, report_id: Any, *, for_update: bool = False) -> Report:
    """Return the live report with this id; NotFound when this organisation has none."""
    key = tenancy.as_uuid(report_id)
    statement = select(Report).where(Report.id == key)
    if for_update:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    found = None if key is None else session.scalars(statement).one_or_none()
    if found is None:
        raise NotFound(f"no Report {str(report_id)[:64]!r}", field="report_id")
    return found
