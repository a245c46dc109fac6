"""One valid row of every table, made from the columns alone: new tables are covered without being named."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Boolean, Connection, Date, Enum, LargeBinary, String, Table, Uuid

from procur.db.base import Base
from procur.db.types import Json, UtcDateTime

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TENANT_TABLES: tuple[Table, ...] = tuple(
    table for table in Base.metadata.sorted_tables if "organization_id" in table.columns
)
# What a rule of a table wants that its columns do not tell.
WANTED: dict[tuple[str, str], Any] = {
    ("purchase_orders", "tax_total"): Decimal(0),
    ("negotiation_sessions", "current_round"): 0,
    ("approvals", "decided_by"): None,
    ("offers", "accepted"): False,
    ("offers", "accepted_at"): None,
    ("agent_entries", "parent_id"): None,
    ("agent_records", "head_id"): None,
    ("idempotency_keys", "response_status"): 200,
}

Rows = dict[str, dict[str, Any]]


def fill(
    connection: Connection,
    organization_id: UUID,
    *,
    mark: str,
    known: Rows | None = None,
) -> Rows:
    """Write one row into every tenant table of an organisation; return them by table.

    `mark` makes the values recognisable and, where a value is unique in the whole database, different.
    """
    rows: Rows = {"organizations": {"id": organization_id}, **(known or {})}
    for table in TENANT_TABLES:
        if table.name not in rows:
            rows[table.name] = row_of(table, rows, organization_id, mark)
            connection.execute(table.insert().values(**rows[table.name]))
    return rows


def row_of(table: Table, rows: Rows, organization_id: UUID, mark: str) -> dict[str, Any]:
    """Return values for every column: parents' keys, what rules want, else something that fits the type."""
    values: dict[str, Any] = {}
    for column in table.columns:
        parents = [
            key for key in column.foreign_keys if key.column.name == "id" and key.column.table.name in rows
        ]
        if column.name == "organization_id":
            values[column.name] = organization_id
        elif column.name == "deleted_at":
            values[column.name] = None  # hidden rows would hide the holes
        elif (table.name, column.name) in WANTED:
            values[column.name] = WANTED[table.name, column.name]
        elif parents:
            values[column.name] = rows[parents[0].column.table.name]["id"]
        elif column.foreign_keys and column.nullable:
            values[column.name] = None  # set later: a circle, or the table itself
        else:
            values[column.name] = value_of(column, mark)
    return values


def value_of(column: Any, mark: str) -> Any:
    """Return a value that the column's type takes."""
    if column.name.endswith("currency"):
        return "USD"
    for kind, make in _BY_TYPE:
        if isinstance(column.type, kind):
            return make(column, mark)
    return 1  # numbers of every kind


_BY_TYPE: tuple[tuple[type, Callable[[Any, str], Any]], ...] = (
    (Uuid, lambda _column, _mark: uuid4()),
    (Enum, lambda column, _mark: column.type.enums[0]),
    (Json, lambda column, _mark: column.type.holds()),
    (UtcDateTime, lambda _column, _mark: NOW),
    (Date, lambda _column, _mark: NOW.date()),
    (Boolean, lambda _column, _mark: False),
    (LargeBinary, lambda _column, mark: mark.encode()),
    (String, lambda column, mark: f"{mark} {column.name}"[: column.type.length or 80]),
)


def references(table: Table) -> list[tuple[str, str, str]]:
    """Return (column, parent table, its column) of every reference to a row of the same organisation."""
    found = []
    for constraint in table.foreign_key_constraints:
        last = [key for key in constraint.elements if key.parent.name != "organization_id"][-1:]
        found += [(key.parent.name, key.column.table.name, key.column.name) for key in last]
    return sorted(found)
