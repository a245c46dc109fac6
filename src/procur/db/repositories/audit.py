"""The audit trail: appends entries and reads them. What proves them is in `audit_seals`."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, Table, Uuid, and_, func, literal, or_, select, tuple_

from procur.core.errors import InvalidInput, NotAllowed
from procur.core.redaction import redact_value
from procur.db import tenancy
from procur.db.models import AuditLogRecord, AuditSealRecord, AuditUnsealedRecord
from procur.db.repositories.base import Key, Repository, bounded, cursor_of, read_cursor
from procur.db.types import UtcDateTime
from procur.db.values import checked, moment_of, text_of

LARGEST_READ = 100_000
_WAITING: Table = AuditUnsealedRecord.__table__  # type: ignore[assignment]
_WRITTEN: Final = "audit_written"  # the key in session.info


@dataclass(frozen=True, slots=True)
class TrailFilter:
    """Which entries; None leaves a question open.

    `subject` is a business id: entries about it and about what follows from it. `user` is a person's id or
    what the trail shows (an e-mail address). `since` is included, `until` is not.
    """

    subject: str | None = None
    action: str | None = None
    category: str | None = None
    severity: str | None = None
    user: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> list[Any]:
        """Return the filter as conditions on AuditLogRecord; InvalidInput names a field that does not fit."""
        row = AuditLogRecord
        asked = {
            "action": self.action,
            "event_category": self.category,
            "severity": self.severity,
        }
        equal = checked(row, {name: value for name, value in asked.items() if value is not None})
        found: list[Any] = [getattr(row, name) == value for name, value in equal.items()]
        if self.subject is not None:
            subject = text_of(self.subject, "subject")
            found.append(or_(row.resource_id == subject, row.correlation_id == subject))
        if self.user is not None:
            user = text_of(self.user, "user")
            found.append(or_(row.user_id == user, row.actor_id == user))
        if self.since is not None:
            found.append(row.created_at >= moment_of(self.since, "since"))
        if self.until is not None:
            found.append(row.created_at < moment_of(self.until, "until"))
        return found


@dataclass(frozen=True, slots=True)
class TrailEntry:
    """An entry with its number in the sealed trail, None while it waits for its seal."""

    row: AuditLogRecord
    sequence: int | None


@dataclass(frozen=True, slots=True)
class TrailPage:
    """Some entries, newest first, and where the ones before them start (None: these were the last)."""

    rows: list[TrailEntry]
    next_cursor: str | None


class AuditRepository(Repository[AuditLogRecord]):
    """Appends to and reads the audit trail; there is no way to change it."""

    model = AuditLogRecord

    def log_action(
        self,
        *,
        action: str,
        resource_type: str | None = None,
        resource_id: object = None,
        actor_type: str = "user",
        actor_id: object = None,
        user_id: object = None,
        event_category: str = "general",
        severity: str = "info",
        event_data: Mapping[str, Any] | None = None,
        changes: Mapping[str, Any] | None = None,
        description: str | None = None,
        negotiation_session_id: Key | None = None,
        ip_address: str | None = None,
        user_agent: str | None = None,
        correlation_id: str | None = None,
        id: Key | None = None,  # noqa: A002 - as everywhere
        created_at: datetime | None = None,
    ) -> AuditLogRecord:
        """Append one entry in the caller's transaction; it is sealed after the commit, so nobody waits.

        Personal data and secrets in description, data and changes are redacted first. With an `id` (and the
        time of the event) writing again writes nothing: the entry that is there is returned.
        """
        if id is not None and (known := self.get_by_id(id)) is not None:
            return known
        return self._append(
            {
                "action": action,
                "resource_type": resource_type,
                "resource_id": _text(resource_id),
                "actor_type": actor_type,
                "actor_id": _text(actor_id),
                "user_id": _text(user_id),
                "event_category": event_category,
                "severity": severity,
                "event_data": redact_value(_object(event_data, "event_data"), field="event_data"),
                "changes": redact_value(_object(changes, "changes"), field="changes"),
                "description": redact_value(description),
                "negotiation_session_id": negotiation_session_id,
                # The caller's browser writes these; an entry must not fail for their sake.
                "ip_address": _clipped(ip_address, 64),
                "user_agent": _clipped(user_agent, 512),
                "correlation_id": correlation_id,
                **({} if id is None else {"id": id}),
                **({} if created_at is None else {"created_at": created_at}),
            }
        )

    def _append(self, given: dict[str, Any]) -> AuditLogRecord:
        """Write one entry and that it waits for its seal; the only place where entries are written."""
        row = AuditLogRecord(
            organization_id=tenancy.required_organization_id(self.session),
            **(
                {"id": tenancy.new_id(self.session), "created_at": tenancy.clock_of(self.session).now()}
                | checked(AuditLogRecord, given)
            ),
        )
        self.session.add(row)
        self.session.flush()
        waiting = {"organization_id": row.organization_id, "created_at": row.created_at, "id": row.id}
        self.session.execute(_WAITING.insert(), waiting)
        self.session.info[_WRITTEN] = True
        return row

    def create_audit_log(
        self,
        *,
        event_type: str,
        event_category: str = "general",
        severity: str = "info",
        description: str | None = None,
        user_id: object = None,
        extra_metadata: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> AuditLogRecord:
        """Append one entry (the documented names of the conversation module)."""
        return self.log_action(
            action=event_type,
            event_category=event_category,
            severity=severity,
            description=description,
            user_id=user_id,
            event_data=extra_metadata,
            **more,
        )

    def create(self, **values: Any) -> AuditLogRecord:
        """Append one entry."""
        known = inspect.signature(self.log_action).parameters
        for name in values:
            if name not in known:
                raise InvalidInput(f"an audit entry has no field {name!r}", field=name)
        if "action" not in values:
            raise InvalidInput("action is required", field="action")
        return self.log_action(**values)

    def get_by_user(self, user_id: object, limit: int = 100) -> list[AuditLogRecord]:
        """Return what a person did, newest first."""
        return self._newest_where(limit, user_id=_text(user_id))

    def get_user_audit_logs(self, user_id: object, limit: int = 100) -> list[AuditLogRecord]:
        """Return what a person did, newest first (the second documented name)."""
        return self.get_by_user(user_id, limit)

    def get_by_resource(
        self, resource_type: str, resource_id: object, limit: int = 100
    ) -> list[AuditLogRecord]:
        """Return what happened to one thing, newest first."""
        return self._newest_where(limit, resource_type=resource_type, resource_id=_text(resource_id))

    def get_by_negotiation(self, negotiation_session_id: Key, limit: int = 1000) -> list[AuditLogRecord]:
        """Return what happened in a negotiation, newest first."""
        return self._newest_where(limit, negotiation_session_id=negotiation_session_id)

    def get_logs_by_type(self, event_type: str, limit: int = 100) -> list[AuditLogRecord]:
        """Return the entries of one kind, newest first."""
        return self._newest_where(limit, action=event_type)

    def since(self, entry: Key | None = None, limit: int = 1000) -> list[AuditLogRecord]:
        """Return the entries written after this one (None: from the first), in order."""
        statement = select(AuditLogRecord)
        if entry is not None:
            known = self.get(entry)
            statement = statement.where(_place() > _at(known.created_at, known.id))
        limit = bounded(limit, most=LARGEST_READ)
        return self._all(statement.order_by(*self._oldest()).limit(limit))

    def trail(
        self, wanted: TrailFilter | None = None, *, cursor: str | None = None, limit: int = 100
    ) -> TrailPage:
        """Return entries with their numbers, newest first, from where the last page ended."""
        size = bounded(limit, least=1, most=LARGEST_READ)
        statement = self._numbered().where(*(wanted or TrailFilter()).conditions())
        if cursor is not None:
            statement = statement.where(_place() < _at(*read_cursor(cursor)))
        statement = statement.order_by(*self._newest()).limit(size + 1)
        rows = [TrailEntry(row, sequence) for row, sequence in self.session.execute(statement)]
        more = len(rows) > size
        return TrailPage(rows[:size], cursor_of(rows[size - 1].row) if more else None)

    def count_trail(self, wanted: TrailFilter | None = None) -> int:
        """Return how many entries `trail` would show in all."""
        conditions = (wanted or TrailFilter()).conditions()
        statement = select(func.count()).select_from(AuditLogRecord).where(*conditions)
        return int(self.session.execute(statement).scalar_one())

    def has_written(self) -> bool:
        """Say whether this session has appended entries, so that they should be sealed after its commit."""
        return bool(self.session.info.get(_WRITTEN))

    def _numbered(self) -> Select[*tuple[Any, ...]]:
        seal = and_(
            AuditSealRecord.organization_id == AuditLogRecord.organization_id,
            AuditSealRecord.audit_log_id == AuditLogRecord.id,
        )
        return select(AuditLogRecord, AuditSealRecord.sequence).outerjoin(AuditSealRecord, seal)

    def _newest_where(self, limit: int, **equals: Any) -> list[AuditLogRecord]:
        statement = select(AuditLogRecord).where(*self._equal(equals)).order_by(*self._newest())
        return self._all(statement.limit(bounded(limit, most=LARGEST_READ)))

    def _change(self, row: AuditLogRecord, values: Mapping[str, Any]) -> AuditLogRecord:  # noqa: ARG002
        raise NotAllowed("the audit trail cannot be changed")

    def advance(self, id: Key, *, expected: Mapping[str, Any], **values: Any) -> AuditLogRecord:  # noqa: A002, ARG002
        """Refuse: the trail is append-only."""
        raise NotAllowed("the audit trail cannot be changed")

    def soft_delete(self, id: Key) -> bool:  # noqa: A002, ARG002 - documented name
        """Refuse: the trail is append-only."""
        raise NotAllowed("the audit trail cannot be changed")

    def delete(self, id: Key) -> bool:  # noqa: A002, ARG002 - documented name
        """Refuse: the trail is append-only."""
        raise NotAllowed("the audit trail cannot be changed")


def _place() -> Any:
    return tuple_(AuditLogRecord.created_at, AuditLogRecord.id)


def _at(moment: datetime, key: Key) -> Any:
    return tuple_(literal(moment, UtcDateTime()), literal(key, Uuid()))


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _object(value: Any, field: str) -> dict[str, Any]:
    if value is not None and not isinstance(value, Mapping):
        raise InvalidInput(f"{field} must be an object of names and values", field=field)
    return dict(value or {})


def _clipped(value: Any, length: int) -> Any:
    if not isinstance(value, str):
        return value  # None, or refused by the column's own check
    return value.replace("\x00", "").encode("utf-8", "replace").decode()[:length]
