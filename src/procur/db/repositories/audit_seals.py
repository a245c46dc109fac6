"""What proves the audit trail: the queue of unsealed entries, the seals, the head, the checkpoints."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Select,
    Table,
    Uuid,
    and_,
    bindparam,
    delete,
    exists,
    func,
    literal,
    select,
    tuple_,
    update,
)
from sqlalchemy.orm import Session

from procur.db import tenancy
from procur.db.models import (
    AuditCheckpointRecord,
    AuditHeadRecord,
    AuditLogRecord,
    AuditSealRecord,
    AuditUnsealedRecord,
)
from procur.db.repositories.audit import TrailFilter
from procur.db.repositories.audit_rows import spelled, spelled_columns
from procur.db.repositories.upserts import insert_into
from procur.db.types import UtcDateTime
from procur.db.values import checked, refuse_missing

NO_HASH = "0" * 64
_ENTRIES: Table = AuditLogRecord.__table__  # type: ignore[assignment]
_WAITING: Table = AuditUnsealedRecord.__table__  # type: ignore[assignment]
_SEALS: Table = AuditSealRecord.__table__  # type: ignore[assignment]
_HEADS: Table = AuditHeadRecord.__table__  # type: ignore[assignment]
_CHECKPOINTS: Table = AuditCheckpointRecord.__table__  # type: ignore[assignment]
_PROOF = (_SEALS.c.sequence, _SEALS.c.leaf_hash, _SEALS.c.chain_hash)
_SEALED = and_(_SEALS.c.organization_id == _ENTRIES.c.organization_id, _SEALS.c.audit_log_id == _ENTRIES.c.id)


@dataclass(frozen=True, slots=True)
class Head:
    """Where the sealed trail ends; `frontier` as hexadecimal hashes, largest subtree first.

    Where somebody has bent the row, what is no number is -1 and what is no list of texts is [""].
    """

    size: int
    chain_hash: str
    frontier: list[str]


@dataclass(frozen=True, slots=True)
class KeptCheckpoint:
    """A checkpoint's note, and the frontier at its size (as in Head)."""

    note: str
    frontier: list[str]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows there are, counted in one statement so that they fit one another."""

    entries: int
    sealed: int
    waiting: int


class AuditSealRepository:
    """Reads and appends seals of the session's organisation. Rows come spelled out (see `audit_rows`)."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.owner: UUID = tenancy.required_organization_id(session)

    # -- for the sealer ------------------------------------------------------------------------------------

    def locked_head(self) -> Head:
        """Return the head, made if need be; other sealers of the organisation wait until this ends."""
        first = {"organization_id": self.owner, "size": 0, "chain_hash": NO_HASH, "frontier": []}
        statement = insert_into(self.session, _HEADS).values(**first)
        self.session.execute(statement.on_conflict_do_nothing(index_elements=["organization_id"]))
        return self._head(for_update=True) or Head(0, NO_HASH, [])

    def take_waiting(self, limit: int) -> list[dict[str, Any]]:
        """Take the oldest waiting entries out of the queue and return those that have no seal yet, in order.

        By rows and not by a position: an entry whose transaction ends late is found by the next run.
        """
        oldest = (
            select(_WAITING.c.created_at, _WAITING.c.id)
            .where(_WAITING.c.organization_id == self.owner)
            .order_by(_WAITING.c.created_at, _WAITING.c.id)
            .limit(limit)
        )
        taken = self.session.execute(
            delete(_WAITING)
            .where(
                _WAITING.c.organization_id == self.owner,
                tuple_(_WAITING.c.created_at, _WAITING.c.id).in_(oldest),
            )
            .returning(_WAITING.c.id)
        )
        keys = list(taken.scalars())
        statement = (
            select(*spelled_columns(self.session, _ENTRIES))
            .outerjoin(_SEALS, _SEALED)
            .where(
                _ENTRIES.c.organization_id == self.owner,
                _ENTRIES.c.id.in_(keys),
                _SEALS.c.sequence.is_(None),
            )
            .order_by(_ENTRIES.c.created_at, _ENTRIES.c.id)
        )
        return [spelled(row, _ENTRIES) for row in self._rows(statement)] if keys else []

    def append(self, seals: Sequence[dict[str, Any]], head: Head) -> None:
        """Write seals (sequence, audit_log_id, leaf_hash, chain_hash) and move the head behind them."""
        now = tenancy.clock_of(self.session).now()
        more = {"organization_id": self.owner, "sealed_at": now}
        self.session.execute(_SEALS.insert(), [{**seal, **more} for seal in seals])
        self.session.execute(
            update(_HEADS)
            .where(_HEADS.c.organization_id == self.owner)
            .values(size=head.size, chain_hash=head.chain_hash, frontier=head.frontier, sealed_at=now)
        )

    # -- for the verifier ----------------------------------------------------------------------------------

    def head(self) -> Head | None:
        """Return the head, None before the first sealing."""
        return self._head()

    def counts(self) -> Counts:
        """Count entries, seals and what waits."""
        waiting = _mine(_WAITING, self.owner).where(
            ~exists().where(_SEALS.c.organization_id == self.owner, _SEALS.c.audit_log_id == _WAITING.c.id)
        )
        statement = select(
            *(query.scalar_subquery() for query in (_mine(_ENTRIES, self.owner), _mine(_SEALS, self.owner))),
            waiting.scalar_subquery(),
        )
        row: Any = self.session.execute(statement).one()
        return Counts(row[0], row[1], row[2])

    def seals_beyond_head(self) -> int:
        """Count the seals behind the head; there are none unless somebody has put them there."""
        size = select(_HEADS.c.size).where(_HEADS.c.organization_id == self.owner).scalar_subquery()
        statement = _mine(_SEALS, self.owner).where(_SEALS.c.sequence > func.coalesce(size, 0))
        found: int = self.session.execute(statement).scalar_one()
        return found

    def walk(self, *, batch: int = 1000) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Yield each seal with its entry, in the seals' order; of a missing entry the `id` is None."""
        # A page of seals first, then its entries: the other way round every page may read all entries.
        page = (
            select(
                _SEALS.c.sequence.label("place"),
                _SEALS.c.audit_log_id.label("key"),
                *spelled_columns(self.session, _SEALS),
            )
            .where(_SEALS.c.organization_id == self.owner, _SEALS.c.sequence > bindparam("after"))
            .order_by(_SEALS.c.sequence)
            .limit(batch)
            .subquery()
        )
        mine = and_(_ENTRIES.c.organization_id == self.owner, _ENTRIES.c.id == page.c.key)
        statement = (
            select(page, *spelled_columns(self.session, _ENTRIES))
            .select_from(page.outerjoin(_ENTRIES, mine))
            .order_by(page.c.place)
        )
        after: Any = -(1 << 63)
        while rows := self._rows(statement, after=after):
            for row in rows:
                yield spelled(row, _SEALS), spelled(row, _ENTRIES)
            after = rows[-1]["place"]

    def leaves(self, *, after: int, batch: int = 10_000) -> Iterator[tuple[int, str]]:
        """Yield number and leaf hash of each seal behind a number."""
        while True:
            statement = (
                select(_SEALS.c.sequence, _SEALS.c.leaf_hash)
                .where(_SEALS.c.organization_id == self.owner, _SEALS.c.sequence > after)
                .order_by(_SEALS.c.sequence)
                .limit(batch)
            )
            rows = self.session.execute(statement).all()
            yield from rows
            if len(rows) < batch:
                return
            after = rows[-1][0]

    def strays(self, limit: int) -> list[dict[str, Any]]:
        """Return entries that have no seal and do not wait for one: nobody wrote them through Procur."""
        waits = exists().where(
            _WAITING.c.organization_id == _ENTRIES.c.organization_id, _WAITING.c.id == _ENTRIES.c.id
        )
        statement = (
            select(*spelled_columns(self.session, _ENTRIES))
            .outerjoin(_SEALS, and_(_SEALED, _SEALS.c.sequence > 0))  # no sealer numbers from below 1
            .where(_ENTRIES.c.organization_id == self.owner, _SEALS.c.sequence.is_(None), ~waits)
            .order_by(_ENTRIES.c.created_at, _ENTRIES.c.id)
            .limit(limit)
        )
        return [spelled(row, _ENTRIES) for row in self._rows(statement)]

    def exported_columns(self) -> list[str]:
        """Return the names of what `export` yields, in its order."""
        return [column.name for column in (*_PROOF, *_ENTRIES.columns)]

    def export(self, wanted: TrailFilter, *, batch: int = 1000) -> Iterator[dict[str, Any]]:
        """Yield entries with `sequence`, `leaf_hash`, `chain_hash` (None while they wait), oldest first."""
        place = (_ENTRIES.c.created_at.label("at"), _ENTRIES.c.id.label("key"))
        statement = (
            select(*place, *_PROOF, *spelled_columns(self.session, _ENTRIES))
            .outerjoin(_SEALS, _SEALED)
            .where(_ENTRIES.c.organization_id == self.owner, *wanted.conditions())
            .order_by(_ENTRIES.c.created_at, _ENTRIES.c.id)
            .limit(batch)
        )
        rows = self._rows(statement)
        while rows:
            for row in rows:
                yield {column.name: row[column.name] for column in _PROOF} | spelled(row, _ENTRIES)
            last = tuple_(literal(rows[-1]["at"], UtcDateTime()), literal(rows[-1]["key"], Uuid()))
            rows = self._rows(statement.where(tuple_(_ENTRIES.c.created_at, _ENTRIES.c.id) > last))

    # -- checkpoints ---------------------------------------------------------------------------------------

    def add_checkpoint(self, **values: Any) -> AuditCheckpointRecord:
        """Keep a checkpoint beside the trail."""
        complete = checked(AuditCheckpointRecord, {"organization_id": self.owner, **values})
        complete.setdefault("created_at", tenancy.clock_of(self.session).now())
        refuse_missing(AuditCheckpointRecord, complete)
        row = AuditCheckpointRecord(**complete)
        self.session.add(row)
        self.session.flush()
        return row

    def last_checkpoint(self) -> KeptCheckpoint | None:
        """Return the checkpoint of the largest size."""
        found = self._checkpoints(_CHECKPOINTS.c.size.desc(), limit=1)
        return found[0] if found else None

    def checkpoint_notes(self) -> list[str]:
        """Return the notes of all checkpoints, smallest size first."""
        return [kept.note for kept in self._checkpoints(_CHECKPOINTS.c.size)]

    # ------------------------------------------------------------------------------------------------------

    def _checkpoints(self, order: Any, *, limit: int | None = None) -> list[KeptCheckpoint]:
        statement = (
            select(*spelled_columns(self.session, _CHECKPOINTS))
            .where(_CHECKPOINTS.c.organization_id == self.owner)
            .order_by(order)
            .limit(limit)
        )
        rows = [spelled(row, _CHECKPOINTS) for row in self._rows(statement)]
        return [KeptCheckpoint(str(row["note"]), _texts(row["frontier"])) for row in rows]

    def _head(self, *, for_update: bool = False) -> Head | None:
        statement = select(*spelled_columns(self.session, _HEADS)).where(
            _HEADS.c.organization_id == self.owner
        )
        rows = self._rows(statement.with_for_update() if for_update else statement)
        if not rows:
            return None
        row = spelled(rows[0], _HEADS)
        size = row["size"]
        return Head(size if isinstance(size, int) else -1, str(row["chain_hash"]), _texts(row["frontier"]))

    def _rows(self, statement: Select[Any], **values: Any) -> Sequence[Any]:
        return self.session.execute(statement, values).mappings().all()


def _mine(table: Table, owner: UUID) -> Select[Any]:
    return select(func.count()).select_from(table).where(table.c.organization_id == owner)


def _texts(document: object) -> list[str]:
    """Return the list of texts that a JSON document is, [""] where it is something else."""
    try:
        found = json.loads(str(document))
    except (ValueError, RecursionError):
        found = None
    whole = isinstance(found, list) and all(isinstance(one, str) for one in found)
    return found if whole else [""]
