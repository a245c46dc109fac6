"""Every public method of every repository, called with arguments that are not what it asks for.

Nothing is listed by hand: each parameter in turn gets values that its annotation does not allow, the others
get fitting ones. Whatever comes of it, callers only ever have to catch Procur's own errors.
"""

import inspect
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.exc import SAWarning

from factories.aiming import ADDRESS, aim
from factories.neighbours import Neighbours
from factories.unfit import NAIVE, NAN, NUL, SURROGATE
from procur.core.errors import InvalidInput, ProcurError
from procur.db import Session, repositories

# The seals are written and read by the audit room alone, never with what callers give.
KINDS: list[Any] = sorted(
    (
        kind
        for name, kind in vars(repositories).items()
        if name.endswith("Repository") and name not in {"AuditSealRepository", "Repository"}
    ),
    key=lambda kind: str(kind.__name__),
)
_VALUES: tuple[Any, ...] = (5, -1, True, "", "x", NUL, SURROGATE, b"x", [], [["x"]], {}, NAN)
_VALUES += (1 << 63, -(1 << 63) - 1, NAIVE, Decimal("sNaN"), object())
_ILL_CALLED = re.compile("missing .* argument|multiple values for|unexpected keyword")


@pytest.mark.parametrize("opened", ["own", "system"])
def test_nothing_but_procur_errors_comes_of_unfit_arguments(
    neighbours: Neighbours, opened: str, counted: Callable[[int, str], None]
) -> None:
    database, wrong, attempts = neighbours.database, [], 0
    opening = database.system_session if opened == "system" else database.get_session
    with opening(*([] if opened == "system" else [neighbours.organization_id])) as session:
        for kind, name, arguments, field in _attempts(neighbours):
            attempts += 1
            told = _tried(session, kind, name, arguments)
            if told is not None:
                wrong.append(f"{kind.__name__}.{name}({field}={ascii(arguments[field])[:40]}): {told}")
        session.rollback()
    counted(attempts, "calls with an unfit argument, nothing but Procur's own errors")
    assert not wrong, f"{len(wrong)} of {attempts}:\n" + "\n".join(wrong)


def _tried(session: Session, kind: Any, name: str, arguments: dict[str, Any]) -> str | None:
    """Return what else than a ProcurError came out, or None."""
    try:
        with session.begin_nested() as savepoint:
            answer = getattr(kind(session), name)(**arguments)
            if inspect.isgenerator(answer):
                list(answer)
            savepoint.rollback()
    except (ProcurError, SAWarning):
        pass
    except TypeError as error:
        return None if _ILL_CALLED.search(str(error)) else repr(error)[:200]
    except Exception as error:  # noqa: BLE001 - this is what is looked for
        return repr(error)[:200]
    return None


def _attempts(neighbours: Neighbours) -> Iterator[tuple[Any, str, dict[str, Any], str]]:
    seen = set()
    for kind in KINDS:
        table = kind.model.__tablename__ if hasattr(kind, "model") else None
        row = neighbours.rows.get(table, {"id": neighbours.organization_id})
        for name, method in inspect.getmembers(kind, inspect.isfunction):
            if name.startswith("_") or method in seen:
                continue
            seen.add(method)
            parameters = list(inspect.signature(method).parameters.values())[1:]
            named = [one for one in parameters if one.kind not in {one.VAR_KEYWORD, one.VAR_POSITIONAL}]
            fitting = {
                one.name: aim(one.name, one.annotation, row, neighbours)
                for one in named
                if one.default is one.empty
            }
            for one in named:
                for value in (None, *_VALUES):
                    yield kind, name, fitting | {one.name: value}, one.name
            if any(one.kind == one.VAR_KEYWORD for one in parameters):
                free = {key: value for key, value in row.items() if key not in ADDRESS} | fitting
                for field in free:
                    yield kind, name, free | {field: NUL}, field


_BY_NAME = (
    ("ApiKeyRepository", "find_by_key", {"plain": None}),
    ("ApiKeyRepository", "find_by_key", {"plain": b"x"}),
    ("ApiKeyRepository", "create_key", {"name": "k", "scopes": 5, "created_by": None}),
    ("ApiKeyRepository", "create_key", {"name": "k", "scopes": [["x"]], "created_by": None}),
    ("VendorRepository", "page", {"cursor": 5}),
    ("VendorRepository", "get_many", {"ids": None}),
    ("VendorRepository", "named", {"value": None}),
    ("VendorRepository", "search", {"limit": "", "words": "x"}),
    ("VendorRepository", "search", {"limit": -1, "words": "x"}),
    ("AuditRepository", "trail", {"cursor": 5}),
    ("EventRepository", "after", {"position": "5"}),
    ("EventRepository", "after", {"limit": ""}),
    ("EventRepository", "after", {"limit": -1}),
    ("UserRepository", "get_by_email", {"email": None}),
    ("UsageRepository", "spend", {"period": []}),
    ("JobRepository", "enqueue", {"payload": 5, "kind": "x"}),
    ("JobRepository", "enqueue", {"payload": "x", "kind": "x"}),
    ("ConversationRepository", "expire", {"now": 5}),
    ("ConversationRepository", "organization_cost", {"since": 5}),
    ("PolicyRepository", "active", {"policy_type": 5}),
)


@pytest.mark.parametrize(("kind", "name", "arguments"), _BY_NAME)
def test_an_unfit_argument_is_named(
    neighbours: Neighbours, kind: str, name: str, arguments: dict[str, Any]
) -> None:
    method = getattr(getattr(repositories, kind), name)
    required = {
        one.name: aim(one.name, one.annotation, {}, neighbours)
        for one in list(inspect.signature(method).parameters.values())[1:]
        if one.default is one.empty and one.kind not in {one.VAR_KEYWORD, one.VAR_POSITIONAL}
    }
    with neighbours.database.get_session(neighbours.organization_id) as session:
        with pytest.raises(InvalidInput) as caught:
            getattr(getattr(repositories, kind)(session), name)(**required | arguments)
        session.rollback()
    unfit = "scopes" if "scopes" in arguments else next(iter(arguments))
    assert caught.value.field == unfit
