"""Removes what nobody needs any more: old, finished, and in batches that keep nobody waiting."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, exists, func, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from procur.db import tenancy
from procur.db.arguments import Checked
from procur.db.models import (
    EventDelivery,
    EventOffset,
    EventRecord,
    IdempotencyKey,
    InboxEntry,
    JobRecord,
    JobStep,
    LoginAttempt,
    Notification,
    ScheduleRecord,
    UserSession,
)
from procur.db.repositories.base import bounded

_BATCH = 500
_FINISHED = ("done", "cancelled")
_STUCK = ("failed", "dead")


class RetentionRepository(Checked):
    """The organisation's rows past their time. Each call removes up to `limit` rows and says how many.

    `before` is compared with when a row came to its end, not with when it was made.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        tenancy.required_organization_id(session)

    def finished_jobs(self, before: datetime, limit: int = _BATCH) -> int:
        """Remove jobs that were done or cancelled, with their steps; a schedule keeps its last one."""
        return self._jobs(_FINISHED, before, limit)

    def stuck_jobs(self, before: datetime, limit: int = _BATCH) -> int:
        """Remove jobs that failed or are dead, with their steps: nobody has redriven them."""
        return self._jobs(_STUCK, before, limit)

    def inbox(self, before: datetime, limit: int = _BATCH) -> int:
        """Remove entries of facts that cannot come again: behind the consumer's offset, not to be retried.

        Entries that name no fact (a provider's messages) go by age alone.
        """
        removed, after = 0, None
        while removed < limit and (page := self._inbox_page(before, after, limit)):
            after = (page[-1].created_at, page[-1].id)
            again = self._coming_again(page)
            keys = [row.id for row in page if row.id not in again]
            removed += self._delete(InboxEntry, keys[: limit - removed])
        return removed

    def deliveries(self, before: datetime, limit: int = _BATCH) -> int:
        """Remove notes of retries that succeeded."""
        return self._remove(
            EventDelivery, EventDelivery.state == "done", EventDelivery.delivered_at < before, limit=limit
        )

    def notifications(self, before: datetime, limit: int = _BATCH) -> int:
        """Remove messages that were sent, have failed or were not wanted; those on their way stay."""
        over = Notification.state.in_(("sent", "failed", "suppressed"))
        ended = func.coalesce(Notification.sent_at, Notification.last_attempt_at, Notification.created_at)
        return self._remove(Notification, over, Notification.created_at < before, ended < before, limit=limit)

    def idempotency_keys(self, before: datetime, limit: int = _BATCH) -> int:
        """Remove callers' keys that have run out."""
        return self._remove(IdempotencyKey, IdempotencyKey.expires_at < before, limit=limit)

    def sessions(self, before: datetime, limit: int = _BATCH) -> int:
        """Remove sessions that have ended, unless one that took over from them is still there."""
        newer = aliased(UserSession)
        followed = exists().where(
            newer.organization_id == UserSession.organization_id, newer.rotated_from == UserSession.id
        )
        ended = or_(UserSession.expires_at < before, UserSession.revoked_at < before)
        removed = 0
        # The newest of a chain goes first; then the one that it took over from is free to go.
        while gone := self._remove(UserSession, ended, ~followed, limit=limit - removed):
            removed += gone
        return removed

    def login_attempts(self, before: datetime, limit: int = _BATCH) -> int:
        """Remove attempts to sign in."""
        return self._remove(LoginAttempt, LoginAttempt.created_at < before, limit=limit)

    def _jobs(self, states: Sequence[str], before: datetime, limit: int) -> int:
        last = exists().where(
            ScheduleRecord.organization_id == JobRecord.organization_id,
            ScheduleRecord.last_job_id == JobRecord.id,
        )
        keys: list[UUID] = []
        most = bounded(limit)
        for state in states:  # one by one, as the index has them in order
            keys += self._locked(
                JobRecord,
                JobRecord.state == state,
                JobRecord.created_at < before,  # the index goes by it; nothing ends before it begins
                JobRecord.finished_at < before,
                ~last,
                limit=most - len(keys),
            )
        for part in _parts(keys):
            self.session.execute(_silent(delete(JobStep).where(JobStep.job_id.in_(part))))
        return self._delete(JobRecord, keys)

    def _inbox_page(
        self, before: datetime, after: tuple[datetime, UUID] | None, limit: int
    ) -> list[InboxEntry]:
        statement = select(InboxEntry).where(InboxEntry.created_at < before)
        if after is not None:
            statement = statement.where(tuple_(InboxEntry.created_at, InboxEntry.id) > after)
        statement = statement.order_by(InboxEntry.created_at, InboxEntry.id).limit(bounded(limit))
        return list(self.session.scalars(statement))

    def _coming_again(self, page: Sequence[InboxEntry]) -> set[UUID]:
        """Return which entries are of facts that their consumer reads again by itself."""
        facts = {row.id: key for row in page if (key := tenancy.as_uuid(row.event_id)) is not None}
        wanted = list(facts.values())
        placed = select(EventRecord.id, EventRecord.position).where(EventRecord.id.in_(wanted))
        positions = {row.id: row.position for row in self.session.execute(placed)}
        offsets = self.session.execute(select(EventOffset.consumer, EventOffset.position))
        read = {row.consumer: row.position for row in offsets}
        open_ = select(EventDelivery.consumer, EventDelivery.event_id).where(
            EventDelivery.event_id.in_(wanted), EventDelivery.state != "done"
        )
        waiting = {(consumer, key) for consumer, key in self.session.execute(open_)}
        again = set()
        for row in page:
            key = facts.get(row.id)
            if key is None or key not in positions:
                continue
            position = positions[key]
            unread = position is None or position > read.get(row.consumer, 0)
            if unread or (row.consumer, key) in waiting:
                again.add(row.id)
        return again

    def _locked(self, model: Any, *which: Any, limit: int) -> list[UUID]:
        """Return the keys of rows that nobody else is changing, oldest first."""
        statement = select(model.id).where(*which).order_by(model.created_at, model.id).limit(bounded(limit))
        return list(self.session.scalars(statement.with_for_update(skip_locked=True, of=model)))

    def _remove(self, model: Any, *which: Any, limit: int) -> int:
        return self._delete(model, self._locked(model, *which, limit=limit))

    def _delete(self, model: Any, keys: Sequence[UUID]) -> int:
        removed = 0
        for part in _parts(keys):
            gone: Any = self.session.execute(_silent(delete(model).where(model.id.in_(part))))
            removed += int(gone.rowcount)
        return removed


def _parts(keys: Sequence[UUID]) -> Iterable[Sequence[UUID]]:
    return (keys[start : start + _BATCH] for start in range(0, len(keys), _BATCH))


def _silent(statement: Any) -> Any:
    return statement.execution_options(synchronize_session=False)
