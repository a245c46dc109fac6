"""Turns the databases' errors into Procur's: what is wrong, in which field, and what to do."""

import re
import sqlite3
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, MetaData, Table, UniqueConstraint
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.schema import CheckConstraint

from procur.core.errors import (
    Conflict,
    InvalidInput,
    NotAllowed,
    OutsideMandate,
    ProcurError,
    Unavailable,
)
from procur.db.base import Base

READ_ONLY = "procur_read_only"  # execution option of engines for sessions that only read

_RAISED: dict[str, type[ProcurError]] = {
    "outside_mandate": OutsideMandate,
    "append_only": NotAllowed,
    "immutable": Conflict,
}
_BY_TRIGGER = re.compile(r"procur:(\w+):([^\n]*)")
_DENIED = re.compile(r"permission denied for (?:table|relation) (\w+)")
_CHANGING = re.compile(r"^\s*(UPDATE|DELETE|TRUNCATE)\b|\bFOR (NO KEY )?UPDATE\b", re.IGNORECASE)
_SQLITE_COLUMNS = re.compile(r"(?:UNIQUE|NOT NULL|PRIMARY KEY) constraint failed: (.+)")
_SQLITE_CHECK = re.compile(r"CHECK constraint failed: (\w+)")

# What SQLite says, in lower case, and what to tell people.
_SQLITE_AWAY = {
    "unable to open": ("the database file cannot be opened", "check the path and its permissions"),
    "readonly": ("the database is read-only", "check the permissions of the file and its folder"),
    "locked": (
        "another process is writing to the database",
        "try again; if it stays, look for a stuck process",
    ),
    "is full": ("the disk of the database is full", "free some space and try again"),
    "disk i/o": ("the disk of the database reports an error", "check the disk"),
    "not a database": ("the file is not a SQLite database", "check the path, or restore a backup"),
    "malformed": ("the database file is damaged", "restore a backup"),
    "no such table": ("the database has no or another Procur schema", "run: procur db upgrade"),
    "no such column": ("the database has another Procur schema", "run: procur db upgrade"),
    "has no column": ("the database has another Procur schema", "run: procur db upgrade"),
}
# The same by PostgreSQL's SQLSTATE, longest match first.
_POSTGRES_AWAY = {
    "42P01": ("the database has no or another Procur schema", "run: procur db upgrade"),
    "42703": ("the database has another Procur schema", "run: procur db upgrade"),
    "25006": ("the database is read-only", "connect to the primary server"),
    "53100": ("the disk of the database is full", "free some space and try again"),
    "53": ("the database server has no resources left", "try again later, or raise its limits"),
    "3D000": ("the database does not exist", "create it, or correct PROCUR_DB_URL"),
    "28": ("the database refuses this user or password", "check PROCUR_DB_URL"),
    "55P03": ("a row is locked by another transaction", "try again"),
    "57014": ("the statement took too long and was stopped", "try again"),
    "40": ("two transactions got in each other's way", "try again"),
    "42501": ("the database role may not do this", "run as the tables' owner: procur db roles"),
}


def translate(context: ExceptionContext) -> BaseException | None:
    """Return the error to raise instead of the driver's (a listener for SQLAlchemy's `handle_error`)."""
    original = context.original_exception
    if context.is_pre_ping or isinstance(original, ProcurError):
        return None if context.is_pre_ping else original
    if isinstance(original, OverflowError | UnicodeError | LookupError):
        return InvalidInput(f"a value does not fit the database: {str(original)[:120]}")
    if _writes_in_a_reader(original, context):
        return reads_only()
    if isinstance(original, sqlite3.Error):
        return _from_sqlite(original, context)
    if _is_postgres(original):
        # After a failover the next connection may reach the new primary.
        context.is_disconnect |= _state(original) == "25006"
        return _from_postgres(original, context)
    return None


def reads_only() -> NotAllowed:
    """Return what a session that was opened to read says to a write."""
    return NotAllowed("this session only reads", hint="open it without read_only=True")


def _writes_in_a_reader(error: BaseException | None, context: ExceptionContext) -> bool:
    if context.connection is None or not context.connection.get_execution_options().get(READ_ONLY):
        return False
    return "readonly" in str(error) if isinstance(error, sqlite3.Error) else _state(error) == "25006"


def _from_sqlite(  # noqa: PLR0911 - one per kind of failure
    error: sqlite3.Error, context: ExceptionContext
) -> ProcurError | None:
    message = str(error)
    if raised := _from_trigger(message):
        return raised
    if match := _SQLITE_COLUMNS.search(message):
        names = [name.strip() for name in match[1].split(",")]
        if message.startswith("NOT NULL"):
            return _missing(names[0].split(".")[-1])
        return _taken(_field_of_columns(Base.metadata, names))
    if match := _SQLITE_CHECK.search(message):
        return _unfit(match[1])
    if "FOREIGN KEY" in message:
        return _dangling(context, _missing_parent(context))
    lowered = message.lower()
    for fragment, (what, hint) in _SQLITE_AWAY.items():
        if fragment in lowered:
            return Unavailable(what, hint=hint)
    return None


def _from_postgres(  # noqa: PLR0911 - one per kind of failure
    error: Any, context: ExceptionContext
) -> ProcurError | None:
    if raised := _from_trigger(str(error)):
        return raised
    state = _state(error)
    diagnosis = error.diag
    name = diagnosis.constraint_name or ""
    if state == "23505":
        return _taken(_field_of_name(name))
    if state == "23514":
        return _unfit(name)
    if state == "23502":
        return _missing(diagnosis.column_name or "a field")
    if state == "23503":
        return _dangling(context, _field_of_name(name))
    if state == "42501" and (refused := _denied(str(error), context)):
        return refused
    if away := _away(state):
        return away
    if state.startswith("22") or (not state and type(error).__name__ == "DataError"):
        return InvalidInput(f"a value does not fit the database: {str(error).splitlines()[0][:120]}")
    if type(error).__name__ in {
        "OperationalError",
        "AdminShutdown",
        "CrashShutdown",
        "ConnectionTimeout",
    } or (state[:2] in {"08", "57"}):
        return _not_connected(str(error))
    return None


def _not_connected(message: str) -> Unavailable:
    """Tell apart why there is no connection; before it stands, PostgreSQL only says so in words."""
    if "authentication failed" in message or re.search(r'role "[^"]*" does not exist', message):
        return Unavailable("the database refuses this user or password", hint="check PROCUR_DB_URL")
    if re.search(r'database "[^"]*" does not exist', message):
        return Unavailable("the database does not exist", hint="create it, or correct PROCUR_DB_URL")
    return Unavailable(
        "the database server cannot be reached", hint="check that PostgreSQL runs and PROCUR_DB_URL is right"
    )


def _is_postgres(error: Any) -> bool:
    return hasattr(error, "sqlstate") or hasattr(error, "pgcode")


def _state(error: Any) -> str:
    """Return the SQLSTATE as psycopg 3 or psycopg2 has it."""
    return getattr(error, "sqlstate", None) or getattr(error, "pgcode", None) or ""


def _from_trigger(message: str) -> ProcurError | None:
    match = _BY_TRIGGER.search(message)
    return _RAISED[match[1]](match[2].strip()) if match and match[1] in _RAISED else None


def _away(state: str) -> Unavailable | None:
    for prefix in (state, state[:2]):
        if prefix in _POSTGRES_AWAY:
            what, hint = _POSTGRES_AWAY[prefix]
            return Unavailable(what, hint=hint)
    return None


def _denied(message: str, context: ExceptionContext) -> ProcurError | None:
    """Tell the wall and the rows that nobody changes from a role without its rights."""
    if "row-level security" in message:
        return NotAllowed("a row of another organisation cannot be written here")
    match = _DENIED.search(message)
    if match and _CHANGING.search(context.statement or ""):
        return NotAllowed(f"rows of {match[1]} cannot be changed by this database role")
    return None


def _taken(field: str | None) -> Conflict:
    return Conflict(f"there is already one with this {field or 'key'}", field=field)


def _missing(field: str) -> InvalidInput:
    return InvalidInput(f"{field} is required", field=field)


def _unfit(constraint: str) -> ProcurError:
    if constraint == "ck_approvals_own_request":
        return NotAllowed("nobody may decide on their own request", field="decided_by")
    for table in Base.metadata.tables.values():
        for rule in table.constraints:
            if isinstance(rule, CheckConstraint) and rule.name == constraint:
                field = rule.info.get("field") or constraint.removeprefix(f"ck_{table.name}_")
                return InvalidInput(f"{field} breaks the rule {str(rule.sqltext)!r}", field=field)
    return InvalidInput(f"a value breaks the rule {constraint}")


def _dangling(context: ExceptionContext, field: str | None) -> ProcurError:
    if (context.statement or "").lstrip().upper().startswith("DELETE"):
        return Conflict("other rows still refer to this one", hint="soft_delete it instead")
    return InvalidInput(f"{field or 'a reference'} names nothing in this organisation", field=field)


def _rules(table: Table) -> list[Index | UniqueConstraint]:
    unique = [rule for rule in table.constraints if isinstance(rule, UniqueConstraint)]
    return [*unique, *(index for index in table.indexes if index.unique)]


def _field_of_name(name: str) -> str | None:
    for table in Base.metadata.tables.values():
        for rule in _rules(table):
            if rule.name == name:
                return _blamed(rule)
        for key in table.foreign_key_constraints:
            if key.name == name:
                return _reference(key)
    return "id" if name.startswith("pk_") else None


def _field_of_columns(metadata: MetaData, names: list[str]) -> str | None:
    table = metadata.tables.get(names[0].split(".")[0])
    columns = [name.split(".")[-1] for name in names]
    for rule in _rules(table) if table is not None else ():
        if [column.name for column in rule.columns] == columns:
            return _blamed(rule)
    return columns[-1]


def _blamed(rule: Index | UniqueConstraint) -> str:
    field: str = rule.info.get("field") or list(rule.columns)[-1].name
    return field


def _reference(key: ForeignKeyConstraint) -> str:
    names = [column.name for column in key.columns]
    return next((name for name in names if name != "organization_id"), names[0])


def _missing_parent(context: ExceptionContext) -> str | None:
    """Find which reference dangles: SQLite does not say, but its transaction stands and can be asked."""
    execution: Any = context.execution_context
    statement = getattr(getattr(execution, "compiled", None), "statement", None)
    table = getattr(statement, "table", None)
    if not isinstance(table, Table) or context.connection is None or not execution.compiled_parameters:
        return None
    cursor = context.connection.connection.cursor()
    values = _with_owner(cursor, table, execution.compiled_parameters[0])
    for key in table.foreign_key_constraints:
        pairs = {
            element.column.name: values.get(
                element.parent.name, values.get(f"{table.name}_{element.parent.name}")
            )
            for element in key.elements
        }
        if any(value is None for value in pairs.values()):
            continue
        where = " AND ".join(f"{name} = ?" for name in pairs)
        query = f"SELECT 1 FROM {key.referred_table.name} WHERE {where}"  # noqa: S608 - names from our metadata
        known = [value.hex if isinstance(value, UUID) else value for value in pairs.values()]
        if cursor.execute(query, known).fetchone() is None:
            return _reference(key)
    return None


def _with_owner(cursor: Any, table: Table, values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a statement; an UPDATE by `id` alone does not say whose row it is, so ask."""
    row = values.get(f"{table.name}_id")
    if not isinstance(row, UUID) or {"organization_id", f"{table.name}_organization_id"} & values.keys():
        return values
    query = f"SELECT organization_id FROM {table.name} WHERE id = ?"  # noqa: S608 - a name from our metadata
    found = cursor.execute(query, [row.hex]).fetchone()
    return values if found is None else {**values, "organization_id": found[0]}
