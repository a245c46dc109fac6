"""The database's own clock: leases and due times of all machines are compared by one clock."""

from typing import Any

from sqlalchemy import Float, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from procur.db.types import UtcDateTime


class database_time(FunctionElement[Any]):  # noqa: N801 - reads like a function of SQL
    """The database's time now, so many seconds later (negative: earlier)."""

    type = UtcDateTime()
    inherit_cache = True
    name = "database_time"

    def __init__(self, seconds: Any = 0.0) -> None:
        super().__init__(literal(seconds, Float()) if isinstance(seconds, int | float) else seconds)


@compiles(database_time, "postgresql")
def _postgresql(element: Any, compiler: Any, **options: Any) -> str:
    seconds = compiler.process(element.clauses, **options)
    # clock_timestamp and not now(): that one stands still for the length of a transaction.
    return f"(clock_timestamp() + make_interval(secs => CAST({seconds} AS double precision)))"


@compiles(database_time, "sqlite")
def _sqlite(element: Any, compiler: Any, **options: Any) -> str:
    seconds = compiler.process(element.clauses, **options)
    # As UtcDateTime stores it; SQLite counts milliseconds.
    return f"(strftime('%Y-%m-%d %H:%M:%f', 'now', (CAST({seconds} AS REAL)) || ' seconds') || '000')"
