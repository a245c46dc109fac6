"""Refuses arguments that are not what a method's annotations say, before anything is asked or written.

What a column takes is checked where rows are written (`procur.db.values`); this is for everything else that
callers hand in: limits, cursors, names to look for, moments, lists of keys.
"""

import collections.abc as shapes
import functools
import inspect
import math
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import is_dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from procur.core.errors import InvalidInput
from procur.db.base import Base
from procur.db.tenancy import as_uuid
from procur.db.values import moment_of, text_of

Check = Callable[[Any, str], object]
_LARGEST = 1 << 63
_SERIES = (list, tuple, set, frozenset)
# Written by whoever knocks: hashed before they are looked for, or clipped and cleaned before they are kept.
_STRANGERS = frozenset({"ip_address", "plain", "token", "user_agent"})
_NEVER_NEGATIVE = frozenset({"limit", "offset"})


class Checked:
    """A class whose public methods refuse unfit arguments: InvalidInput names the argument."""

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        for name, method in list(vars(cls).items()):
            if inspect.isfunction(method) and not name.startswith("_"):
                setattr(cls, name, _checking(method))


def _checking(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return the method behind a check of its arguments; the method itself if there is nothing to check."""
    parameters = inspect.signature(method).parameters.values()
    checks = [
        (place, one.name, check)
        for place, one in enumerate(parameters)
        if one.kind not in {one.VAR_POSITIONAL, one.VAR_KEYWORD}
        and (check := _check_for(one.annotation)) is not None
    ]
    if not checks:
        return method

    @functools.wraps(method)
    def checking(*given: Any, **named: Any) -> Any:
        for place, name, check in checks:
            if place < len(given):
                check(given[place], name)
            elif name in named:
                check(named[name], name)
        return method(*given, **named)

    return checking


def _check_for(annotation: Any) -> Check | None:  # noqa: PLR0911 - one per kind of type
    """Return what refuses everything that is not of this type; None where anything goes."""
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in {typing.Union, types.UnionType}:
        return _one_of(inner)
    if annotation in _CHECKS:
        return _CHECKS[annotation]
    if origin in {dict, shapes.Mapping}:
        return _mapping
    if origin is tuple and Ellipsis not in inner:
        return functools.partial(_row, [_check_for(one) for one in inner])
    if origin in {*_SERIES, shapes.Iterable, shapes.Sequence, shapes.Collection}:
        return functools.partial(_series, _check_for(inner[0]) if inner else None)
    if origin is typing.Literal:
        return functools.partial(_named_one, inner)
    if isinstance(annotation, type) and (issubclass(annotation, Base) or is_dataclass(annotation)):
        return functools.partial(_instance, annotation)
    return None


def _one_of(options: tuple[Any, ...]) -> Check | None:
    if UUID in options and str in options:  # what is no key names nothing, and is not found
        return None
    checks = [_check_for(one) for one in options if one is not types.NoneType]
    if None in checks:
        return None
    return functools.partial(_any_of, [one for one in checks if one], types.NoneType in options)


def _any_of(checks: list[Check], optional: bool, value: Any, field: str) -> None:
    if value is None and optional:
        return
    for number, check in enumerate(checks, start=1):
        try:
            check(value, field)
        except InvalidInput:
            if number == len(checks):
                raise
        else:
            return


def _text(value: Any, field: str) -> None:
    # An enumeration's member stands for its value, as in columns.
    text = getattr(value, "value", value)
    if not (isinstance(text, str) and field in _STRANGERS):
        text_of(text, field)


def _id(value: Any, field: str) -> None:
    if as_uuid(value) is None:
        raise InvalidInput(f"{field} must be an id, not {str(value)[:40]!r}", field=field)


def _whole(value: Any, field: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidInput(f"{field} must be a whole number, not {type(value).__name__}", field=field)
    if not -_LARGEST <= value < _LARGEST:
        raise InvalidInput(f"{field} is out of range", field=field)
    if value < 0 and field in _NEVER_NEGATIVE:
        raise InvalidInput(f"{field} must be a whole number from 0", field=field)


def _number(value: Any, field: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not _is_finite(value):
        raise InvalidInput(f"{field} must be a finite number", field=field)


def _is_finite(value: float | Decimal) -> bool:
    try:
        return math.isfinite(value)
    except (OverflowError, ValueError):  # beyond a float, or a signalling NaN
        return False


def _flag(value: Any, field: str) -> None:
    if not isinstance(value, bool):
        raise InvalidInput(f"{field} must be true or false, not {type(value).__name__}", field=field)


def _day(value: Any, field: str) -> None:
    if isinstance(value, datetime) or not isinstance(value, date):
        raise InvalidInput(f"{field} must be a date, not {type(value).__name__}", field=field)


def _bytes(value: Any, field: str) -> None:
    if not isinstance(value, bytes):
        raise InvalidInput(f"{field} must be bytes, not {type(value).__name__}", field=field)


def _mapping(value: Any, field: str) -> None:
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{field} must be an object of names and values", field=field)


def _series(check: Check | None, value: Any, field: str) -> None:
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise InvalidInput(f"{field} must be a list", field=field)
    if check is not None and isinstance(value, _SERIES):  # what yields only once is left to who reads it
        for one in value:
            check(one, field)


def _row(checks: list[Check | None], value: Any, field: str) -> None:
    if not isinstance(value, list | tuple) or len(value) != len(checks):
        raise InvalidInput(f"{field} must have {len(checks)} values each", field=field)
    for check, one in zip(checks, value, strict=True):
        if check is not None:
            check(one, field)


def _named_one(options: tuple[Any, ...], value: Any, field: str) -> None:
    if not isinstance(value, str) or value not in options:
        raise InvalidInput(f"{field} must be one of {', '.join(map(str, options))}", field=field)


def _instance(kind: type, value: Any, field: str) -> None:
    if not isinstance(value, kind):
        raise InvalidInput(f"{field} must be a {kind.__name__}, not {type(value).__name__}", field=field)


_CHECKS: dict[Any, Check] = {
    UUID: _id,
    str: _text,
    int: _whole,
    float: _number,
    bool: _flag,
    datetime: moment_of,
    date: _day,
    bytes: _bytes,
}
