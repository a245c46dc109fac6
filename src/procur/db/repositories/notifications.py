"""Messages to people and endpoints: the delivery log."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import String, Table, cast, func, select, update

from procur.core.errors import Conflict
from procur.db import tenancy
from procur.db.models import JobRecord, Notification
from procur.db.repositories.base import Key, Repository, bounded
from procur.db.repositories.upserts import insert_into

_NOTIFICATIONS: Table = Notification.__table__  # type: ignore[assignment]
_UUID = 36  # characters of a key
_AT_ONCE = 500  # rows of one INSERT: databases bound the parameters of a statement


class NotificationRepository(Repository[Notification]):
    """Messages. A message id is used once per organisation, so a retry sends nothing twice."""

    model = Notification

    def queue(
        self,
        *,
        recipient: str,
        channel: str,
        body: str,
        subject: str | None = None,
        user_id: Key | None = None,
        message_id: str | None = None,
        organization_id: Key | None = None,
    ) -> tuple[Notification, bool]:
        """Write a message to be sent; with a `message_id` that exists return that message, and False."""
        given: dict[str, Any] = {
            "recipient": recipient,
            "channel": channel,
            "body": body,
            "subject": subject,
            "user_id": user_id,
            "message_id": str(tenancy.new_id(self.session)) if message_id is None else message_id,
        }
        if organization_id is not None:
            given["organization_id"] = organization_id
        row = self._prepared(given)
        if self._insert([row]):
            return self.get(row["id"]), True
        equals = {"organization_id": row["organization_id"], "message_id": row["message_id"]}
        found = self.find(**equals)
        if found is None:
            raise Conflict("the message was removed meanwhile", field="message_id")
        return found, False

    def queue_all(self, messages: Iterable[Mapping[str, Any]]) -> list[Notification]:
        """Write many messages at once; return those that are new.

        Each names recipient, channel, body, message_id, and the other fields of the row as wanted. One that
        is given as sent (in_app) counts as sent now.
        """
        now = tenancy.clock_of(self.session).now()
        rows = [self._prepared(_completed(dict(message), now)) for message in messages]
        parts = (rows[at : at + _AT_ONCE] for at in range(0, len(rows), _AT_ONCE))
        new = [key for part in parts for key in self._insert(part)]
        return list(self.get_many(new).values())

    def pending(self, limit: int = 100, *, channel: str | None = None) -> list[Notification]:
        """Return messages to be sent, oldest first, locked past other workers."""
        equals = {"state": "pending"} if channel is None else {"state": "pending", "channel": channel}
        statement = select(Notification).where(*self._equal(equals)).order_by(*self._oldest())
        statement = statement.limit(bounded(limit)).with_for_update(skip_locked=True)
        return self._all(statement.execution_options(populate_existing=True))

    def begin(self, id: Key, *, job_id: Key | None = None) -> Notification:  # noqa: A002 - as everywhere
        """Note that an attempt to send begins; Conflict when the message is not pending any more."""
        now = tenancy.clock_of(self.session).now()
        attempts: Any = Notification.attempts + 1
        statement = (
            update(Notification)
            .where(Notification.id == self._key(id), Notification.state == "pending")
            .values(
                attempts=attempts,
                last_attempt_at=now,
                next_attempt_at=None,
                job_id=Notification.job_id if job_id is None else self._key(job_id),
                updated_at=now,
            )
            .execution_options(synchronize_session=False)
        )
        changed: Any = self.session.execute(statement)
        row = self._fresh(id)
        if changed.rowcount != 1:
            raise Conflict(f"this message is {row.state}", field="state", details={"state": row.state})
        return row

    def put_off(
        self,
        id: Key,  # noqa: A002 - as everywhere
        error: str,
        *,
        next_attempt_at: datetime,
        status_code: int | None = None,
    ) -> Notification:
        """Note why a message could not be sent yet and when it is tried again."""
        values = {"error": error, "next_attempt_at": next_attempt_at, "status_code": status_code}
        return self._leave("message", id, ("pending",), **values)

    def sent(
        self,
        id: Key,  # noqa: A002 - as everywhere
        *,
        status_code: int | None = None,
        note: str | None = None,
    ) -> Notification:
        """Note that the message is out; Conflict when that was noted before.

        `note` says what went wrong with a part of it.
        """
        now = tenancy.clock_of(self.session).now()
        values = {"state": "sent", "sent_at": now, "error": note, "next_attempt_at": None}
        return self._leave("message", id, ("pending",), status_code=status_code, **values)

    def failed(
        self,
        id: Key,  # noqa: A002 - as everywhere
        error: str,
        *,
        status_code: int | None = None,
    ) -> Notification:
        """Note that the message cannot be sent; Conflict when it is not pending."""
        values = {"state": "failed", "error": error, "status_code": status_code, "next_attempt_at": None}
        return self._leave("message", id, ("pending",), **values)

    def suppressed(self, id: Key, reason: str) -> Notification:  # noqa: A002 - as everywhere
        """Note that nobody wants the message any more; Conflict when it is not pending."""
        values = {"state": "suppressed", "error": reason, "next_attempt_at": None}
        return self._leave("message", id, ("pending",), **values)

    def give_up_abandoned(self, kind: str, error: str) -> int:
        """Note that pending messages failed where no job of this kind will send them; return how many.

        The dedupe keys of such jobs begin with the key of their message.
        """
        plain = func.replace(cast(Notification.id, String), "-", "")
        sending = select(func.replace(func.substr(JobRecord.dedupe_key, 1, _UUID), "-", "")).where(
            JobRecord.organization_id == tenancy.required_organization_id(self.session),
            JobRecord.kind == kind,
            JobRecord.state.in_(("ready", "running")),
            JobRecord.dedupe_key.is_not(None),
        )
        now = tenancy.clock_of(self.session).now()
        statement = (
            update(Notification)
            .where(Notification.state == "pending", plain.not_in(sending))
            .values(state="failed", error=error, next_attempt_at=None, updated_at=now)
            .execution_options(synchronize_session=False)
        )
        done: Any = self.session.execute(statement)
        return int(done.rowcount)

    def again(self, ids: Iterable[Key]) -> list[Notification]:
        """Let finished messages be sent once more, with all their attempts, under their message ids.

        Returns which were finished.
        """
        keys = [self._key(one) for one in ids]
        statement = (
            update(Notification)
            .where(Notification.id.in_(keys), Notification.state != "pending")
            .values(state="pending", attempts=0, error=None, updated_at=tenancy.clock_of(self.session).now())
            .returning(Notification.id)
            .execution_options(synchronize_session=False)
        )
        done = list(self.session.execute(statement).scalars())
        found = select(Notification).where(Notification.id.in_(done)).order_by(*self._oldest())
        return self._all(found.execution_options(populate_existing=True)) if done else []

    def in_states(
        self, states: Iterable[str], *, since: datetime | None = None, limit: int = 1000, **equals: Any
    ) -> list[Notification]:
        """Return messages in these states that have these values, oldest first."""
        statement = select(Notification).where(*self._equal({**equals, "state": list(states)}))
        if since is not None:
            statement = statement.where(Notification.created_at >= since)
        return self._all(statement.order_by(*self._oldest()).limit(bounded(limit)))

    def for_recipient(self, recipient: str, limit: int = 50) -> list[Notification]:
        """Return a recipient's messages, newest first."""
        statement = select(Notification).where(*self._equal({"recipient": recipient}))
        return self._all(statement.order_by(*self._newest()).limit(bounded(limit)))

    def mark_read(self, id: Key) -> Notification:  # noqa: A002 - as everywhere
        """Note that the person has read the message; the first time stands."""
        row = self.get(id)
        if row.read_at is None:
            return self.update(id, read_at=tenancy.clock_of(self.session).now())
        return row

    def mark_all_read(self, user_id: Key) -> int:
        """Note that a person has read everything shown to them; return how much was new."""
        now = tenancy.clock_of(self.session).now()
        statement = (
            update(Notification)
            .where(
                Notification.user_id == self._key(user_id),
                Notification.channel == "in_app",
                Notification.read_at.is_(None),
            )
            .values(read_at=now, updated_at=now)
            .execution_options(synchronize_session="fetch")
        )
        done: Any = self.session.execute(statement)
        return int(done.rowcount)

    def _insert(self, rows: list[dict[str, Any]]) -> list[UUID]:
        """Write those whose message id is free; return their keys."""
        if not rows:
            return []
        now = tenancy.clock_of(self.session).now()
        plain = {"state": "pending", "attempts": 0, "content": {}, "created_at": now, "updated_at": now}
        names = {name for row in rows for name in row}
        full = [{**dict.fromkeys(names), **plain, **row} for row in rows]
        statement = (
            insert_into(self.session, _NOTIFICATIONS)
            # A single row by name, so that a refusal can say which field is at fault.
            .values(full if len(full) > 1 else full[0])
            .on_conflict_do_nothing(index_elements=["organization_id", "message_id"])
            .returning(_NOTIFICATIONS.c.id)
        )
        self.session.flush()
        return list(self.session.execute(statement).scalars())


def _completed(message: dict[str, Any], now: datetime) -> dict[str, Any]:
    return message | ({"sent_at": now} if message.get("state") == "sent" else {})
