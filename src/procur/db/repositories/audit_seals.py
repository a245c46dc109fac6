"""What proves the audit trail: the queue of unsealed entries, the seals, the head, the checkpoints."""

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
_SEALED = and_(_SEALS.c.organization_id == _ENTRIES.c.organization_id, _SEALS.c.audit_log_id == _ENTRIES.c.id)


@dataclass(frozen=True, slots=True)
class Head:
    """Where the sealed trail ends; `frontier` as hexadecimal hashes, largest subtree first."""

    size: int
    chain_hash: str
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

    def export(self, wanted: TrailFilter, *, batch: int = 1000) -> Iterator[dict[str, Any]]:
        """Yield entries with `sequence`, `leaf_hash`, `chain_hash` (None while they wait), oldest first."""
        place = (_ENTRIES.c.created_at.label("at"), _ENTRIES.c.id.label("key"))
        proof = (_SEALS.c.sequence, _SEALS.c.leaf_hash, _SEALS.c.chain_hash)
        statement = (
            select(*place, *proof, *spelled_columns(self.session, _ENTRIES))
            .outerjoin(_SEALS, _SEALED)
            .where(_ENTRIES.c.organization_id == self.owner, *wanted.conditions())
            .order_by(_ENTRIES.c.created_at, _ENTRIES.c.id)
            .limit(batch)
        )
        rows = self._rows(statement)
        while rows:
            for row in rows:
                yield {column.name: row[column.name] for column in proof} | spelled(row, _ENTRIES)
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

    def last_checkpoint(self) -> AuditCheckpointRecord | None:
        """Return the checkpoint of the largest size."""
        statement = select(AuditCheckpointRecord).where(AuditCheckpointRecord.organization_id == self.owner)
        return self.session.scalars(statement.order_by(AuditCheckpointRecord.size.desc()).limit(1)).first()

    def checkpoint_notes(self) -> list[str]:
        """Return the notes of all checkpoints, smallest size first."""
        statement = select(_CHECKPOINTS.c.note).where(_CHECKPOINTS.c.organization_id == self.owner)
        return list(self.session.execute(statement.order_by(_CHECKPOINTS.c.size)).scalars())

    # ------------------------------------------------------------------------------------------------------

    def _head(self, *, for_update: bool = False) -> Head | None:
        columns = (_HEADS.c.size, _HEADS.c.chain_hash, _HEADS.c.frontier)
        statement = select(*columns).where(_HEADS.c.organization_id == self.owner)
        row = self.session.execute(statement.with_for_update() if for_update else statement).first()
        return None if row is None else Head(row[0], row[1], list(row[2]))

    def _rows(self, statement: Select[Any], **values: Any) -> Sequence[Any]:
        return self.session.execute(statement, values).mappings().all()


def _mine(table: Table, owner: UUID) -> Select[Any]:
    return select(func.count()).select_from(table).where(table.c.organization_id == owner)
