import copy
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procur.approvals.policy import DEFAULT_POLICY, Decision, evaluate, parse_policy, what_if
from procur.core.errors import InvalidInput

POLICY = parse_policy(DEFAULT_POLICY)
DEMO: dict[str, object] = {
    "currency": "USD",
    "total": Decimal("14400.00"),
    "yearly_total": Decimal("7200.00"),
    "budget_total": Decimal(18000),
    "term_months": 24,
    "quotes_received": 3,
    "new_vendor": True,
    "holds_company_data": True,
    "required_frameworks": ["soc2"],
    "evidence_held": ["soc2", "iso27001"],
    "unknown_requirements": [],
}


def decide(**changes: object) -> Decision:
    return evaluate(POLICY, DEMO | changes)


def entry(decision: Decision, rule_id: str) -> dict[str, Any]:
    return next(found.as_dict() for found in decision.trace if found.rule_id == rule_id)


def test_the_demo_needs_one_approver() -> None:
    decision = decide()
    assert decision.outcome == "approval_required"
    assert [(needed.role, needed.order) for needed in decision.approvals] == [("approver", 1)]
    assert decision.blocks == ()
    assert [warning.split(":")[0] for warning in decision.warnings] == [
        "first purchase from this vendor",
        "the vendor will hold company data",
    ]


@pytest.mark.parametrize(
    ("total", "outcome", "who"),
    [
        ("1000", "granted", []),
        ("1000.01", "approval_required", [("approver", 1)]),
        ("50000", "approval_required", [("approver", 1)]),
        ("50000.01", "approval_required", [("approver", 1), ("owner", 1)]),
        ("250000.01", "approval_required", [("approver", 2), ("owner", 1)]),
    ],
)
def test_the_ladder_follows_the_total(total: str, outcome: str, who: list[tuple[str, int]]) -> None:
    decision = decide(total=total, budget_total="1000000")
    assert decision.outcome == outcome
    assert [(needed.role, needed.count) for needed in decision.approvals] == who


def test_budget_unknown_or_exceeded_stops() -> None:
    assert "budget is unknown" in decide(budget_total=None).blocks[0]
    assert decide(total="19800").outcome == "approval_required"
    assert [needed.role for needed in decide(total="19800").approvals] == ["approver", "owner"]
    assert "over budget" in decide(total="19800.01").blocks[0]


def test_competition_needs_quotes_or_a_reason() -> None:
    assert decide(quotes_received=2).outcome == "blocked"
    assert decide(quotes_received=None).outcome == "blocked"
    assert decide(quotes_received=2, sole_source_reason="  ").outcome == "blocked"
    documented = decide(quotes_received=1, sole_source_reason="only maker of the part")
    assert documented.outcome == "approval_required"
    assert "only maker of the part" in entry(documented, "competition")["note"]
    assert decide(total="9999.99", quotes_received=1).outcome == "approval_required"


def test_a_required_framework_without_evidence_blocks() -> None:
    decision = decide(required_frameworks=["soc2", "hipaa"])
    assert decision.outcome == "blocked"
    assert decision.missing_evidence == ("hipaa",)
    assert decide(required_frameworks=None).outcome == "blocked"
    assert decide(evidence_held=None).missing_evidence == ("soc2",)
    assert decide(required_frameworks=[], evidence_held=None).outcome == "approval_required"


def test_an_unknown_fact_makes_a_requiring_rule_apply_and_is_told() -> None:
    decision = decide(term_months=None)
    assert [needed.role for needed in decision.approvals] == ["approver", "owner"]
    told = entry(decision, "long-commitment")
    assert told["matched"] == "unknown"
    assert told["applied"] is True
    assert "term_months unknown" in told["note"]
    assert told["conditions"] == [
        {"fact": "term_months", "op": "gt", "actual": None, "expected": 36, "result": "unknown"}
    ]
    assert entry(decide(new_vendor=None), "new-vendor")["applied"] is False


def test_amounts_in_another_currency_stop() -> None:
    assert "EUR" in decide(currency="EUR").blocks[0]
    assert decide(currency=None).outcome == "blocked"


def test_facts_must_exist_and_have_their_type() -> None:
    with pytest.raises(InvalidInput, match="no such fact: totl"):
        decide(totl=1)
    with pytest.raises(InvalidInput, match="total"):
        decide(total=1.5)
    with pytest.raises(InvalidInput, match="quotes_received"):
        decide(quotes_received="3")
    with pytest.raises(InvalidInput, match="decided_on"):
        decide(decided_on="tomorrow")


def rule(**changes: object) -> dict[str, Any]:
    return {
        "id": "r1",
        "description": "a rule",
        "when": {"fact": "total", "op": "gt", "value": "10"},
        "then": [{"block": "no"}],
    } | changes


def policy(*rules: dict[str, Any], **changes: object) -> dict[str, Any]:
    return {
        "name": "p",
        "version": 1,
        "currency": "USD",
        "roles": ["approver"],
        "rules": list(rules),
    } | changes


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (policy(rule(), rule()), "rule r1: this id stands twice"),
        (policy(rule(then=[])), "rule r1: then is empty"),
        (policy(rule(then=[{"explode": 1}])), "rule r1: explode: no such effect"),
        (policy(rule(then=[{"block": "a", "warn": "b"}])), "rule r1: an effect has one name"),
        (policy(rule(then=[{"require_approval": {"role": "cfo"}}])), "rule r1: role 'cfo'"),
        (policy(rule(then=[{"require_approval": {"role": "approver", "mode": "most"}}])), "rule r1: mode"),
        (policy(rule(then=[{"require_approval": {"role": "approver", "order": 0}}])), "rule r1: order"),
        (policy(rule(then=[{"require_quotes": True}])), "rule r1: require_quotes must be int"),
        (policy(rule(then=[{"require_evidence": "soc2"}])), "rule r1: require_evidence must be a list"),
        (policy(rule(when={"fact": "totl", "op": "gt", "value": 1})), "rule r1: no such fact: totl"),
        (policy(rule(when={"fact": "total", "op": "contains", "value": 1})), "rule r1: total is amount"),
        (policy(rule(when={"fact": "total", "op": "gt", "value": 1.5})), "rule r1: value of total gt"),
        (policy(rule(when={"fact": "total", "op": "gt"})), "rule r1: value of total gt"),
        (policy(rule(when={"fact": "total", "op": "in", "value": "1"})), "rule r1: value of total in"),
        (policy(rule(when={"fact": "total", "op": "gt", "value": {"fact": "quantity"}})), "rule r1: cannot"),
        (policy(rule(when={"some": []})), "rule r1: a condition is fact"),
        (policy(rule(when={"all": [1]})), "rule r1: a condition must be an object"),
        (policy(rule(extra=1)), "rule r1: unknown field extra"),
        (policy(rule(effective_from="soon")), "rule r1: effective_from must be a date"),
        (policy(rule(priority="high")), "rule r1: priority must be int"),
        (policy({"description": "nameless"}), "a rule: id is missing"),
        (policy(1), "a rule must be an object"),  # type: ignore[arg-type]
        (policy(rule(), facts={"tier": "number"}), "policy: fact tier"),
        (policy(rule(), currency=None), "policy: currency must be str"),
    ],
)
def test_a_faulty_policy_is_refused_with_rule_and_field(data: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse_policy(data)
    assert message in refusal.value.message


def test_rules_apply_on_their_effective_days_only() -> None:
    dated = parse_policy(policy(rule(effective_from="2027-01-01", effective_to="2027-12-31")))
    facts: dict[str, object] = {"currency": "USD", "total": 11}
    outcomes = {
        day: evaluate(dated, facts | {"decided_on": day}).outcome
        for day in (None, date(2026, 12, 31), date(2027, 1, 1), date(2027, 12, 31), date(2028, 1, 1))
    }
    assert list(outcomes.values()) == ["blocked", "granted", "blocked", "blocked", "granted"]


def test_every_operator_and_joiner() -> None:
    facts: dict[str, object] = {
        "currency": "USD",
        "total": "10.00",
        "category": "crm",
        "evidence_held": ["soc2"],
    }
    yes: list[dict[str, Any]] = [
        {"fact": "total", "op": "eq", "value": 10},
        {"fact": "total", "op": "ne", "value": "9.99"},
        {"fact": "total", "op": "lt", "value": 11},
        {"fact": "total", "op": "le", "value": 10},
        {"fact": "total", "op": "ge", "value": 10},
        {"fact": "category", "op": "in", "value": ["crm", "erp"]},
        {"fact": "evidence_held", "op": "contains", "value": "soc2"},
        {"fact": "department", "op": "is_unknown"},
        {
            "any": [
                {"fact": "department", "op": "eq", "value": "it"},
                {"fact": "total", "op": "eq", "value": 10},
            ]
        },
        {"not": {"all": [{"fact": "department", "op": "eq", "value": "it"}, {"any": []}]}},
    ]
    for condition in yes:
        assert evaluate(parse_policy(policy(rule(when=condition))), facts).outcome == "blocked", condition
        opposite = policy(rule(when={"not": condition}))
        assert evaluate(parse_policy(opposite), facts).outcome == "granted", condition


def test_a_policy_may_declare_facts_of_its_own() -> None:
    own = parse_policy(
        policy(rule(when={"fact": "tier", "op": "eq", "value": "high"}), facts={"tier": "text"})
    )
    assert evaluate(own, {"currency": "USD", "tier": "low"}).outcome == "granted"
    assert evaluate(own, {"currency": "USD", "tier": "high"}).outcome == "blocked"


def test_what_if_shows_changed_outcomes_only() -> None:
    data = copy.deepcopy(dict(DEFAULT_POLICY))
    ladder = next(found for found in data["rules"] if found["id"] == "ladder-1")
    ladder["when"]["value"] = "15000"
    changes = what_if(POLICY, parse_policy(data), [DEMO, DEMO | {"total": 16000}])
    assert [(change.index, change.before.outcome, change.after.outcome) for change in changes] == [
        (0, "approval_required", "granted")
    ]


def test_a_decision_can_be_replayed() -> None:
    first = decide()
    reordered = evaluate(parse_policy(DEFAULT_POLICY), dict(reversed(DEMO.items())) | {"total": "14400"})
    assert first.as_dict() == reordered.as_dict()
    assert first.facts_hash != decide(total="14400.01").facts_hash


amounts = st.decimals(min_value=0, max_value=1_000_000, places=2)


@given(amounts, amounts, st.integers(0, 60), st.integers(0, 5), st.booleans())
def test_a_higher_total_never_needs_less(
    low: Decimal, high: Decimal, months: int, quotes: int, new: bool
) -> None:
    low, high = sorted((low, high))
    cheap, dear = (
        decide(total=total, budget_total=500_000, term_months=months, quotes_received=quotes, new_vendor=new)
        for total in (low, high)
    )
    ranks = ["granted", "approval_required", "blocked"]
    assert ranks.index(cheap.outcome) <= ranks.index(dear.outcome)
    assert {needed.role for needed in cheap.approvals} <= {needed.role for needed in dear.approvals}


@given(st.sets(st.sampled_from(sorted(DEMO))))
def test_knowing_less_never_makes_it_easier(forgotten: set[str]) -> None:
    ranks = ["granted", "approval_required", "blocked"]
    decision = decide(**dict.fromkeys(forgotten))
    assert ranks.index(decision.outcome) >= ranks.index(decide().outcome)
    assert {needed.role for needed in decide().approvals} <= {needed.role for needed in decision.approvals}
