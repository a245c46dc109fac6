"""What goes with a row: the tables whose keys say ON DELETE CASCADE, and their rows.

The database would remove such rows silently. Here they are found first: a plain delete refuses to take them
along, and a purge counts what it removes.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ColumnElement, ForeignKeyConstraint, Table, delete, inspect, or_, select
from sqlalchemy.orm import Session

from procur.db.models import Base


@cache
def depending(table: Table) -> tuple[tuple[Table, Column[Any]], ...]:
    """Return the tables whose rows go with a row of this one, and the column that names it."""
    return tuple(
        (other, _naming(key))
        for other in Base.metadata.sorted_tables
        for key in other.foreign_key_constraints
        if key.referred_table is table and key.ondelete == "CASCADE" and other is not table
    )


def has_dependents(session: Session, row: Any) -> bool:
    """Say whether deleting this row would take others along."""
    owner = getattr(row, "organization_id", row.id)
    return any(
        session.connection()
        .execute(select(1).select_from(table).where(_own(table, owner), column == row.id).limit(1))
        .first()
        for table, column in depending(row.__table__)
    )


class Family:
    """The rows that go with one row; each table is asked once, however many rows there are.

    `also` names further rows that go with it, by table, although no key of theirs says so.
    """

    def __init__(
        self, session: Session, row: Any, also: Mapping[str, ColumnElement[bool]] | None = None
    ) -> None:
        self._session = session
        self._root: Table = row.__table__
        self._owner: UUID = row.organization_id
        self._conditions: dict[Table, ColumnElement[bool]] = {self._root: self._root.c.id == row.id}
        for table in Base.metadata.sorted_tables:  # parents before children
            conditions: list[ColumnElement[bool]] = [
                column.in_(select(parent.c.id).where(_own(parent, self._owner), condition))
                for parent, condition in self._conditions.items()
                for child, column in depending(parent)
                if child is table
            ]
            if also and table.name in also:
                conditions.append(also[table.name])
            if conditions:
                self._conditions[table] = or_(*conditions)

    def files(self) -> list[str]:
        """Return the addresses of the files that these rows name (`*_url`), each once."""
        found: set[str] = set()
        for table, condition in self._conditions.items():
            for column in table.columns:
                if column.name.endswith("_url"):
                    statement = select(column).where(_own(table, self._owner), condition, column.is_not(None))
                    found.update(self._session.connection().execute(statement).scalars())
        return sorted(found)

    def remove(self, *, with_root: bool) -> dict[str, int]:
        """Delete the rows, children first; return how many went, by table."""
        self._session.flush()
        removed: dict[str, int] = {}
        for table, condition in reversed(self._conditions.items()):
            if table is self._root and not with_root:
                continue
            statement = delete(table).where(_own(table, self._owner), condition).returning(table.c.id)
            gone = set(self._session.connection().execute(statement).scalars())
            if gone:
                removed[table.name] = len(gone)
                self._let_go(table, gone)
        return removed

    def _let_go(self, table: Table, gone: set[UUID]) -> None:
        """Detach what the session has loaded of these rows; it stays readable and is never written again."""
        for loaded in list(self._session.identity_map.values()):
            state = inspect(loaded)
            if state.mapper.local_table is table and state.identity[-1] in gone:
                self._session.expunge(loaded)


def _own(table: Table, owner: UUID) -> ColumnElement[bool]:
    return table.c.organization_id == owner


def _naming(key: ForeignKeyConstraint) -> Column[Any]:
    """Return the column of a composite key that names the parent within the organisation."""
    return next(column for column in key.columns if column.name != "organization_id")
