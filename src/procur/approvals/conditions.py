"""Whether a condition holds: true, false or unknown (None), with every comparison told."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from procur.approvals.facts import Value, plain
from procur.approvals.rules import Comparison, Condition, FactRef
from procur.core.finance import fixed_precision

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "is_unknown": lambda actual, _: actual is None,
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "in": lambda actual, expected: actual in expected,
    "contains": lambda actual, expected: expected in actual,
}


@dataclass(frozen=True, slots=True)
class ConditionTrace:
    """One comparison: what the fact was, what it was compared with, and whether it held."""

    fact: str
    operator: str
    actual: Any
    expected: Any
    result: bool | None
    unknown: str | None = None  # the fact for want of which the result cannot be told

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison as a JSON object."""
        return {
            "fact": self.fact,
            "op": self.operator,
            "actual": self.actual,
            "expected": self.expected,
            "result": "unknown" if self.result is None else self.result,
        }


def holds(condition: Condition, facts: Mapping[str, Value], told: list[ConditionTrace]) -> bool | None:
    """Evaluate the whole tree, so that the trace is complete, by three-valued logic; append to `told`."""
    if isinstance(condition, Comparison):
        return _compare(condition, facts, told)
    results = [holds(part, facts, told) for part in condition.parts]
    if condition.joiner == "not":
        return None if results[0] is None else not results[0]
    decisive = condition.joiner == "any"
    if decisive in results:
        return decisive
    return None if None in results else not decisive


def _compare(comparison: Comparison, facts: Mapping[str, Value], told: list[ConditionTrace]) -> bool | None:
    actual = facts.get(comparison.fact)
    expected = _expected(comparison, facts)
    shown = [plain(item) for item in expected] if isinstance(expected, tuple) else plain(expected)
    unknown = _first_unknown(comparison, actual, expected)
    result = _COMPARE[comparison.operator](actual, expected) if unknown is None else None
    told.append(ConditionTrace(comparison.fact, comparison.operator, plain(actual), shown, result, unknown))
    return result


def _first_unknown(comparison: Comparison, actual: object, expected: object) -> str | None:
    if comparison.operator == "is_unknown":
        return None
    if actual is None:
        return comparison.fact
    return comparison.value.name if expected is None and isinstance(comparison.value, FactRef) else None


@fixed_precision
def _expected(comparison: Comparison, facts: Mapping[str, Value]) -> Any:
    if not isinstance(comparison.value, FactRef):
        return comparison.value
    value = facts.get(comparison.value.name)
    return value * comparison.value.times if isinstance(value, Decimal) else value
