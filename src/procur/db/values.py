"""Checks values at the edge of the database: what cannot be stored is refused with its field's name."""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Date, Double, Enum, Integer, String, Uuid

from procur.core.errors import InvalidInput
from procur.db.base import columns_of
from procur.db.tenancy import as_uuid
from procur.db.types import Json, Money, TrackedDict, TrackedList, UtcDateTime, clean_text, plain

LONGEST_TEXT = 200_000
DEEPEST = 100  # objects and lists within each other; safe for every reader of JSON
# ISO 4217, active codes.
_CODES = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN "
    "BZD CAD CDF CHF CLF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL "
    "GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW "
    "KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN "
    "NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK "
    "SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYI UYU "
    "UYW UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG "
)
CURRENCIES = frozenset(_CODES.split())


def checked(model: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values as the model's columns take them; refuse unknown fields and unfit values."""
    columns = columns_of(model)
    for name in values:
        if name not in columns:
            raise InvalidInput(f"{model.__name__} has no field {name!r}", field=name)
    return {name: fit(columns[name], value, field=name) for name, value in values.items()}


def refuse_missing(model: Any, values: Mapping[str, Any]) -> None:
    """Refuse a new row that lacks a field which has no default."""
    for name, column in columns_of(model).items():
        if not column.nullable and column.default is None and values.get(name) is None:
            raise InvalidInput(f"{name} is required", field=name)


def fit(column: Column[Any], value: Any, *, field: str) -> Any:
    """Return the value as this column takes it, or raise InvalidInput."""
    if value is None:
        if not column.nullable:
            raise InvalidInput(f"{field} is required", field=field)
        return None
    if column.name.endswith("currency") and (not isinstance(value, str) or value not in CURRENCIES):
        raise InvalidInput(
            f"{field} must be an ISO 4217 code such as USD, not {str(value)[:20]!r}", field=field
        )
    for kind, convert in _BY_TYPE:
        if isinstance(column.type, kind):
            return convert(column, value, field)
    raise InvalidInput(f"{field} cannot be written", field=field)


def text_of(value: object, field: str) -> str:
    """Return the text that an argument is; refuse everything else, and text that cannot be stored."""
    if not isinstance(value, str):
        raise InvalidInput(f"{field} must be text, not {type(value).__name__}", field=field)
    return clean_text(value, field=field)


def moment_of(value: object, field: str) -> datetime:
    """Return the moment that an argument is; refuse everything else, and times without a timezone."""
    if not isinstance(value, datetime):
        raise InvalidInput(f"{field} must be a time, not {type(value).__name__}", field=field)
    if value.tzinfo is None:
        raise InvalidInput(
            f"{field} needs a timezone: {value.isoformat()}", field=field, hint="use datetime.now(UTC)"
        )
    try:
        value.astimezone(UTC)
    except OverflowError:
        raise InvalidInput(f"{field} is outside the years 1 to 9999 in UTC", field=field) from None
    return value


def _money(column: Column[Any], value: Any, field: str) -> Decimal:
    kind: Money = column.type  # type: ignore[assignment]
    return kind.fit(value, field=field)


def _moment(_column: Column[Any], value: Any, field: str) -> datetime:
    return moment_of(value, field)


def _day(_column: Column[Any], value: Any, field: str) -> date:
    if isinstance(value, datetime) or not isinstance(value, date):
        raise InvalidInput(f"{field} must be a date, not {type(value).__name__}", field=field)
    return value


def _choice(column: Column[Any], value: Any, field: str) -> str:
    allowed = column.type.enums  # type: ignore[attr-defined]
    # An enumeration's member stands for its value (the documents use such classes).
    text = getattr(value, "value", value)
    if text not in allowed:
        raise InvalidInput(
            f"{field} must be one of {', '.join(allowed)}, not {str(text)[:40]!r}", field=field
        )
    return str(text)


def _text(column: Column[Any], value: Any, field: str) -> str:
    text = text_of(value, field)
    longest = column.type.length or LONGEST_TEXT  # type: ignore[attr-defined]
    if len(text) > longest:
        raise InvalidInput(f"{field} is too long: {len(text)} characters, at most {longest}", field=field)
    return text


def _key(_column: Column[Any], value: Any, field: str) -> Any:
    key = as_uuid(value)
    if key is None:
        raise InvalidInput(f"{field} must be an id, not {str(value)[:40]!r}", field=field)
    return key


def _flag(_column: Column[Any], value: Any, field: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput(f"{field} must be true or false, not {str(value)[:40]!r}", field=field)
    return value


def _whole(column: Column[Any], value: Any, field: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidInput(f"{field} must be a whole number, not {str(value)[:40]!r}", field=field)
    limit = 1 << (63 if isinstance(column.type, BigInteger) else 31)
    if not -limit <= value < limit:
        raise InvalidInput(f"{field} is out of range", field=field)
    return value


def _ratio(_column: Column[Any], value: Any, field: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise InvalidInput(f"{field} must be a number, not {str(value)[:40]!r}", field=field)
    try:
        number = float(value)
    except (OverflowError, ValueError):  # beyond a float, or a signalling NaN
        number = math.inf
    if not math.isfinite(number):
        raise InvalidInput(f"{field} must be a finite number", field=field)
    return number


def _document(column: Column[Any], value: Any, field: str) -> Any:
    holds_list = column.type.holds is list  # type: ignore[attr-defined]
    if holds_list and isinstance(value, str | Mapping):
        raise InvalidInput(f"{field} must be a list", field=field)
    try:
        if not _within(value, DEEPEST):
            raise InvalidInput(f"{field} is nested more than {DEEPEST} deep", field=field)
        content = plain(value, field=field)
        return TrackedList.coerce(field, content) if holds_list else TrackedDict.coerce(field, content)
    except RecursionError:  # the caller has used up the stack
        raise InvalidInput(f"{field} is nested too deeply", field=field) from None


def _within(value: Any, depth: int) -> bool:
    """Say whether objects and lists lie at most this deep in each other."""
    if isinstance(value, Mapping):
        return depth > 0 and all(_within(item, depth - 1) for item in value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return depth > 0 and all(_within(item, depth - 1) for item in value)
    return True


# Order matters: an Enum is a String, a BigInteger an Integer.
_BY_TYPE: tuple[tuple[type, Callable[[Column[Any], Any, str], Any]], ...] = (
    (Money, _money),
    (UtcDateTime, _moment),
    (Json, _document),
    (Enum, _choice),
    (String, _text),
    (Uuid, _key),
    (Boolean, _flag),
    (Integer, _whole),
    (Double, _ratio),
    (Date, _day),
)
