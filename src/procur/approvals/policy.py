"""What a purchase needs under a policy: a pure function from facts to a decision that can be replayed.

A fact that is not known never helps: a rule that requires or blocks applies when its condition cannot be
told.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from importlib.resources import files
from typing import Any, Literal

from procur.approvals.conditions import ConditionTrace, holds
from procur.approvals.facts import Value, digest, plain, read_facts
from procur.approvals.parsing import parse_policy
from procur.approvals.rules import (
    Block,
    FactRef,
    PolicySet,
    RequireApproval,
    RequireEvidence,
    RequireQuotes,
    Rule,
    Warn,
)

__all__ = ["DEFAULT_POLICY", "Change", "Decision", "PolicySet", "evaluate", "parse_policy", "what_if"]

Outcome = Literal["granted", "approval_required", "blocked"]

DEFAULT_POLICY: Mapping[str, Any] = json.loads(
    files("procur.approvals").joinpath("data/default_policy.json").read_text(encoding="utf-8")
)


@dataclass(frozen=True, slots=True)
class RequiredApproval:
    """Who must approve, in which order (lower first), why, and which rules say so."""

    role: str
    order: int
    mode: str
    count: int
    reason: str
    rule_ids: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the required approval as a JSON object."""
        return {
            "role": self.role,
            "order": self.order,
            "mode": self.mode,
            "count": self.count,
            "reason": self.reason,
            "rule_ids": list(self.rule_ids),
        }


@dataclass(frozen=True, slots=True)
class TraceEntry:
    """What became of one rule: matched (None: could not be told), applied, and each comparison."""

    rule_id: str
    description: str
    matched: bool | None
    applied: bool
    note: str
    conditions: tuple[ConditionTrace, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the entry as a JSON object."""
        return {
            "rule_id": self.rule_id,
            "description": self.description,
            "matched": "unknown" if self.matched is None else self.matched,
            "applied": self.applied,
            "note": self.note,
            "conditions": [condition.as_dict() for condition in self.conditions],
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome, what is required or missing, and everything needed to check it later."""

    outcome: Outcome
    approvals: tuple[RequiredApproval, ...]
    blocks: tuple[str, ...]
    warnings: tuple[str, ...]
    missing_evidence: tuple[str, ...]
    trace: tuple[TraceEntry, ...]
    policy_name: str
    policy_version: int
    policy_hash: str
    facts_hash: str

    def as_dict(self) -> dict[str, Any]:
        """Return the decision as a JSON object."""
        return {
            "outcome": self.outcome,
            "approvals": [approval.as_dict() for approval in self.approvals],
            "blocks": list(self.blocks),
            "warnings": list(self.warnings),
            "missing_evidence": list(self.missing_evidence),
            "trace": [entry.as_dict() for entry in self.trace],
            "policy": {"name": self.policy_name, "version": self.policy_version, "hash": self.policy_hash},
            "facts_hash": self.facts_hash,
        }


@dataclass(frozen=True, slots=True)
class Change:
    """A case whose outcome or approvals a draft policy would change."""

    index: int
    before: Decision
    after: Decision


def evaluate(policy: PolicySet, facts: Mapping[str, object]) -> Decision:
    """Return what the policy says about these facts (names and types in `facts.FACTS`; None is unknown)."""
    known = read_facts(policy.kinds, facts)
    found = _Findings(known)
    if known.get("currency") != policy.currency:
        given = known.get("currency", "an unknown currency")
        found.blocks.append(f"the policy counts in {policy.currency}, the amounts are in {given}")
    for rule in policy.rules:
        found.look_at(rule)
    outcome: Outcome = "blocked" if found.blocks else "approval_required" if found.approvals else "granted"
    return Decision(
        outcome=outcome,
        approvals=tuple(sorted(found.approvals.values(), key=lambda needed: (needed.order, needed.role))),
        blocks=tuple(found.blocks),
        warnings=tuple(found.warnings),
        missing_evidence=tuple(dict.fromkeys(found.missing_evidence)),
        trace=tuple(found.trace),
        policy_name=policy.name,
        policy_version=policy.version,
        policy_hash=policy.hash,
        facts_hash=digest({name: plain(value) for name, value in known.items()}),
    )


def what_if(
    current: PolicySet, draft: PolicySet, cases: Iterable[Mapping[str, object]]
) -> tuple[Change, ...]:
    """Return the cases for which the draft decides otherwise than the policy in force."""
    pairs = [(evaluate(current, facts), evaluate(draft, facts)) for facts in cases]
    return tuple(
        Change(index, before, after)
        for index, (before, after) in enumerate(pairs)
        if (before.outcome, _who(before)) != (after.outcome, _who(after))
    )


def _who(decision: Decision) -> list[tuple[int, str, str, int]]:
    return [(needed.order, needed.role, needed.mode, needed.count) for needed in decision.approvals]


class _Findings:
    """Collects what the rules say, one rule after the other."""

    def __init__(self, facts: Mapping[str, Value]) -> None:
        self.facts = facts
        self.approvals: dict[tuple[str, int], RequiredApproval] = {}
        self.blocks: list[str] = []
        self.warnings: list[str] = []
        self.missing_evidence: list[str] = []
        self.trace: list[TraceEntry] = []

    def look_at(self, rule: Rule) -> None:
        """Apply one rule if it is in effect and its condition holds or cannot be told."""
        told: list[ConditionTrace] = []
        if not _effective(rule, self.facts.get("decided_on")):
            self._tell(rule, matched=False, note="not in effect on this day", told=told)
            return
        matched = holds(rule.when, self.facts, told)
        unknown = sorted({condition.unknown for condition in told if condition.unknown})
        doubt = f" (cannot be told: {', '.join(unknown)} unknown)" if matched is None else ""
        only_warns = all(isinstance(effect, Warn) for effect in rule.then)
        if matched is False or (matched is None and only_warns):
            self._tell(rule, matched=matched, note=f"does not apply{doubt}", told=told)
            return
        notes = [self._apply(effect, rule, doubt) for effect in rule.then]
        self._tell(rule, matched=matched, note="; ".join(notes), told=told, applied=True)

    def _tell(
        self,
        rule: Rule,
        *,
        matched: bool | None,
        note: str,
        told: list[ConditionTrace],
        applied: bool = False,
    ) -> None:
        self.trace.append(TraceEntry(rule.id, rule.description, matched, applied, note, tuple(told)))

    def _apply(self, effect: Any, rule: Rule, doubt: str) -> str:
        """Take one effect into account and say what it did."""
        if isinstance(effect, RequireApproval):
            return self._need_approval(effect, rule, doubt)
        if isinstance(effect, RequireQuotes):
            return self._check_quotes(effect.count, doubt)
        if isinstance(effect, RequireEvidence):
            return self._check_evidence(effect, doubt)
        if isinstance(effect, Block):
            self.blocks.append(effect.reason + doubt)
            return f"blocks: {effect.reason}{doubt}"
        self.warnings.append(effect.text)
        return f"warns: {effect.text}"

    def _need_approval(self, effect: RequireApproval, rule: Rule, doubt: str) -> str:
        needed = RequiredApproval(
            effect.role, effect.order, effect.mode, effect.count, rule.description + doubt, (rule.id,)
        )
        key = (effect.role, effect.order)
        earlier = self.approvals.get(key)
        if earlier is not None:
            needed = replace(
                needed,
                mode="all" if "all" in (earlier.mode, needed.mode) else "any",
                count=max(earlier.count, needed.count),
                reason=f"{earlier.reason}; {needed.reason}",
                rule_ids=(*earlier.rule_ids, rule.id),
            )
        self.approvals[key] = needed
        return f"needs approval by {effect.role} (step {effect.order}){doubt}"

    def _check_quotes(self, count: int, doubt: str) -> str:
        received = self.facts.get("quotes_received")
        if isinstance(received, int) and received >= count:
            return f"{count} quotes needed, {received} received"
        reason = self.facts.get("sole_source_reason")
        if reason is not None:
            return f"fewer than {count} quotes, with the reason: {reason}"
        has = "unknown" if received is None else received
        self.blocks.append(f"{count} quotes needed, {has} received, and no reason documented{doubt}")
        return self.blocks[-1]

    def _check_evidence(self, effect: RequireEvidence, doubt: str) -> str:
        wanted: object = effect.frameworks
        if isinstance(effect.frameworks, FactRef):
            wanted = self.facts.get(effect.frameworks.name)
            if wanted is None:
                self.blocks.append(f"{effect.frameworks.name} is unknown, so evidence cannot be checked")
                return self.blocks[-1]
        held = self.facts.get("evidence_held", ())
        missing = [name for name in _texts(wanted) if name not in _texts(held)]
        if not missing:
            return f"evidence: {', '.join(_texts(wanted)) or 'none required'}"
        self.missing_evidence.extend(missing)
        self.blocks.append(f"no valid evidence for {', '.join(missing)}{doubt}")
        return self.blocks[-1]


def _effective(rule: Rule, day: Value | None) -> bool:
    """Tell whether the rule is in effect; on an unknown day every rule is."""
    if not isinstance(day, date):
        return True
    return (rule.effective_from or day) <= day <= (rule.effective_to or day)


def _texts(value: object) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()
