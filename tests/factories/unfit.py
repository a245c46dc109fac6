"""Values that do not fit a column, by its kind: what bad input looks like."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import uuid4

from sqlalchemy import BigInteger, Boolean, Column, Date, Double, Enum, Integer, LargeBinary, String, Uuid

from factories.rows import Rows, references
from procur.db.types import Json, Money, UtcDateTime
from procur.db.values import LONGEST_TEXT

NAN, INFINITY = float("nan"), float("inf")
SURROGATE, NUL = "a\ud800b", "a\x00b"
NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001 - naive on purpose
FIRST = datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))  # before year 1 in UTC
LAST = datetime.max.replace(tzinfo=timezone(-timedelta(hours=14)))
LOOP: list[Any] = []
LOOP.append(LOOP)
NO_JSON = (NAN, -INFINITY, NUL, SURROGATE, 1 << 63, -(1 << 63) - 1, object(), b"x", LOOP)


def unfit(column: Column[Any], foreign: Rows) -> Iterator[Any]:
    """Return values that do not fit a column; `foreign` are rows of another organisation, by table."""
    if not column.nullable:
        yield None
    if isinstance(column.type, Uuid):
        yield from ("not-an-id", 5, NUL, SURROGATE, b"x" * 16, [], "1" * 33)
        yield from _unknown(column, foreign)
    elif isinstance(column.type, Json):
        yield from _documents(column.type)
    elif isinstance(column.type, String) and not isinstance(column.type, Enum):
        yield from (5, 1.5, True, [], {}, b"x", NUL, SURROGATE)
        yield "x" * ((column.type.length or LONGEST_TEXT) + 1)
        yield from ("XXY", "usd", "", "US$") if column.name.endswith("currency") else ()
    else:
        yield from next(values for kind, values in _BY_TYPE if isinstance(column.type, kind))
        if isinstance(column.type, Money):
            yield Decimal(1).scaleb(-column.type.decimals - 1)
        if isinstance(column.type, Integer) and not isinstance(column.type, BigInteger):
            yield from (1 << 31, -(1 << 31) - 1)


def _unknown(column: Column[Any], foreign: Rows) -> Iterator[Any]:
    """Return keys that name nothing here: of nobody, and of another organisation's row."""
    parents = {own: (table, key) for own, table, key in references(column.table)}
    parents["organization_id"] = ("organizations", "id")
    if column.name in parents:
        table, key = parents[column.name]
        yield uuid4()
        yield str(uuid4())
        yield from [foreign[table][key]] if table in foreign else []


def _documents(kind: Json) -> Iterator[Any]:
    for one in NO_JSON:
        yield [{"a": [one]}] if kind.holds is list else {"a": [one]}
    yield from ("text", 5, True, object(), b"x", {"a": 1} if kind.holds is list else ["a"])
    yield [{NUL: 1}] if kind.holds is list else {SURROGATE: 1}


_AMOUNTS = ("NaN", "Infinity", "1e400", "x", "", True, [], Decimal("sNaN"), NAN, INFINITY, 1 << 63, NUL, b"1")
_BY_TYPE: tuple[tuple[type, tuple[Any, ...]], ...] = (
    (Money, (*_AMOUNTS, Decimal("-Infinity"), 10**14, -(10**15), SURROGATE)),
    (UtcDateTime, (NAIVE, "2026-01-01T00:00:00Z", date(2026, 1, 1), 5, 1.5, True, [], FIRST, LAST, NUL)),
    (Enum, ("nonsense", "", 5, True, [], {}, NUL, SURROGATE, b"x", NAN)),
    (Boolean, ("yes", 1, 0, [], NUL, NAN)),
    (Integer, (1 << 63, -(1 << 63) - 1, 10**400, 1.5, NAN, INFINITY, "1", True, [], NUL)),
    (Double, (NAN, INFINITY, -INFINITY, 10**400, "1", True, [], NUL, Decimal("NaN"), Decimal("sNaN"))),
    (Date, (NAIVE, datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01", 5, True, [], NUL)),
    (LargeBinary, ("text", 5, True, [])),
)
