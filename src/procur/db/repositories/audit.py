"""The audit trail: each entry carries the hash of the one before it, so that a changed past shows."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, update

from procur.core.errors import NotAllowed
from procur.core.redaction import redact_value
from procur.db import tenancy
from procur.db.base import columns_of
from procur.db.models import AuditLogRecord, NumberSequence
from procur.db.repositories.base import Key, Repository
from procur.db.repositories.numbering import SEQUENCES, step
from procur.db.values import checked

GENESIS = "0" * 64
_KIND = "audit"
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What verifying a chain found. `broken_at` is the first sequence number that does not fit."""

    intact: bool
    checked: int
    broken_at: int | None = None
    reason: str | None = None


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
        """Append one entry in the caller's transaction; the organisation's other writers wait for its end.

        Personal data and secrets in description, data and changes are redacted first. With an `id` (and the
        time of the event) writing again writes nothing: the entry that is there is returned.
        """
        if id is not None and (known := self.get_by_id(id)) is not None:
            return known
        values = checked(
            AuditLogRecord,
            {
                "action": action,
                "resource_type": resource_type,
                "resource_id": _text(resource_id),
                "actor_type": actor_type,
                "actor_id": _text(actor_id),
                "user_id": _text(user_id),
                "event_category": event_category,
                "severity": severity,
                "event_data": redact_value(dict(event_data or {}), field="event_data"),
                "changes": redact_value(dict(changes or {}), field="changes"),
                "description": redact_value(description),
                "negotiation_session_id": negotiation_session_id,
                # The caller's browser writes these; an entry must not fail for their sake.
                "ip_address": _clipped(ip_address, 64),
                "user_agent": _clipped(user_agent, 512),
                "correlation_id": correlation_id,
                **({} if id is None else {"id": id}),
                **({} if created_at is None else {"created_at": created_at}),
            },
        )
        sequence, previous = step(self.session, _KIND, 0)
        row = AuditLogRecord(
            organization_id=tenancy.required_organization_id(self.session),
            sequence=sequence,
            previous_hash=previous or GENESIS,
            **(
                {"id": tenancy.new_id(self.session), "created_at": tenancy.clock_of(self.session).now()}
                | values
            ),
        )
        row.hash = entry_hash({name: getattr(row, name) for name in _CONTENT})
        self.session.add(row)
        self.session.flush()
        self.session.execute(
            update(SEQUENCES)
            .where(
                SEQUENCES.c.organization_id == row.organization_id,
                SEQUENCES.c.kind == _KIND,
                SEQUENCES.c.year == 0,
            )
            .values(state=row.hash)
        )
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

    def since(self, sequence: int = 0, limit: int = 1000) -> list[AuditLogRecord]:
        """Return the entries after a sequence number, in order."""
        statement = select(AuditLogRecord).where(AuditLogRecord.sequence > sequence)
        return self._all(statement.order_by(AuditLogRecord.sequence).limit(limit))

    def about(
        self, subject: str | None = None, *, before: int | None = None, limit: int = 100
    ) -> list[AuditLogRecord]:
        """Return the last entries about one thing and what follows from it (None: all), in order.

        `before` is the sequence number that they stand before: the first one of the page that was read last.
        """
        statement = select(AuditLogRecord).where(*self._about(subject))
        if before is not None:
            statement = statement.where(AuditLogRecord.sequence < before)
        found = self._all(statement.order_by(AuditLogRecord.sequence.desc()).limit(limit))
        return found[::-1]

    def count_about(self, subject: str | None = None) -> int:
        """Return how many entries are about one thing and what follows from it (None: all)."""
        statement = select(func.count()).select_from(AuditLogRecord).where(*self._about(subject))
        return int(self.session.execute(statement).scalar_one())

    def verify(self) -> ChainReport:
        """Walk the whole chain; report the first entry that was edited, removed, added or moved."""
        owner = tenancy.required_organization_id(self.session)
        columns = [getattr(AuditLogRecord, name) for name in (*_CONTENT, "hash")]
        known, previous = 0, GENESIS
        while True:
            statement = (
                select(*columns)
                .where(AuditLogRecord.organization_id == owner, AuditLogRecord.sequence > known)
                .order_by(AuditLogRecord.sequence)
                .limit(_BATCH)
            )
            rows = self.session.execute(statement).mappings().all()
            for row in rows:
                if reason := _flaw(dict(row), known + 1, previous):
                    return ChainReport(intact=False, checked=known, broken_at=known + 1, reason=reason)
                known, previous = row["sequence"], row["hash"]
            if len(rows) < _BATCH:
                return self._compare_with_head(known, previous, owner)

    def _compare_with_head(self, known: int, previous: str, owner: UUID) -> ChainReport:
        head = self.session.execute(
            select(NumberSequence.value, NumberSequence.state).where(
                NumberSequence.organization_id == owner,
                NumberSequence.kind == _KIND,
                NumberSequence.year == 0,
            )
        ).first()
        value, state = (head[0], head[1]) if head else (0, None)
        if value > known:
            return ChainReport(
                intact=False, checked=known, broken_at=known + 1, reason="the last entries are missing"
            )
        if value < known or (state or GENESIS) != previous:
            return ChainReport(
                intact=False,
                checked=known,
                broken_at=known,
                reason="the chain does not end where its head says",
            )
        return ChainReport(intact=True, checked=known)

    def _about(self, subject: str | None) -> list[Any]:
        if subject is None:
            return []
        return [or_(AuditLogRecord.resource_id == subject, AuditLogRecord.correlation_id == subject)]

    def _newest_where(self, limit: int, **equals: Any) -> list[AuditLogRecord]:
        statement = select(AuditLogRecord).where(*self._equal(equals))
        return self._all(statement.order_by(AuditLogRecord.sequence.desc()).limit(limit))

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


_CONTENT = tuple(name for name in columns_of(AuditLogRecord) if name != "hash")


def entry_hash(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of an entry's canonical JSON, the same from both databases."""
    canonical = json.dumps(
        _canonical(dict(content)), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return hashlib.sha256(canonical.encode()).hexdigest()


def _canonical(value: Any) -> Any:
    """Spell numbers by their value: JSONB returns 1e22 as an integer and SQLite as a float."""
    if isinstance(value, Mapping):
        return {str(key): _canonical(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"#{Decimal(repr(value)).normalize() + 0}"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value.hex if isinstance(value, UUID) else value


def _flaw(row: Mapping[str, Any], expected: int, previous: str) -> str | None:
    if row["sequence"] != expected:
        return "an entry is missing"
    if row["previous_hash"] != previous:
        return "an entry does not follow the one before it"
    if entry_hash({name: row[name] for name in _CONTENT}) != row["hash"]:
        return "an entry was changed"
    return None


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _clipped(value: str | None, length: int) -> str | None:
    if value is None:
        return None
    return value.replace("\x00", "").encode("utf-8", "replace").decode()[:length]
