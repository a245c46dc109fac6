"""More of a good thing never scores less."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from procur.vendors.catalogue import EVIDENCE_KINDS, EvidenceDraft, Plan
from procur.vendors.matching import Match, Need, VendorCard, Weights, match
from procur.vendors.vocabulary import load

TODAY = date(2026, 3, 2)
FEATURES = ("singleSignOn", "kanban", "auditLog", "timelineView", "publicApi", "guests")
ASKED = ("sso", "kanban", "audit log", "gantt", "api", "guest access")
FRAMEWORKS = ("soc2", "iso27001", "gdpr")

prices = st.decimals(min_value=0, max_value=40, places=2)
plans = st.builds(
    Plan,
    name=st.sampled_from(("A", "B", "C")),
    list_price=prices,
    features=st.lists(st.sampled_from(FEATURES), unique=True).map(tuple),
    features_complete=st.booleans(),
    prepay_factor=st.none() | st.just(Decimal("0.8")),
)
evidence = st.builds(
    EvidenceDraft,
    framework=st.sampled_from(FRAMEWORKS),
    kind=st.sampled_from(EVIDENCE_KINDS),
    source=st.just("x"),
    valid_until=st.none() | st.dates(date(2025, 1, 1), date(2027, 1, 1)),
)
cards = st.builds(
    VendorCard,
    vendor_id=st.sampled_from(("a", "b", "c")),
    name=st.just("Vendor"),
    category=st.sampled_from(("project-management", "notes-docs", "team-chat", "crm")),
    currency=st.just("USD"),
    plans=st.lists(plans, min_size=1, max_size=3, unique_by=lambda plan: plan.name).map(tuple),
    evidence=st.lists(evidence, max_size=3).map(tuple),
    captured_on=st.none() | st.dates(date(2020, 1, 1), date(2026, 12, 31)),
)
needs = st.builds(
    Need,
    category=st.none() | st.just("project-management"),
    quantity=st.integers(1, 200),
    currency=st.just("USD"),
    today=st.just(TODAY),
    related_categories=st.sampled_from(((), ("notes-docs",))),
    budget_yearly=st.none() | st.decimals(min_value=0, max_value=60_000, places=2),
    must_haves=st.lists(st.sampled_from(ASKED), max_size=2, unique=True).map(tuple),
    nice_to_haves=st.lists(st.sampled_from(ASKED), max_size=2, unique=True).map(tuple),
    required_frameworks=st.lists(st.sampled_from(FRAMEWORKS), max_size=2, unique=True).map(tuple),
)
counts = st.integers(0, 50).map(Decimal)
weights = st.builds(Weights, counts, counts, counts, counts, counts, counts)


def found(need: Need, card: VendorCard, weighing: Weights) -> Match | None:
    answer = match(need, [card], load(), weighing)
    return answer.shortlist[0] if answer.shortlist else None


def part_of(one: Match, name: str) -> Decimal | None:
    return next((part.score for part in one.parts if part.name == name), None)


def with_chosen(card: VendorCard, chosen: Match, plan: Plan) -> VendorCard:
    return replace(card, plans=tuple(plan if each is chosen.plan else each for each in card.plans))


@given(needs, cards, weights)
def test_score_and_parts_stay_between_nothing_and_one(
    need: Need, card: VendorCard, weighing: Weights
) -> None:
    before = found(need, card, weighing)
    if before:
        assert 0 <= before.score <= 1
        assert all(0 <= part.score <= 1 and 0 <= part.share <= 1 and part.words for part in before.parts)


@given(needs, cards, weights, evidence)
def test_evidence_never_lowers_a_score(
    need: Need, card: VendorCard, weighing: Weights, more: EvidenceDraft
) -> None:
    before = found(need, card, weighing)
    if before:
        after = found(need, replace(card, evidence=(*card.evidence, more)), weighing)
        assert after is not None
        assert after.score >= before.score
        assert set(after.blocked_by) <= set(before.blocked_by)


@given(needs, cards, weights, st.decimals(min_value=0, max_value=1, places=2))
def test_cheaper_never_scores_less(need: Need, card: VendorCard, weighing: Weights, factor: Decimal) -> None:
    before = found(need, card, weighing)
    if before and before.plan.list_price is not None:
        cheaper = replace(before.plan, list_price=before.plan.list_price * factor)
        after = found(need, with_chosen(card, before, cheaper), weighing)
        assert after is not None
        assert after.score >= before.score


@given(needs, cards, weights, st.sampled_from(FEATURES))
def test_a_feature_more_never_scores_less(need: Need, card: VendorCard, weighing: Weights, more: str) -> None:
    before = found(need, card, weighing)
    if before and before.plan.features:
        richer = replace(before.plan, features=(*before.plan.features, more))
        after = found(need, with_chosen(card, before, richer), weighing)
        assert after is not None
        assert after.score >= before.score


@given(needs, cards, weights, st.integers(0, 2000))
def test_fresher_data_never_scores_less(need: Need, card: VendorCard, weighing: Weights, days: int) -> None:
    before = found(need, card, weighing)
    if before and card.captured_on:
        after = found(need, replace(card, captured_on=card.captured_on + timedelta(days)), weighing)
        assert after is not None
        assert after.score >= before.score


@given(needs, cards, weights, prices)
def test_a_larger_budget_never_scores_less(
    need: Need, card: VendorCard, weighing: Weights, more: Decimal
) -> None:
    before = found(need, card, weighing)
    if before and need.budget_yearly is not None and part_of(before, "must_haves") in {None, Decimal(1)}:
        after = found(replace(need, budget_yearly=need.budget_yearly + more), card, weighing)
        assert after is not None
        assert after.score >= before.score


@settings(max_examples=50)
@given(needs, st.lists(cards, max_size=6))
def test_everybody_is_accounted_for_and_the_order_of_asking_does_not_matter(
    need: Need, many: list[VendorCard]
) -> None:
    many = [replace(card, vendor_id=f"v{number}") for number, card in enumerate(many)]
    answer = match(need, many, load(), limit=2)
    told = [each.vendor.vendor_id for each in answer.shortlist] + [each.vendor_id for each in answer.left_out]
    assert sorted(told) == sorted(card.vendor_id for card in many)
    assert match(need, reversed(many), load(), limit=2) == answer


@given(needs, cards)
def test_list_total_is_price_times_quantity_times_months(need: Need, card: VendorCard) -> None:
    before = found(need, card, Weights())
    if before and before.plan.list_price is not None:
        assert before.list_total == before.plan.list_price * need.quantity * 12
        if need.budget_yearly is not None:
            assert before.above_budget == (before.list_total > need.budget_yearly)
            assert before.list_total <= need.budget_yearly * Decimal("1.25")
