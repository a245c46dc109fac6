"""What may have to be said soon: dates that come near, and what was said of them already."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Date, and_, exists, func, literal, or_, select, update
from sqlalchemy.orm import Session

from procur.db import tenancy
from procur.db.arguments import Checked
from procur.db.models import ContractRecord, EventRecord, JobRecord, VendorEvidence, VendorProfileRecord
from procur.db.repositories.base import bounded
from procur.db.repositories.holding import hold

_BATCH = 500
_LARGEST = 1000
_WEEKEND = 2
_PROOFS = ("certified", "report")


@dataclass(frozen=True, slots=True)
class Dated:
    """A row with a date that comes near, and the business id and name of its vendor."""

    row: Any
    vendor_id: str
    vendor: str


class ReminderRepository(Checked):
    """The organisation's dates that come near, a page at a time in the order of their keys.

    `after` is the key of the last page's last row.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        tenancy.required_organization_id(session)

    def hold(self, what: str) -> None:
        """Let one transaction at a time remind of this, so that nothing is said twice."""
        hold(self.session, "reminders", what)

    def contracts_in_force(
        self, *, until: date, after: UUID | None = None, limit: int = _LARGEST
    ) -> list[Dated]:
        """Return contracts in force that end, or may want notice before they renew, by this day.

        Those that have ended already are among them.
        """
        renews = func.coalesce(ContractRecord.renewal_date, ContractRecord.end_date)
        # Notice is counted from the last day, which is the day before, to a business day.
        notice = func.coalesce(ContractRecord.renewal_notice_days, 0) + 1 + _WEEKEND
        near = or_(ContractRecord.end_date <= until, self._days_before(renews, notice) <= until)
        statement = _with_vendor(ContractRecord).where(ContractRecord.status == "active", near)
        return self._page(statement, ContractRecord.id, after, limit)

    def evidence(
        self, *, since: date, until: date, after: UUID | None = None, limit: int = _LARGEST
    ) -> list[Dated]:
        """Return proofs of vendors that run out between these days, both included."""
        statement = _with_vendor(VendorEvidence).where(
            VendorEvidence.valid_until.between(since, until), VendorEvidence.kind.in_(_PROOFS)
        )
        return self._page(statement, VendorEvidence.id, after, limit)

    def expire_contracts(self, ids: Iterable[UUID], *, before: date) -> list[UUID]:
        """End those of these contracts that are in force and whose last day lies before; return which."""
        keys, now = list(ids), tenancy.clock_of(self.session).now()
        ended: list[UUID] = []
        for start in range(0, len(keys), _BATCH):
            statement = (
                update(ContractRecord)
                .where(
                    ContractRecord.id.in_(keys[start : start + _BATCH]),
                    ContractRecord.status == "active",
                    ContractRecord.end_date < before,
                )
                .values(status="expired", updated_at=now)
                .returning(ContractRecord.id)
                .execution_options(synchronize_session=False)
            )
            ended += self.session.scalars(statement)
        return ended

    def renew_contract(self, contract_id: UUID, *, ended: date, ends: date) -> bool:
        """Let a contract in force whose last day was `ended` end on another; say whether it was still so."""
        statement = (
            update(ContractRecord)
            .where(
                ContractRecord.id == contract_id,
                ContractRecord.status == "active",
                ContractRecord.auto_renew.is_(True),
                ContractRecord.end_date == ended,
            )
            .values(
                end_date=ends,
                renewal_date=ends + timedelta(days=1),
                updated_at=tenancy.clock_of(self.session).now(),
            )
            .execution_options(synchronize_session=False)
        )
        done: Any = self.session.execute(statement)
        return bool(done.rowcount)

    def said(self, subject: str, ids: Iterable[str], types: Iterable[str]) -> list[dict[str, Any]]:
        """Return what facts of these types have said of these subjects: their payloads, each with `type`."""
        wanted, named = sorted(set(ids)), sorted(set(types))
        found: list[dict[str, Any]] = []
        for start in range(0, len(wanted), _BATCH):
            statement = select(EventRecord.type, EventRecord.payload).where(
                EventRecord.aggregate_type == subject,
                EventRecord.aggregate_id.in_(wanted[start : start + _BATCH]),
                EventRecord.type.in_(named),
            )
            found += [{**payload, "type": kind} for kind, payload in self.session.execute(statement)]
        return found

    def stale_vendors(
        self, *, before: datetime, kind: str, period: str, limit: int = 100
    ) -> list[VendorProfileRecord]:
        """Return vendors with a website or named pages that nobody has looked up since, longest ago first.

        Those for which a job of this kind was asked for in this period, by the key vendor:period, are not
        among them.
        """
        seen, jobs = VendorProfileRecord.last_enriched_at, JobRecord
        asked = exists().where(
            jobs.organization_id == VendorProfileRecord.organization_id,
            jobs.kind == kind,
            jobs.dedupe_key == VendorProfileRecord.vendor_id + literal(f":{period}"),
        )
        named_page = VendorProfileRecord.vendor_metadata["pages", 0].as_string()
        has_pages = or_(VendorProfileRecord.website.is_not(None), named_page.is_not(None))
        statement = (
            select(VendorProfileRecord)
            .where(has_pages, or_(seen.is_(None), seen < before), ~asked)
            .order_by(seen.is_not(None), seen, VendorProfileRecord.id)
            .limit(bounded(limit))
        )
        return list(self.session.scalars(statement))

    def _page(self, statement: Any, key: Any, after: UUID | None, limit: int) -> list[Dated]:
        if after is not None:
            statement = statement.where(key > after)
        rows = self.session.execute(statement.order_by(key).limit(bounded(limit, least=1)))
        return [Dated(*row) for row in rows]

    def _days_before(self, day: Any, days: Any) -> Any:
        if self.session.get_bind().dialect.name == "sqlite":
            return func.date(day, func.printf("-%d days", days), type_=Date())
        return (day - days).cast(Date())


def _with_vendor(model: Any) -> Any:
    vendor = VendorProfileRecord
    joined = and_(vendor.organization_id == model.organization_id, vendor.id == model.vendor_id)
    return select(model, vendor.vendor_id, vendor.name).join(vendor, joined)
