"""Reading a policy from JSON; every error names the rule and the field."""

from collections.abc import Mapping
from typing import Any

from procur.approvals.facts import FACTS, KINDS, digest, read_date, read_value
from procur.approvals.rules import (
    Block,
    Comparison,
    Condition,
    Effect,
    FactRef,
    Group,
    PolicySet,
    RequireApproval,
    RequireEvidence,
    RequireQuotes,
    Rule,
    Warn,
)
from procur.core.errors import InvalidInput
from procur.core.money import decimal

_ORDERED = ("eq", "ne", "lt", "le", "gt", "ge", "in", "is_unknown")
OPERATORS: dict[str, tuple[str, ...]] = {
    "amount": _ORDERED,
    "integer": _ORDERED,
    "date": _ORDERED,
    "text": ("eq", "ne", "in", "is_unknown"),
    "boolean": ("eq", "ne", "is_unknown"),
    "texts": ("contains", "eq", "ne", "is_unknown"),
}
_MISSING: Any = object()


def parse_policy(data: Mapping[str, Any]) -> PolicySet:
    """Return the typed policy, or raise InvalidInput naming the rule and the field at fault."""
    _only(data, {"name", "version", "description", "currency", "roles", "facts", "rules"}, "policy")
    kinds = {name: kind for name, (kind, _) in FACTS.items()} | _get(data, "facts", dict, "policy", {})
    for name, kind in kinds.items():
        if kind not in KINDS:
            raise InvalidInput(f"policy: fact {name} must be one of {KINDS}, not {kind!r}", field="facts")
    roles = _get(data, "roles", list, "policy")
    rules = [_Reader(raw, kinds, roles).rule() for raw in _get(data, "rules", list, "policy")]
    ids = [rule.id for rule in rules]
    for name in ids:
        if ids.count(name) > 1:
            raise InvalidInput(f"rule {name}: this id stands twice", field="id")
    return PolicySet(
        name=_get(data, "name", str, "policy"),
        version=_get(data, "version", int, "policy"),
        currency=_get(data, "currency", str, "policy"),
        rules=tuple(sorted(rules, key=lambda rule: (rule.priority, rule.id))),
        hash=digest(data),
        kinds=kinds,
    )


class _Reader:
    """Reads one rule; `where` starts every error."""

    def __init__(self, raw: object, kinds: Mapping[str, str], roles: list[str]) -> None:
        self.raw = _object(raw, "a rule")
        self.where = f"rule {_get(self.raw, 'id', str, 'a rule')}"
        self.kinds, self.roles = kinds, roles

    def rule(self) -> Rule:
        """Read the rule itself."""
        raw, where = self.raw, self.where
        allowed = {"id", "description", "when", "then", "priority", "effective_from", "effective_to"}
        _only(raw, allowed, where)
        effects = _get(raw, "then", list, where)
        if not effects:
            raise InvalidInput(f"{where}: then is empty, so the rule does nothing", field="then")
        first, last = (
            None if raw.get(key) is None else read_date(raw[key], where=f"{where}: {key}")
            for key in ("effective_from", "effective_to")
        )
        return Rule(
            id=raw["id"],
            description=_get(raw, "description", str, where),
            when=self.condition(_get(raw, "when", dict, where)),
            then=tuple(self.effect(effect) for effect in effects),
            priority=_get(raw, "priority", int, where, 100),
            effective_from=first,
            effective_to=last,
        )

    def condition(self, raw: object) -> Condition:
        """Read a condition and everything below it."""
        tree = _object(raw, f"{self.where}: a condition")
        if "fact" in tree:
            return self.comparison(tree)
        keys = sorted(tree)
        if keys == ["not"]:
            return Group("not", (self.condition(tree["not"]),))
        for joiner in ("all", "any"):
            if keys == [joiner]:
                parts = tuple(self.condition(part) for part in _get(tree, joiner, list, self.where))
                return Group("all" if joiner == "all" else "any", parts)
        raise InvalidInput(f"{self.where}: a condition is fact, all, any or not, not {keys}", field="when")

    def comparison(self, raw: Mapping[str, Any]) -> Comparison:
        """Read one comparison; its value has the type of its fact."""
        _only(raw, {"fact", "op", "value"}, self.where)
        fact, operator = self.known(raw["fact"]), _get(raw, "op", str, self.where)
        kind = self.kinds[fact]
        if operator not in OPERATORS[kind]:
            raise InvalidInput(
                f"{self.where}: {fact} is {kind} and takes {', '.join(OPERATORS[kind])}, not {operator}",
                field="op",
            )
        if operator == "is_unknown":
            return Comparison(fact, operator)
        place = f"{self.where}: value of {fact} {operator}"
        value = raw.get("value")
        if isinstance(value, Mapping) and operator not in ("in", "contains"):
            return Comparison(fact, operator, self.reference(value, kind))
        if operator == "in":
            items = tuple(read_value(kind, item, where=place) for item in _list(value, place))
            return Comparison(fact, operator, items)
        kind = "text" if operator == "contains" else kind
        return Comparison(fact, operator, read_value(kind, value, where=place))

    def reference(self, raw: Mapping[str, Any], kind: str) -> FactRef:
        """Read a reference to another fact of the same kind."""
        _only(raw, {"fact", "times"}, self.where)
        name = self.known(raw.get("fact"))
        if self.kinds[name] != kind or ("times" in raw and kind != "amount"):
            raise InvalidInput(
                f"{self.where}: cannot compare {kind} with {name} ({self.kinds[name]})", field="value"
            )
        return FactRef(name, decimal(raw.get("times", 1), field=f"{self.where}: times"))

    def effect(self, raw: object) -> Effect:
        """Read one effect."""
        effect = _object(raw, f"{self.where}: an effect")
        if len(effect) != 1:
            raise InvalidInput(f"{self.where}: an effect has one name, not {sorted(effect)}", field="then")
        name, value = next(iter(effect.items()))
        place = f"{self.where}: {name}"
        if name == "require_approval":
            return self.approval(_object(value, place))
        if name == "require_quotes":
            return RequireQuotes(_get(effect, name, int, self.where))
        if name == "require_evidence":
            if isinstance(value, Mapping):
                return RequireEvidence(self.reference(value, "texts"))
            return RequireEvidence(tuple(str(item) for item in _list(value, place)))
        if name in ("block", "warn"):
            text = _get(effect, name, str, self.where)
            return Block(text) if name == "block" else Warn(text)
        raise InvalidInput(f"{place}: no such effect", field="then")

    def approval(self, raw: Mapping[str, Any]) -> RequireApproval:
        """Read a required approval by one of the policy's roles."""
        _only(raw, {"role", "order", "mode", "count"}, self.where)
        role, mode = _get(raw, "role", str, self.where), raw.get("mode", "any")
        if role not in self.roles:
            raise InvalidInput(f"{self.where}: role {role!r} is not one of {self.roles}", field="role")
        if mode not in ("any", "all"):
            raise InvalidInput(f"{self.where}: mode must be any or all, not {mode!r}", field="mode")
        order, count = _get(raw, "order", int, self.where, 1), _get(raw, "count", int, self.where, 1)
        if order < 1 or count < 1:
            raise InvalidInput(f"{self.where}: order and count must be at least 1", field="order")
        return RequireApproval(role, order, mode, count)

    def known(self, name: object) -> str:
        """Return the name of a fact that exists."""
        if not isinstance(name, str) or name not in self.kinds:
            raise InvalidInput(f"{self.where}: no such fact: {name}", field="fact")
        return name


def _only(raw: Mapping[str, Any], allowed: set[str], where: str) -> None:
    """Refuse fields that would be silently ignored."""
    strangers = sorted(set(raw) - allowed)
    if strangers:
        raise InvalidInput(f"{where}: unknown field {strangers[0]}", field=strangers[0])


def _get(raw: Mapping[str, Any], key: str, kind: type, where: str, default: Any = _MISSING) -> Any:
    value = raw.get(key, default)
    if value is _MISSING:
        raise InvalidInput(f"{where}: {key} is missing", field=key)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
        raise InvalidInput(f"{where}: {key} must be {kind.__name__}, not {value!r}", field=key)
    return value


def _object(raw: object, where: str) -> Mapping[str, Any]:
    if not isinstance(raw, Mapping):
        raise InvalidInput(f"{where} must be an object, not {raw!r}")
    return raw


def _list(raw: object, where: str) -> list[Any]:
    if not isinstance(raw, list):
        raise InvalidInput(f"{where} must be a list, not {raw!r}", field="value")
    return raw
