"""Arguments for any method of a repository, made from the names and types of its parameters."""

import collections.abc as shapes
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import make_transient_to_detached

from factories.neighbours import Neighbours
from factories.rows import NOW, TENANT_TABLES
from procur.db.base import Base

ADDRESS = {"id", "organization_id", "created_at", "updated_at"}


def is_key(annotation: Any) -> bool:
    return "UUID" in str(annotation)


def aim(  # noqa: PLR0911 - one per kind of parameter
    name: str, annotation: Any, row: Mapping[str, Any], neighbours: Neighbours
) -> Any:
    """Return a foreign value for a parameter of this name and type."""
    origin = typing.get_origin(annotation)
    inner = typing.get_args(annotation)
    if origin is tuple:
        return tuple(aim(name, one, row, neighbours) for one in inner if one is not Ellipsis)
    if origin in {list, set, frozenset, shapes.Iterable, shapes.Sequence, shapes.Collection} and inner:
        single = aim(name.removesuffix("s"), inner[0], row, neighbours)
        return {single} if origin in {set, frozenset} else [single]
    if is_key(annotation):
        return _key(name, row, neighbours)
    if isinstance(annotation, type) and issubclass(annotation, Base):
        return _loaded(annotation, neighbours)
    if is_dataclass(annotation):
        types = typing.get_type_hints(annotation)
        made = {
            field.name: aim(field.name, types[field.name], row, neighbours) for field in fields(annotation)
        }
        return annotation(**made)
    if "Mapping" in str(annotation) or "dict" in str(annotation):
        return {key: value for key, value in row.items() if key not in ADDRESS}
    if name in row and row[name] is not None:
        return row[name]
    return _plain(annotation, row)


def _loaded(model: Any, neighbours: Neighbours) -> Any:
    """Return a foreign row as if it had been loaded somewhere else."""
    row = neighbours.rows[model.__tablename__]
    names = {attribute.columns[0].name: attribute.key for attribute in model.__mapper__.column_attrs}
    found = model(**{names[column]: value for column, value in row.items()})
    make_transient_to_detached(found)
    return found


def _key(name: str, row: Mapping[str, Any], neighbours: Neighbours) -> Any:
    if name in {"org_id", "organization_id", "organization"}:
        return neighbours.organization_id
    if isinstance(row.get(name), UUID):
        return row[name]
    for table in TENANT_TABLES:
        if table.name.startswith(name.removesuffix("_id").removesuffix("id") or "?"):
            return neighbours.rows[table.name].get("id", neighbours.organization_id)
    return row.get("id", neighbours.organization_id)


def _plain(annotation: Any, row: Mapping[str, Any]) -> Any:
    for kind, value in (
        (datetime, NOW),
        (date, NOW.date()),
        (bool, True),
        (int, 1),
        (float, 1.0),
        (bytes, b"x"),
    ):
        if annotation is kind or kind in typing.get_args(annotation):
            return value
    if annotation is object:
        return row.get("id", "x")
    marked = [value for value in row.values() if isinstance(value, str) and value.startswith("acme ")]
    return marked[0] if marked else "x"
