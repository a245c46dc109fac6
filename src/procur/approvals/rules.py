"""The typed form of a policy: conditions over facts, and the effects of a rule."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

from procur.approvals.facts import Value


@dataclass(frozen=True, slots=True)
class FactRef:
    """Another fact as the value to compare with, multiplied by `times` if it is an amount."""

    name: str
    times: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One fact compared with a value, a list of values or another fact."""

    fact: str
    operator: str
    value: Value | tuple[Value, ...] | FactRef | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions joined by all, any or not (exactly one part)."""

    joiner: Literal["all", "any", "not"]
    parts: tuple["Condition", ...]


Condition = Comparison | Group


@dataclass(frozen=True, slots=True)
class RequireApproval:
    """People of a role must approve: `count` of them (mode any) or all of them; lower orders come first."""

    role: str
    order: int = 1
    mode: Literal["any", "all"] = "any"
    count: int = 1


@dataclass(frozen=True, slots=True)
class RequireQuotes:
    """At least so many offers, or a documented reason for fewer."""

    count: int


@dataclass(frozen=True, slots=True)
class RequireEvidence:
    """Valid evidence for these frameworks, or for every framework that a fact lists."""

    frameworks: tuple[str, ...] | FactRef


@dataclass(frozen=True, slots=True)
class Block:
    """The purchase stops, whoever approves."""

    reason: str


@dataclass(frozen=True, slots=True)
class Warn:
    """Something the approver should read."""

    text: str


Effect = RequireApproval | RequireQuotes | RequireEvidence | Block | Warn


@dataclass(frozen=True, slots=True)
class Rule:
    """When the condition holds on an effective day, the effects apply. Lower priorities come first."""

    id: str
    description: str
    when: Condition
    then: tuple[Effect, ...]
    priority: int = 100
    effective_from: date | None = None
    effective_to: date | None = None


@dataclass(frozen=True, slots=True)
class PolicySet:
    """One version of an organisation's rules, in the order in which they are looked at."""

    name: str
    version: int
    currency: str
    rules: tuple[Rule, ...]
    hash: str
    kinds: Mapping[str, str] = field(repr=False)
