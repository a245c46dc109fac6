"""Jobs that start by the clock."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Table, func, select, update

from procur.core.cron import next_time
from procur.core.errors import InvalidInput
from procur.db import tenancy
from procur.db.models import JobRecord, Organization, ScheduleRecord
from procur.db.moments import database_time
from procur.db.repositories.base import Key, Repository, bounded
from procur.db.repositories.jobs import JobRepository
from procur.db.repositories.upserts import insert_into
from procur.db.values import checked

_ORGANIZATIONS: Table = Organization.__table__  # type: ignore[assignment]
_SCHEDULES: Table = ScheduleRecord.__table__  # type: ignore[assignment]
_NOW = select(database_time())
ATTEMPTS = 8  # of a schedule's job, as of every kind of work that does not say otherwise
# A closed organisation's schedules rest; nothing can be written for it.
_OPEN = ScheduleRecord.organization_id.in_(
    select(_ORGANIZATIONS.c.id).where(_ORGANIZATIONS.c.deleted_at.is_(None))
)
_CRON = re.compile(r"[0-9A-Za-z*,/-]+( [0-9A-Za-z*,/-]+){4}")


class ScheduleRepository(Repository[ScheduleRecord]):
    """The organisation's schedules. When one is due next is the runner's arithmetic, not the database's."""

    model = ScheduleRecord

    def put(
        self,
        name: str,
        *,
        kind: str,
        cron: str,
        next_run_at: datetime,
        payload: Mapping[str, Any] | None = None,
        queue: str = "default",
        timezone: str = "UTC",
    ) -> ScheduleRecord:
        """Set up the schedule of this name, or change the one there is; a paused one stays paused."""
        if not _CRON.fullmatch(str(cron)):
            raise InvalidInput("cron must have five fields, such as '0 6 * * 1'", field="cron")
        next_time(cron, timezone, tenancy.clock_of(self.session).now())  # refuses what is never due
        changes = {
            "kind": kind,
            "cron": cron,
            "next_run_at": next_run_at,
            "payload": dict(payload or {}),
            "queue": queue,
            "timezone": timezone,
        }
        row = self._prepared({"name": name, **changes})
        now = tenancy.clock_of(self.session).now()
        insert = insert_into(self.session, _SCHEDULES).values(
            **row, is_active=True, created_at=now, updated_at=now
        )
        statement = insert.on_conflict_do_update(
            index_elements=["organization_id", "name"],
            set_={column: insert.excluded[column] for column in (*changes, "updated_at")},
        ).returning(_SCHEDULES.c.id)
        return self._fresh(self.session.execute(statement).scalar_one())

    def now(self) -> datetime:
        """Return the database's time, by which schedules are due."""
        moment: datetime = self.session.connection().execute(_NOW).scalar_one()
        return moment

    def any_due(self) -> bool:
        """Say whether a schedule of an open organisation is due, without locking anything."""
        statement = select(ScheduleRecord.id).where(
            ScheduleRecord.is_active.is_(True), ScheduleRecord.next_run_at <= database_time(), _OPEN
        )
        return self.session.execute(statement.limit(1)).first() is not None

    def due(self, now: datetime, limit: int = 100) -> list[ScheduleRecord]:
        """Return active schedules of open organisations whose time has come, longest overdue first.

        They are locked; those that another runner has locked are left out.
        """
        moment = checked(ScheduleRecord, {"next_run_at": now})["next_run_at"]
        statement = (
            select(ScheduleRecord)
            .where(ScheduleRecord.is_active.is_(True), ScheduleRecord.next_run_at <= moment, _OPEN)
            .order_by(ScheduleRecord.next_run_at, ScheduleRecord.id)
            .limit(bounded(limit))
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        )
        return self._all(statement)

    def next_runs(self, limit: int = 20) -> list[ScheduleRecord]:
        """Return the active schedules in the order in which they come next."""
        statement = select(ScheduleRecord).where(ScheduleRecord.is_active.is_(True))
        statement = statement.order_by(ScheduleRecord.next_run_at, ScheduleRecord.id)
        return self._all(statement.limit(bounded(limit)))

    def fire(self, id: Key, *, next_run_at: datetime) -> JobRecord | None:  # noqa: A002 - as everywhere
        """Make the schedule's job and set its next time; None when another runner has done so.

        While its last job still waits to be begun no second one is put behind it: only the time is set.
        """
        row = self.get(id)
        planned, jobs = row.next_run_at, JobRepository(self.session)
        values: dict[str, Any] = {"next_run_at": next_run_at}
        job, created = None, False
        if not self._waits(row):
            job, created = jobs.enqueue(
                row.kind,
                row.payload,
                queue=row.queue,
                dedupe_key=f"{row.id}:{planned.isoformat()}",
                max_attempts=ATTEMPTS,
                organization_id=row.organization_id,
            )
            values |= {"last_run_at": planned, "last_job_id": job.id}
        statement = (
            update(ScheduleRecord)
            .where(ScheduleRecord.id == row.id, ScheduleRecord.next_run_at == planned)
            .values(**checked(ScheduleRecord, values), updated_at=tenancy.clock_of(self.session).now())
            .execution_options(synchronize_session=False)
        )
        self.session.execute(statement)
        self._fresh(row.id)
        return job if created else None

    def _waits(self, row: ScheduleRecord) -> bool:
        """Say whether the schedule's last job waits to be begun, or to be tried again."""
        if row.last_job_id is None:
            return False
        statement = select(JobRecord.id).where(JobRecord.id == row.last_job_id, JobRecord.state == "ready")
        return self.session.execute(statement).first() is not None

    def pause(self, id: Key) -> ScheduleRecord:  # noqa: A002 - as everywhere
        """Let the schedule make no jobs for now."""
        return self.update(id, is_active=False)

    def resume(self, id: Key, *, next_run_at: datetime) -> ScheduleRecord:  # noqa: A002 - as everywhere
        """Let a paused schedule make jobs again, from this time on."""
        return self.update(id, is_active=True, next_run_at=next_run_at)

    def ensure(
        self,
        name: str,
        *,
        kind: str,
        cron: str,
        next_run_at: datetime,
        payload: Mapping[str, Any] | None = None,
        queue: str = "default",
        timezone: str = "UTC",
        is_active: bool = True,
    ) -> bool:
        """Set up the schedule of this name unless there is one, which stays as it is; say if it is new."""
        given = {"kind": kind, "cron": cron, "queue": queue, "timezone": timezone}
        values = {"name": name, "next_run_at": next_run_at, "payload": dict(payload or {}), **given}
        row = self._prepared(values)
        now = tenancy.clock_of(self.session).now()
        statement = (
            insert_into(self.session, _SCHEDULES)
            .values(**row, is_active=is_active, created_at=now, updated_at=now)
            .on_conflict_do_nothing(index_elements=["organization_id", "name"])
            .returning(_SCHEDULES.c.id)
        )
        return self.session.execute(statement).scalar() is not None

    def organizations_lacking(self, names: Iterable[str]) -> list[UUID]:
        """Return the organisations that lack one of these schedules."""
        wanted = sorted(set(names))
        present = (
            select(func.count())
            .where(_SCHEDULES.c.organization_id == _ORGANIZATIONS.c.id, _SCHEDULES.c.name.in_(wanted))
            .scalar_subquery()
        )
        statement = select(_ORGANIZATIONS.c.id).where(
            _ORGANIZATIONS.c.deleted_at.is_(None), present < len(wanted)
        )
        own = tenancy.organization_id(self.session)
        if own is not None:
            statement = statement.where(_ORGANIZATIONS.c.id == own)
        return list(self.session.scalars(statement.order_by(_ORGANIZATIONS.c.id)))
