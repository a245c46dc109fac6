"""Kinds of work: a name, a queue, the shape of the payload. Whoever wants work done needs only this."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from procur.core.context import current_cause
from procur.core.errors import InvalidInput
from procur.db import Session
from procur.db.models import JobRecord
from procur.db.repositories import JobRepository

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Kind(Generic[P]):
    """One kind of work. `payload` is a frozen dataclass of plain values; it is stored as JSON.

    `lasts` is how many seconds one attempt may take before its lease is let go.
    """

    name: str
    queue: str
    payload: type[P]
    max_attempts: int = 8
    lasts: float = 600.0

    def ask(
        self,
        session: Session,
        payload: P,
        *,
        dedupe_key: str | None = None,
        run_at: datetime | None = None,
        priority: int = 0,
        correlation_id: str | None = None,
        created_by: UUID | None = None,
        organization_id: UUID | None = None,
    ) -> tuple[JobRecord, bool]:
        """Ask for this work in the caller's transaction: the job, and whether it is a new one.

        With a `dedupe_key` the same work is asked for once per organisation. Without `run_at` it is due at
        once, by the database's clock.
        """
        cause, shape = current_cause(), cast("Any", self.payload)
        return JobRepository(session).enqueue(
            self.name,
            _adapter(shape).dump_python(payload, mode="json"),
            queue=self.queue,
            dedupe_key=dedupe_key,
            run_at=run_at,
            priority=priority,
            max_attempts=self.max_attempts,
            correlation_id=correlation_id or cause.correlation_id,
            causation_id=cause.causation_id,
            trace=cause.trace,
            created_by=created_by,
            organization_id=organization_id,
        )

    def ask_all(self, session: Session, payloads: Mapping[str, P]) -> int:
        """Ask for many such pieces of work, each by its dedupe key; return how many are new."""
        cause, shape = current_cause(), cast("Any", self.payload)
        return JobRepository(session).enqueue_all(
            self.name,
            {key: _adapter(shape).dump_python(each, mode="json") for key, each in payloads.items()},
            queue=self.queue,
            max_attempts=self.max_attempts,
            correlation_id=cause.correlation_id,
            causation_id=cause.causation_id,
            trace=cause.trace,
        )

    def read(self, payload: Mapping[str, Any]) -> P:
        """Return a stored payload in its shape; InvalidInput names the field that does not fit."""
        shape = cast("Any", self.payload)
        try:
            found: P = _adapter(shape).validate_python(dict(payload))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = ".".join(str(part) for part in first["loc"]) or "payload"
            raise InvalidInput(f"{field}: {first['msg']}", field=field) from error
        return found


@cache
def _adapter(payload: Any) -> TypeAdapter[Any]:
    return TypeAdapter(payload)
