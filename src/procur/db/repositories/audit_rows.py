"""Reads rows as the database holds them, spelled the same on SQLite and PostgreSQL, whatever is in them.

The audit trail is hashed and compared from this: a value that somebody has bent (bytes in a text, a number
in a document, a time that is none) has to come out as different, never as an error or as the value it was.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Column, LargeBinary, RowMapping, Table, Text, Uuid, cast, func, literal
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from procur.db.types import Json, UtcDateTime

_TYPES: Final = "types_of_"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Bent(str):
    """What a column holds that is not of its type, as text."""

    __slots__ = ()


def spelled_columns(session: Session, table: Table) -> list[ColumnElement[Any]]:
    """Return what to select so that `spelled` can read a row of the table; labels begin with its name."""
    if session.get_bind().dialect.name == "postgresql":
        return [_on_postgresql(column).label(_label(column)) for column in table.columns]
    kinds: ColumnElement[Any] = literal("")
    for column in table.columns:
        kinds = kinds.concat(func.typeof(column)).concat(" ")
    return [
        kinds.label(_TYPES + table.name),
        *(cast(column, LargeBinary).label(_label(column)) for column in table.columns),
    ]


def spelled(row: RowMapping, table: Table) -> dict[str, Any]:
    """Return the row's values by column: text, whole numbers, documents as JSON text, times as ISO 8601."""
    values = {column.name: row[_label(column)] for column in table.columns}
    read = _from_epoch
    if _TYPES + table.name in row:
        read = _from_text
        kinds = row[_TYPES + table.name].split()
        values = {
            name: _from_sqlite(value, kind) for (name, value), kind in zip(values.items(), kinds, strict=True)
        }
    for column in table.columns:
        if isinstance(column.type, UtcDateTime):
            values[column.name] = _moment(values[column.name], read)
    return values


def _label(column: Column[Any]) -> str:
    return f"{column.table.name}_{column.name}"


def _on_postgresql(column: Column[Any]) -> ColumnElement[Any]:
    if isinstance(column.type, Uuid):
        return func.replace(cast(column, Text), "-", "")
    if isinstance(column.type, Json):
        return cast(column, Text)
    if isinstance(column.type, UtcDateTime):
        # As a number: infinity and years before Christ have no datetime.
        return cast(func.extract("epoch", column), Text)
    return column


def _from_sqlite(value: bytes | None, kind: str) -> Any:
    """Return what the bytes of a column are: SQLite lets anything into any column."""
    if value is None:
        return None
    try:
        if kind == "integer":
            return int(value)
        if kind == "text":
            return value.decode()
    except ValueError:
        pass
    return Bent(f"{kind}:{value.hex()}")


def _moment(value: Any, read: Callable[[str], datetime]) -> Any:
    """Return a time as ISO 8601 with microseconds, in UTC."""
    try:
        return value if value is None else read(value).isoformat(timespec="microseconds")
    except (TypeError, ValueError, ArithmeticError):
        return Bent(value)


def _from_text(value: str) -> datetime:
    if not _MOMENT.fullmatch(value):
        raise ValueError(value)
    return datetime.fromisoformat(value).replace(tzinfo=UTC)


def _from_epoch(value: str) -> datetime:
    return _EPOCH + timedelta(microseconds=int(Decimal(value) * 1_000_000))
