"""Column types that mean the same on SQLite and PostgreSQL: exact money, UTC times, tracked JSON."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, ClassVar, Self, SupportsIndex
from uuid import UUID

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Enum, Numeric
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.mutable import MutableDict, MutableList
from sqlalchemy.sql import operators
from sqlalchemy.types import TypeDecorator, TypeEngine

from procur.core.errors import InvalidInput
from procur.core.money import decimal

_LARGEST_INT = 1 << 63
_SCALING = (operators.mul, operators.truediv, operators.floordiv, operators.mod)


_DIGITS = 18  # in all; a 64-bit integer holds them


def exact(value: object, *, field: str = "amount", decimals: int = 4) -> Decimal:
    """Return `value` as a Decimal of at most so many decimals; a float counts as the digits Python shows."""
    number = decimal(repr(value) if isinstance(value, float) else value, field=field)
    exponent = number.normalize().as_tuple().exponent
    if isinstance(exponent, int) and exponent < -decimals:
        raise InvalidInput(f"{field} has more than {decimals} decimals: {number}", field=field)
    if abs(number) >= 10 ** (_DIGITS - decimals):
        raise InvalidInput(f"{field} must be below 10^{_DIGITS - decimals}, not {number}", field=field)
    return number


class Money(TypeDecorator[Decimal]):
    """NUMERIC(18,4); on SQLite, which has no decimals, an integer of ten-thousandths: exact and summable."""

    impl = Numeric(_DIGITS, 4)
    cache_ok = True
    decimals: ClassVar[int] = 4

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the integer on SQLite."""
        numeric = Numeric(_DIGITS, self.decimals)
        return dialect.type_descriptor(BigInteger() if dialect.name == "sqlite" else numeric)

    def fit(self, value: object, *, field: str = "amount") -> Decimal:
        """Return the value as this column takes it."""
        return exact(value, field=field, decimals=self.decimals)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Return what the database stores for a Decimal."""
        if value is None:
            return None
        number = self.fit(value)
        return int(number.scaleb(self.decimals)) if dialect.name == "sqlite" else number

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Return the Decimal that the database stores."""
        if value is None:
            return None
        number = Decimal(value).scaleb(-self.decimals) if dialect.name == "sqlite" else Decimal(value)
        return number.quantize(Decimal(1).scaleb(-self.decimals))

    def coerce_compared_value(self, op: Any, value: Any) -> TypeEngine[Any]:  # noqa: ARG002 - SQLAlchemy's
        """Compare amounts with amounts; multiplying would scale twice on SQLite, so it is refused."""
        if op in _SCALING:
            raise TypeError("Multiply and divide money in Python: on SQLite the column is a scaled integer")
        return self


class Cost(Money):
    """What a model call costs: NUMERIC(18,10), because one token may cost 0.00000005 and a call 0.00036.

    A float is rounded to the tenth decimal: sums of float prices carry noise (0.1 + 0.2) nobody is billed.
    """

    impl = Numeric(_DIGITS, 10)
    cache_ok = True
    decimals: ClassVar[int] = 10

    def fit(self, value: object, *, field: str = "cost") -> Decimal:
        """Return the value as this column takes it."""
        return super().fit(_rounded(value, self.decimals), field=field)


class Percent(Money):
    """0 to 100: NUMERIC(5,2). So few digits survive SQLite's binary numbers, and compare the same there.

    A float is rounded to the second decimal: a model's certainty is no more exact than that.
    """

    impl = Numeric(5, 2)
    cache_ok = True
    decimals: ClassVar[int] = 2

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Tell the driver's numbers apart: SQLite's are floats."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(Numeric(5, self.decimals, asdecimal=False))
        return dialect.type_descriptor(Numeric(5, self.decimals))

    def fit(self, value: object, *, field: str = "percentage") -> Decimal:
        """Return the value as this column takes it."""
        number = super().fit(_rounded(value, self.decimals), field=field)
        if not 0 <= number <= 100:  # noqa: PLR2004 - per cent
            raise InvalidInput(f"{field} must be from 0 to 100, not {number}", field=field)
        return number

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Return what the database stores for a Decimal."""
        if value is None:
            return None
        number = self.fit(value)
        return float(number) if dialect.name == "sqlite" else number

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:  # noqa: ARG002 - SQLAlchemy's
        """Return the Decimal that the database stores."""
        return (
            None
            if value is None
            else Decimal(repr(value) if isinstance(value, float) else value).quantize(
                Decimal(1).scaleb(-self.decimals)
            )
        )


def _rounded(value: object, decimals: int) -> object:
    """Return a float as a Decimal without its noise; any other value as it is."""
    return round(Decimal(repr(value)), decimals) if isinstance(value, float) and abs(value) < 10**8 else value


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: timezone-aware in Python, UTC in the database. A naive datetime is refused, never guessed."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive values and store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise InvalidInput(f"a time needs a timezone: {value.isoformat()}", hint="use datetime.now(UTC)")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return UTC whatever time zone the server speaks."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


def plain(value: Any, *, field: str = "value") -> Any:  # noqa: PLR0911 - one per JSON type
    """Return `value` made of JSON's own types; amounts, keys and times become text, to lose nothing."""
    if isinstance(value, int) and not -_LARGEST_INT <= value < _LARGEST_INT:
        raise InvalidInput(f"{field} holds an integer beyond 64 bits", field=field)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return clean_text(value, field=field)
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 - NaN is unlike itself
            raise InvalidInput(f"{field} holds a number that JSON does not know: {value}", field=field)
        return value
    if isinstance(value, Mapping):
        return {clean_text(str(key), field=field): plain(item, field=field) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return [plain(item, field=field) for item in items]
    if isinstance(value, Decimal | UUID):
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise InvalidInput(f"{field} holds a {type(value).__name__}, which JSON does not know", field=field)


def clean_text(value: str, *, field: str) -> str:
    """Refuse what PostgreSQL cannot store: NUL characters and half surrogate pairs."""
    if "\x00" in value:
        raise InvalidInput(f"{field} contains a NUL character", field=field)
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidInput(f"{field} is not valid Unicode text", field=field) from error
    return value


class Json(TypeDecorator[Any]):
    """JSONB on PostgreSQL, JSON text on SQLite."""

    impl = JSON
    cache_ok = True

    def __init__(self, holds: type = dict) -> None:
        super().__init__(none_as_null=True)
        self.holds = holds

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose JSONB on PostgreSQL."""
        wanted = JSONB(none_as_null=True) if dialect.name == "postgresql" else JSON(none_as_null=True)
        return dialect.type_descriptor(wanted)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002 - SQLAlchemy's signature
        """Write only what reads back the same."""
        return plain(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Return a float as a float: PostgreSQL, which keeps 1e22 as a numeric, gives its digits back."""
        return _with_floats(value) if dialect.name == "postgresql" else value


def _with_floats(value: Any) -> Any:
    """Turn integers beyond 64 bits into the floats they were: no such integer is ever written."""
    if isinstance(value, int):
        return value if -_LARGEST_INT <= value < _LARGEST_INT else _as_float(value)
    if isinstance(value, dict):
        return {key: _with_floats(item) for key, item in value.items()}
    return [_with_floats(item) for item in value] if isinstance(value, list) else value


def _as_float(value: int) -> int | float:
    try:
        return float(value)
    except OverflowError:  # not written by us
        return value


class _Tracked:
    """Tells its root, the value of the column, when anything inside it changes."""

    _root: "TrackedDict | TrackedList | None" = None

    def changed(self) -> None:
        if self._root is not None:
            self._root.changed()
        else:
            super().changed()  # type: ignore[misc]

    def _adopt(self, value: Any) -> Any:
        child: TrackedDict | TrackedList
        if isinstance(value, Mapping):
            child = TrackedDict(value)
        elif isinstance(value, list):
            child = TrackedList(value)
        else:
            return value
        child._root = self  # type: ignore[assignment]  # noqa: SLF001 - the same family
        return child


class TrackedDict(_Tracked, MutableDict[str, Any]):
    """A JSON object whose edits are saved, however deep they happen."""

    def __init__(self, value: Mapping[str, Any] | Iterable[tuple[str, Any]] = ()) -> None:
        dict.__init__(self, {key: self._adopt(item) for key, item in dict(value).items()})

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, self._adopt(value))

    def setdefault(self, key: str, value: Any = None) -> Any:
        """Keep the default tracked too."""
        if key not in self:
            self[key] = value
        return self[key]

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Keep what comes in tracked too."""
        dict.update(self, {key: self._adopt(item) for key, item in dict(*args, **kwargs).items()})
        self.changed()

    @classmethod
    def coerce(cls, key: str, value: Any) -> Any:
        """Turn what is assigned to the column into the tracked form."""
        if value is None or isinstance(value, cls):
            return value
        if isinstance(value, Mapping):
            return cls(value)
        raise InvalidInput(f"{key} must be an object of names and values", field=key)


class TrackedList(_Tracked, MutableList[Any]):
    """A JSON array whose edits are saved, however deep they happen."""

    def __init__(self, value: Iterable[Any] = ()) -> None:
        list.__init__(self, [self._adopt(item) for item in value])

    def __setitem__(self, index: SupportsIndex | slice, value: Any) -> None:
        adopted = [self._adopt(item) for item in value] if isinstance(index, slice) else self._adopt(value)
        super().__setitem__(index, adopted)

    def append(self, x: Any) -> None:
        """Keep what comes in tracked too."""
        super().append(self._adopt(x))

    def extend(self, x: Iterable[Any]) -> None:
        """Keep what comes in tracked too."""
        super().extend([self._adopt(item) for item in x])

    def __iadd__(self, x: Iterable[Any]) -> Self:  # type: ignore[misc]
        self.extend(x)
        return self

    def insert(self, i: SupportsIndex, x: Any) -> None:
        """Keep what comes in tracked too."""
        super().insert(i, self._adopt(x))

    @classmethod
    def coerce(cls, key: str, value: Any) -> Any:
        """Turn what is assigned to the column into the tracked form."""
        if value is None or isinstance(value, cls):
            return value
        if isinstance(value, list | tuple | set | frozenset):
            return cls(plain(value, field=key))
        raise InvalidInput(f"{key} must be a list", field=key)


def json_object() -> TypeEngine[Any]:
    """Return the type of a column that holds a JSON object."""
    return TrackedDict.as_mutable(Json(dict))


def json_list() -> TypeEngine[Any]:
    """Return the type of a column that holds a JSON array."""
    return TrackedList.as_mutable(Json(list))


def choice(name: str, *values: str) -> Enum:
    """Return a text column that takes only these values; the CHECK is named after `name`."""
    return Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)
