"""Gives committed facts their place: one row of increasing numbers per organisation, without a gap."""

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, Uuid, bindparam, exists, func, select, text, tuple_, update
from sqlalchemy.orm import Session

from procur.db import tenancy
from procur.db.arguments import Checked
from procur.db.models import EventHead, EventRecord, Organization
from procur.db.repositories.base import bounded
from procur.db.repositories.upserts import insert_into

_EVENTS: Table = EventRecord.__table__  # type: ignore[assignment]
_HEADS: Table = EventHead.__table__  # type: ignore[assignment]
_ORGANIZATIONS: Table = Organization.__table__  # type: ignore[assignment]
_ONE_BY_ONE = (
    update(_EVENTS)
    .where(_EVENTS.c.organization_id == bindparam("owner"), _EVENTS.c.id == bindparam("key"))
    .values(position=bindparam("place"), version=bindparam("count"))
)
# A server at the other end of a network is asked once (three to five times as fast as one by one).
_AT_ONCE = text(
    "UPDATE events SET position = given.place, version = given.count, published_at = :now, updated_at = :now "
    "FROM unnest(CAST(:keys AS uuid[]), CAST(:places AS bigint[]), CAST(:counts AS bigint[])) "
    "AS given (key, place, count) WHERE organization_id = :owner AND id = given.key"
).bindparams(bindparam("owner", type_=Uuid()))


class EventLogRepository(Checked):
    """Numbers an organisation's facts. A system session may only ask whose facts wait."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def unnumbered(self) -> list[UUID]:
        """Return the organisations that have committed facts without a position."""
        waits = exists().where(_EVENTS.c.organization_id == _ORGANIZATIONS.c.id, _EVENTS.c.position.is_(None))
        statement = select(_ORGANIZATIONS.c.id).where(_ORGANIZATIONS.c.deleted_at.is_(None), waits)
        own = tenancy.organization_id(self.session)
        if own is not None:
            statement = statement.where(_ORGANIZATIONS.c.id == own)
        return list(self.session.scalars(statement))

    def number(self, limit: int = 1000) -> int:
        """Give the oldest facts that have none a position, and a version if need be; return how many.

        Whoever numbers holds the head until the transaction ends. What it sees then is committed, and what
        commits later gets a higher number: readers that go by position miss nothing.
        """
        owner = tenancy.required_organization_id(self.session)
        size = bounded(limit, least=1)
        self.session.flush()
        head = self._locked_head(owner)
        rows = list(self.session.execute(_next(owner).limit(size)))
        if not rows:
            return 0
        if len(rows) == size:
            rows += self._overtaken(owner, rows)
        self._write(owner, head, _in_order(rows))
        return len(rows)

    def head(self) -> int:
        """Return the organisation's highest position, 0 at the beginning."""
        owner = tenancy.required_organization_id(self.session)
        found = self.session.scalar(select(_HEADS.c.position).where(_HEADS.c.organization_id == owner))
        return found or 0

    def _locked_head(self, owner: UUID) -> int:
        first = insert_into(self.session, _HEADS).values(organization_id=owner, position=0)
        again = first.on_conflict_do_update(
            index_elements=["organization_id"], set_={"position": _HEADS.c.position}
        )
        return int(self.session.execute(again.returning(_HEADS.c.position)).scalar_one())

    def _overtaken(self, owner: UUID, rows: Sequence[Any]) -> list[Any]:
        """Return facts beyond a full batch whose own version is below one of their aggregate in it."""
        highest: dict[tuple[str, str], int] = {}
        for row in rows:
            if row.version is not None:
                highest[_about(row)] = max(row.version, highest.get(_about(row), 0))
        if not highest:
            return []
        batch = {row.id for row in rows}
        statement = _next(owner).where(
            _EVENTS.c.version.is_not(None),
            tuple_(_EVENTS.c.aggregate_type, _EVENTS.c.aggregate_id).in_(list(highest)),
        )
        found = self.session.execute(statement)
        return [row for row in found if row.id not in batch and row.version < highest[_about(row)]]

    def _write(self, owner: UUID, head: int, rows: Iterable[Any]) -> None:
        now = tenancy.clock_of(self.session).now()
        versions: dict[tuple[str, str], int] = {}
        places = []
        for position, row in enumerate(rows, start=head + 1):
            version = row.version
            if version is None:
                version = versions.get(_about(row), row.last or 0) + 1
                versions[_about(row)] = version
            places.append((row.id, position, version))
        if self.session.get_bind().dialect.name == "postgresql":
            keys, positions, counts = zip(*places, strict=True)
            columns = {"keys": list(map(str, keys)), "places": list(positions), "counts": list(counts)}
            self.session.execute(_AT_ONCE, {**columns, "owner": owner, "now": now})
        else:
            rows = [{"key": key, "place": place, "count": count} for key, place, count in places]
            statement = _ONE_BY_ONE.values(published_at=now, updated_at=now)
            self.session.connection().execute(statement, [{**row, "owner": owner} for row in rows])
        moved = update(_HEADS).where(_HEADS.c.organization_id == owner)
        self.session.execute(moved.values(position=head + len(places)))


def _next(owner: UUID) -> Select[Any]:
    """Select what has no position, oldest first, with the last version that its aggregate has."""
    known = _EVENTS.alias()
    last = (
        select(func.max(known.c.version))
        .where(
            known.c.organization_id == _EVENTS.c.organization_id,
            known.c.aggregate_type == _EVENTS.c.aggregate_type,
            known.c.aggregate_id == _EVENTS.c.aggregate_id,
        )
        .scalar_subquery()
    )
    return (
        select(
            _EVENTS.c.id,
            _EVENTS.c.aggregate_type,
            _EVENTS.c.aggregate_id,
            _EVENTS.c.version,
            last.label("last"),
        )
        .where(_EVENTS.c.organization_id == owner, _EVENTS.c.position.is_(None))
        .order_by(_EVENTS.c.created_at, _EVENTS.c.id)
    )


def _in_order(rows: Sequence[Any]) -> list[Any]:
    """Leave each aggregate its places; in them come its facts with a version of their own, by version."""
    queues: dict[tuple[str, str], deque[Any]] = defaultdict(deque)
    for row in sorted(rows, key=lambda row: (row.version is None, row.version or 0)):
        queues[_about(row)].append(row)
    return [queues[_about(row)].popleft() for row in rows]


def _about(row: Any) -> tuple[str, str]:
    return row.aggregate_type, row.aggregate_id
