"""Every public method of every repository, aimed from one organisation at another one's rows.

Nothing is listed by hand: arguments are made from the names and types of the parameters, filled with the
values and keys of the other organisation's rows. A new repository is attacked as soon as it is exported.
"""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.exc import SAWarning

from factories.aiming import ADDRESS, aim, is_key
from factories.neighbours import Neighbours
from factories.rows import TENANT_TABLES
from procur.core.errors import ProcurError
from procur.db import repositories
from procur.db.base import Base
from procur.db.repositories import Repository

# Some count and do not keep rows: they are no Repository, but take a session as all do.
KINDS: list[Any] = sorted(
    (
        kind
        for name, kind in vars(repositories).items()
        if name.endswith("Repository") and name != "Repository"
    ),
    key=lambda kind: str(kind.__name__),
)
# A method with free keywords may not take all of a row's columns.
_ILL_CALLED = re.compile("missing .* argument|multiple values for|unexpected keyword")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_method_reaches_a_row_of_another_organisation(
    neighbours: Neighbours, kind: Any, counted: Callable[[int, str], None]
) -> None:
    database = neighbours.database
    before = _contents(neighbours)
    attempts = 0
    for name, arguments in _attempts(kind, neighbours):
        attempts += 1
        try:
            with database.get_session("rival") as session:
                answer = getattr(kind(session), name)(**arguments)
                told_now = set(_told(answer)) - _said(arguments)
            learned = {
                value for value in told_now if value.startswith("acme ")
            } | told_now & neighbours.keys()
            # Its own rows may carry what earlier attempts have written there.
            assert not learned or learned <= _words(neighbours), (name, answer)
        except ProcurError:
            continue  # not found, not allowed, or names nothing here
        except (KeyError, IndexError, SAWarning):
            continue  # a document or tuple of a shape that its type does not tell
        except TypeError as error:
            if not _ILL_CALLED.search(str(error)):
                raise
    assert _contents(neighbours) == before
    counted(attempts, "calls from another organisation, which found and changed 0 rows")


def _attempts(kind: Any, neighbours: Neighbours) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every public method with arguments that name foreign rows: the required ones, then all."""
    table = kind.model.__tablename__ if hasattr(kind, "model") else None
    row = neighbours.rows.get(table, {"id": neighbours.organization_id})
    for name, method in inspect.getmembers(kind, inspect.isfunction):
        if name.startswith("_"):
            continue
        parameters = list(inspect.signature(method).parameters.values())[1:]
        named = [one for one in parameters if one.kind not in {one.VAR_KEYWORD, one.VAR_POSITIONAL}]
        required = {
            one.name: aim(one.name, one.annotation, row, neighbours)
            for one in named
            if one.default is one.empty
        }
        yield name, required
        owned = {
            one.name: aim(one.name, one.annotation, row, neighbours)
            for one in named
            if is_key(one.annotation) or one.name in row
        }
        if owned.keys() - required.keys():
            yield name, required | owned
        if any(one.kind == one.VAR_KEYWORD for one in parameters):
            free = {key: value for key, value in row.items() if key not in ADDRESS}
            yield name, free | required
            yield name, {**free, **required, "organization_id": neighbours.organization_id}


def _told(answer: Any) -> Iterator[str]:
    """Yield every value of an answer as text: rows by their loaded columns, keys of dicts left out."""
    if isinstance(answer, Base):
        for attribute in answer.__mapper__.column_attrs:
            yield from _told(answer.__dict__.get(attribute.key))
    elif isinstance(answer, Mapping):
        for value in answer.values():
            yield from _told(value)
    elif is_dataclass(answer) and not isinstance(answer, type):
        for field in fields(answer):
            yield from _told(getattr(answer, field.name))
    elif isinstance(answer, list | tuple | set | frozenset):
        for value in answer:
            yield from _told(value)
    elif answer is not None:
        yield str(answer)


def _said(arguments: Mapping[str, Any]) -> set[str]:
    """Return the keys that the caller named itself and may read back from a row of its own."""
    return set(_told(list(arguments.values())))


def _contents(neighbours: Neighbours) -> dict[str, list[str]]:
    """Return everything that Alice's organisation has."""
    return {name: sorted(map(str, rows)) for name, rows in _rows(neighbours, neighbours.organization_id)}


def _words(neighbours: Neighbours) -> set[str]:
    """Return every value that Charlie's organisation holds."""
    owned = _rows(neighbours, neighbours.people.other_organization_id)
    return {word for _, rows in owned for row in rows for word in _told(list(row))}


def _rows(neighbours: Neighbours, organization_id: UUID) -> Iterator[tuple[str, list[Any]]]:
    with neighbours.database.system_session(read_only=True) as session:
        for table in TENANT_TABLES:
            owned = select(table).where(table.c.organization_id == organization_id)
            yield table.name, list(session.execute(owned))


def test_every_tenant_table_is_aimed_at(neighbours: Neighbours) -> None:
    assert set(neighbours.rows) >= {table.name for table in TENANT_TABLES}


def test_every_repository_is_exported() -> None:
    found = {
        kind.__name__
        for kind in _subclasses(Repository)
        if kind.__module__.startswith("procur.db.") and hasattr(kind, "model") and not kind.__subclasses__()
    }
    assert {name for name in found if not name.startswith("_")} <= {kind.__name__ for kind in KINDS}


def _subclasses(kind: Any) -> Iterator[Any]:
    for each in kind.__subclasses__():
        yield each
        yield from _subclasses(each)
