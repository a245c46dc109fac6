"""One effect per request, however often it is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, and_, delete, or_, update

from procur.core.errors import Conflict, InvalidInput, Unavailable
from procur.db import tenancy
from procur.db.models import IdempotencyKey
from procur.db.repositories.base import Repository, bounded
from procur.db.repositories.upserts import insert_into
from procur.db.values import checked

_KEYS: Table = IdempotencyKey.__table__  # type: ignore[assignment]
_TRIES = 5
DAY = 86_400
LAST_STATUS = 599  # of HTTP


@dataclass(frozen=True, slots=True)
class Fresh:
    """The caller holds the key: do the work, then `finish` with this."""

    key_id: UUID
    claim: UUID


@dataclass(frozen=True, slots=True)
class InFlight:
    """Somebody else is at it; ask again after this moment at the latest."""

    locked_until: datetime


@dataclass(frozen=True, slots=True)
class Replay:
    """The work is done; this was the answer."""

    status: int
    body: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The key was used for a different request: refuse."""


class IdempotencyRepository(Repository[IdempotencyKey]):
    """Callers' names for their requests.

    Begin and finish in the transaction of the effect: when it rolls back, the key is free again. Where the
    effect needs the network, begin in a transaction of its own: then a crash keeps the key until its lock
    ends, and whoever comes next takes it over.
    """

    model = IdempotencyKey

    def begin(
        self, key: str, request_hash: str, *, scope: str = "", lock_seconds: int = 60, keep_seconds: int = DAY
    ) -> Fresh | InFlight | Replay | Mismatch:
        """Take the key, or say why not. Of any number who ask together one gets Fresh.

        `request_hash` stands for the request's content; `scope` for what the key belongs to besides the
        organisation (a route, a person). After `keep_seconds` a key means nothing any more.
        """
        self._check(key=key, request_hash=request_hash, scope=scope)
        lock = bounded(lock_seconds, "lock_seconds", least=1, most=DAY)
        keep = bounded(keep_seconds, "keep_seconds", least=lock, most=400 * DAY)
        for _ in range(_TRIES):
            taken = self._take(
                key, request_hash, scope, lock=timedelta(seconds=lock), keep=timedelta(seconds=keep)
            )
            if taken is not None:
                return taken
            row = self.find(key=key, scope=scope)
            if row is not None:
                return _answer(self._fresh(row.id), request_hash)
        raise Unavailable("the key changes hands all the time", hint="try again")

    def finish(self, begun: Fresh, *, status: int, body: Mapping[str, Any] | None = None) -> None:
        """Keep the answer for those who ask again; Conflict when the key was lost to somebody else.

        Call it in the transaction of the effect, so that a lost key undoes the effect too.
        """
        if bounded(status, "status", least=100) > LAST_STATUS:
            raise InvalidInput(f"status must be from 100 to {LAST_STATUS}", field="status")
        now = tenancy.clock_of(self.session).now()
        answer = checked(
            IdempotencyKey,
            {"response_status": status, "response_body": body, "state": "done", "updated_at": now},
        )
        statement = (
            update(IdempotencyKey)
            .where(
                IdempotencyKey.id == begun.key_id,
                IdempotencyKey.claim == begun.claim,
                IdempotencyKey.state == "in_flight",
            )
            .values(**answer)
            .execution_options(synchronize_session="fetch")
        )
        changed: Any = self.session.execute(statement)
        if changed.rowcount != 1:
            raise Conflict("this request was taken over by another attempt", field="key")

    def expire(self, now: datetime | None = None) -> int:
        """Forget the keys whose time is over; return how many."""
        moment = self._moment(now)
        statement = delete(IdempotencyKey).where(IdempotencyKey.expires_at <= moment)
        gone: Any = self.session.execute(statement.execution_options(synchronize_session="fetch"))
        return int(gone.rowcount)

    def _take(
        self, key: str, request_hash: str, scope: str, *, lock: timedelta, keep: timedelta
    ) -> Fresh | None:
        now = tenancy.clock_of(self.session).now()
        claim = tenancy.new_id(self.session)
        held = {
            "request_hash": request_hash,
            "state": "in_flight",
            "claim": claim,
            "response_status": None,
            "response_body": None,
            "locked_until": now + lock,
            "expires_at": now + keep,
            "updated_at": now,
        }
        names = {
            "organization_id": tenancy.required_organization_id(self.session),
            "id": tenancy.new_id(self.session),
            "scope": scope,
            "key": key,
            "created_at": now,
        }
        statement = (
            insert_into(self.session, _KEYS)
            .values(**names, **held)
            .on_conflict_do_update(
                index_elements=["organization_id", "scope", "key"],
                set_=held,
                where=_is_free(request_hash, now),
            )
            .returning(_KEYS.c.id)
        )
        key_id = self.session.execute(statement).scalar()
        return None if key_id is None else Fresh(key_id, claim)

    def _check(self, **given: Any) -> None:
        values = checked(IdempotencyKey, given)
        for name in ("key", "request_hash"):
            if not values[name]:
                raise InvalidInput(f"{name} is required", field=name)

    def _moment(self, given: datetime | None) -> datetime:
        if given is None:
            return tenancy.clock_of(self.session).now()
        moment: datetime = checked(IdempotencyKey, {"expires_at": given})["expires_at"]
        return moment


def _is_free(request_hash: str, now: datetime) -> ColumnElement[bool]:
    """Say when a key there is may be taken: forgotten, or the same request whose holder did not come back."""
    columns = _KEYS.c
    abandoned = and_(
        columns.state == "in_flight", columns.locked_until <= now, columns.request_hash == request_hash
    )
    return or_(columns.expires_at <= now, abandoned)


def _answer(row: IdempotencyKey, request_hash: str) -> InFlight | Replay | Mismatch:
    if row.request_hash != request_hash:
        return Mismatch()
    if row.state == "done" and row.response_status is not None:
        body = None if row.response_body is None else dict(row.response_body)
        return Replay(row.response_status, body)
    return InFlight(row.locked_until)
