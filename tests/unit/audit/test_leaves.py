"""The canonical spelling tells every two different entries apart, and no two equal ones."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procur.audit.leaves import canonical
from procur.db.repositories.audit_rows import Bent

ENTRY = {"id": "a", "description": None, "event_data": "{}", "changes": "{}"}
NUMBERS = st.one_of(st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=6)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


def told(**changed: Any) -> bytes:
    return canonical({**ENTRY, **changed})


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal, true and 1 apart."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, int | float) and isinstance(other, int | float):
        return Decimal(repr(one)) == Decimal(repr(other))
    return bool(type(one) is type(other) and one == other)


@given(VALUES, VALUES)
def test_two_documents_are_told_apart_unless_they_are_equal(one: Any, other: Any) -> None:
    first, second = (told(event_data=json.dumps({"x": value})) for value in (one, other))
    assert (first == second) == same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a": 1e22}', '{"a": 10000000000000000000000}'),
        ('{"a": 1.50}', '{"a":1.5}'),
        ('{"a": -0.0}', '{"a": 0}'),
        ('{"b": 1, "a": 2}', '{"a": 2, "b": 1}'),
    ],
)
def test_what_the_databases_spell_differently_is_the_same(one: str, other: str) -> None:
    assert told(event_data=one) == told(event_data=other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"event_data": '{"a": 1}'}, {"event_data": '{"a": "#1E0"}'}),
        ({"event_data": '{"a": 1}'}, {"event_data": '{"a": true}'}),
        ({"event_data": '{"a": 1.0}'}, {"event_data": '{"a": 1.0000000000000000000000000000000000001}'}),
        ({"event_data": '{"a": 2}'}, {"event_data": '{"a": 1, "a": 2}'}),
        ({"event_data": "{}"}, {"event_data": "nonsense"}),
        ({"event_data": "{}"}, {"event_data": "[" * 100_000}),
        ({"event_data": '{"a": 1}'}, {"event_data": '{"a": NaN}'}),
        ({"event_data": "5"}, {"event_data": 5}),
        ({"description": "#!blob:41"}, {"description": Bent("blob:41")}),
        ({"description": None}, {"description": "null"}),
        ({"description": "A"}, {"description": Bent("blob:41")}),
    ],
)
def test_what_looks_alike_is_told_apart(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert told(**one) != told(**other)
