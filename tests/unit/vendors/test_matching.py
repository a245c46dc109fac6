from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from matching_cases import NEED, TODAY, ask, card, left, only, part, plan

from procur.vendors.catalogue import EvidenceDraft, read_demo_catalogue
from procur.vendors.matching import Match, Matching, Need, VendorCard, Weights, match
from procur.vendors.vocabulary import load

# The request of the demo, on the packaged data.


@pytest.fixture
def demo() -> Matching:
    need = replace(NEED, related_categories=("notes-docs",), preferred_frameworks=("SOC 2",))
    return ask(need, *(VendorCard.from_draft(draft) for draft in read_demo_catalogue()))


def test_demo_request_has_a_shortlist(demo: Matching) -> None:
    assert [(each.vendor.vendor_id, each.plan.name, each.list_total) for each in demo.shortlist] == [
        ("trello", "ENTERPRISE", Decimal(10500)),
        ("notion", "BUSINESS", Decimal(10800)),
        ("slack", "BUSINESS_PLUS", Decimal(9000)),
    ]
    assert [each.above_budget for each in demo.shortlist] == [True, True, False]
    assert demo.shortlist[1].prepaid_total == Decimal("8640.00")
    assert demo.shortlist[0].words == (
        "ENTERPRISE: $17.50 × 50 × 12 = $10,500.00 a year; list is 17 % above the budget; negotiable"
    )
    assert all(each.blocked_by == () for each in demo.shortlist)


def test_demo_request_asks_for_the_missing_report(demo: Matching) -> None:
    for each in demo.shortlist:
        assert "Do you hold a current SOC 2 Type II report? The catalogue has no evidence." in each.questions
        soc2 = next(one for one in each.requirements if one.key == "soc2")
        assert (soc2.kind, soc2.status) == ("preferred_framework", "unknown")


def test_demo_request_says_why_not_the_others(demo: Matching) -> None:
    told = {each.vendor_id: each for each in demo.left_out}
    assert len(told) == 26
    assert told["quip"].code == "over_budget"
    assert told["quip"].words == (
        "no plan with single sign-on at up to 25 % above the budget "
        "(cheapest with it: PLUS $25.00 × 50 × 12 = $15,000.00 a year against $9,000.00)"
    )
    assert told["zenhub"].words == "no plan lists single sign-on (googleSSO does not count)"
    assert told["salesforce"].words == "other category (crm)"


# Which plan, at what price.


def test_cheapest_plan_with_every_must_have_is_chosen() -> None:
    found = only(NEED, card(plan("MAX", "14"), plan("TEAM", "9"), plan("FREE", "0", features=("kanban",))))
    assert (found.plan.name, found.unit_price, found.list_total) == ("TEAM", Decimal(9), Decimal(5400))
    assert (found.period, found.billed_quantity, found.quote_only) == ("month", 50, False)


def test_exactly_the_budget_fits_and_a_cent_more_is_above_it() -> None:
    assert not only(NEED, card(plan(price="15"))).above_budget
    found = only(NEED, card(plan(price="15.01")))
    assert found.above_budget
    assert "list is less than 1 % above the budget" in found.words


@pytest.mark.parametrize(("price", "fits"), [("18.75", True), ("18.7501", False)])
def test_headroom_is_twenty_five_percent(price: str, fits: bool) -> None:
    assert bool(ask(NEED, card(plan(price=price))).shortlist) is fits


def test_headroom_is_a_choice() -> None:
    answer = ask(NEED, card(plan(price="15.01")), headroom=Decimal(0))
    assert answer.left_out[0].code == "over_budget"
    assert answer.headroom == 0


def test_quoted_plan_is_kept_when_no_listed_plan_has_everything() -> None:
    found = only(NEED, card(plan("TEAM", features=("kanban",)), plan("ENTERPRISE", None)))
    assert (found.plan.name, found.quote_only, found.list_total, found.unit_price) == (
        "ENTERPRISE",
        True,
        None,
        None,
    )
    assert part(found, "price") == 0
    assert "What does the plan ENTERPRISE cost for 50 users?" in found.questions


def test_quoted_plan_is_no_way_around_a_listed_one_that_is_too_dear() -> None:
    assert left(NEED, card(plan("PRO", "30"), plan("ENTERPRISE", None))).code == "over_budget"


def test_listed_plan_goes_before_a_quoted_one() -> None:
    assert only(NEED, card(plan("PRO", "14"), plan("ENTERPRISE", None))).plan.name == "PRO"


def test_account_price_counts_once_when_it_covers_everybody() -> None:
    found = only(NEED, card(plan(price="319", unit="account", unlimited=True)))
    assert (found.list_total, found.billed_quantity, found.unit_price) == (
        Decimal(3828),
        1,
        Decimal(319),
    )


def test_account_price_with_a_limit_covers_that_many() -> None:
    assert only(NEED, card(plan(unit="account", max_quantity=50))).list_total == 120
    assert left(NEED, card(plan(unit="account", max_quantity=49))).code == "maximum_quantity"


def test_yearly_price_is_told_per_month() -> None:
    found = only(NEED, card(plan(price="100", period="year")))
    assert (found.list_total, found.unit_price) == (Decimal(5000), Decimal("8.3333"))


def test_one_off_purchase_is_held_against_the_whole_budget() -> None:
    need = Need(None, 20, "USD", TODAY, budget_total=Decimal(30000), unit="piece", request_type="hardware")
    found = only(need, card(plan(price="1400", unit="piece", period="once", features=()), category="laptops"))
    assert (found.list_total, found.unit_price, found.period) == (Decimal(28000), Decimal(1400), "once")
    assert "a year" not in found.words


def test_prepay_factor_is_shown_and_does_not_move_the_list_total() -> None:
    found = only(NEED, card(plan(price="18", prepay_factor=Decimal("0.8"))))
    assert (found.list_total, found.prepaid_total, found.above_budget) == (
        Decimal(10800),
        Decimal("8640.00"),
        True,
    )
    assert only(NEED, card(plan(prepay_factor=Decimal(1)))).prepaid_total is None


def test_fractions_of_a_cent_are_shown() -> None:
    assert "0.0125 USD" in only(NEED, card(plan(price="0.0125"))).words


def test_without_a_budget_nothing_is_too_dear_and_price_breaks_ties() -> None:
    need = replace(NEED, budget_yearly=None)
    answer = ask(need, card(plan(price="900"), vendor_id="a"), card(plan(price="90"), vendor_id="b"))
    assert [each.vendor.vendor_id for each in answer.shortlist] == ["b", "a"]
    assert "price" not in {each.name for each in answer.shortlist[0].parts}


def test_a_budget_of_nothing_takes_free_plans_only() -> None:
    need = replace(NEED, budget_yearly=Decimal(0))
    assert part(only(need, card(plan(price="0"))), "price") == 1
    assert left(need, card(plan(price="0.01"))).code == "over_budget"


# Requirements, evidence, questions.


def requirement(found: Match, key: str) -> tuple[str, str, str | None]:
    return next((each.status, each.words, each.feature) for each in found.requirements if each.key == key)


def test_met_names_the_published_feature_and_its_source() -> None:
    found = only(NEED, card(plan()))
    assert requirement(found, "sso") == ("met", "The plan TEAM lists singleSignOn.", "singleSignOn")
    assert found.requirements[0].source == "https://acme.example"


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (card(plan(features=())), "not complete"),
        (card(plan(features=("kanban",), features_complete=False)), "not complete"),
        (
            card(plan(features=()), features=("SAML",)),
            "names SAML; the catalogue does not say for which plan",
        ),
    ],
)
def test_what_the_catalogue_does_not_settle_is_unknown_and_asked(one: VendorCard, words: str) -> None:
    found = only(NEED, one)
    status, told, feature = requirement(found, "sso")
    assert (status, feature) == ("unknown", None)
    assert words in told
    assert part(found, "must_haves") == 0
    assert any(each.startswith("Does the plan TEAM include single sign-on?") for each in found.questions)


def test_plan_known_to_have_it_goes_before_a_cheaper_unknown_one() -> None:
    cheap = plan("CHEAP", "1", features=("kanban",), features_complete=False)
    assert only(NEED, card(cheap, plan("PRO", "14"))).plan.name == "PRO"


def test_phrase_the_vocabulary_does_not_know_is_looked_up_word_by_word() -> None:
    need = replace(NEED, must_haves=("Salesforce sync",))
    assert requirement(only(need, card(plan(features=("twoWaySyncWithSalesforce",)))), "Salesforce sync")[
        0
    ] == ("met")
    status, words, _ = requirement(only(need, card(plan())), "Salesforce sync")
    assert (status, words) == ("unknown", "No feature in the catalogue is called that.")


def test_missing_nice_to_have_is_told_and_keeps_the_vendor() -> None:
    found = only(replace(NEED, nice_to_haves=("gantt", "kanban")), card(plan()))
    assert requirement(found, "gantt")[0] == "not_met"
    assert part(found, "nice_to_haves") == Decimal("0.5")


def test_framework_among_the_must_haves_counts_as_required_framework() -> None:
    found = only(replace(NEED, must_haves=("sso", "SOC 2")), card(plan()))
    assert found.blocked_by == ("soc2",)
    assert [each.kind for each in found.requirements] == ["must_have", "required_framework"]


def evidence(kind: str, until: date | None = None) -> EvidenceDraft:
    return EvidenceDraft("soc2", kind, "https://acme.example/trust", until)


@pytest.mark.parametrize(
    ("kind", "score", "status", "blocked"),
    [
        ("certified", "1", "met", ()),
        ("report", "0.85", "met", ()),
        ("in_progress", "0.4", "unknown", ("soc2",)),
        ("claimed", "0.2", "unknown", ("soc2",)),
    ],
)
def test_evidence_ladder(kind: str, score: str, status: str, blocked: tuple[str, ...]) -> None:
    found = only(replace(NEED, required_frameworks=("SOC 2",)), card(plan(), evidence=(evidence(kind),)))
    assert part(found, "compliance") == Decimal(score)
    assert requirement(found, "soc2")[0] == status
    assert found.blocked_by == blocked
    assert bool(found.questions) is bool(blocked)


@pytest.mark.parametrize(("until", "blocked"), [(TODAY, ()), (date(2026, 3, 1), ("soc2",))])
def test_evidence_holds_through_its_last_day(until: date, blocked: tuple[str, ...]) -> None:
    found = only(
        replace(NEED, required_frameworks=("soc2",)), card(plan(), evidence=(evidence("report", until),))
    )
    assert found.blocked_by == blocked
    if blocked:
        assert "ran out on 2026-03-01" in requirement(found, "soc2")[1]


def test_no_evidence_is_unknown_and_not_no() -> None:
    found = only(replace(NEED, preferred_frameworks=("soc2",)), card(plan()))
    compliance = next(each for each in found.parts if each.name == "compliance")
    assert (compliance.score, compliance.known, compliance.words) == (0, False, "SOC 2: unknown")
    assert found.blocked_by == ()


def test_framework_the_vocabulary_does_not_know_is_kept_as_written() -> None:
    found = only(replace(NEED, required_frameworks=("Moon Seal",)), card(plan()))
    assert found.blocked_by == ("Moon Seal",)
    assert "Do you hold evidence of Moon Seal? The catalogue has no evidence." in found.questions


def test_old_price_is_asked_about() -> None:
    found = only(NEED, card(plan(), captured_on=date(2025, 3, 1)))
    assert "Is the list price of 2025-03-01 for TEAM still current?" in found.questions


# Order and weights.


@pytest.mark.parametrize(
    ("category", "score"), [("project-management", "1"), ("crm", "0.7"), ("team-chat", "0.4")]
)
def test_category_fit(category: str, score: str) -> None:
    need = replace(NEED, category="Project tracking", related_categories=("customer relationship",))
    assert part(only(need, card(plan(), category=category)), "category") == Decimal(score)


def test_order_is_score_then_price_then_id() -> None:
    weights = Weights(price=Decimal(0))
    cards = [card(plan(price=price), vendor_id=key) for key, price in (("c", "5"), ("b", "5"), ("a", "6"))]
    for order in (cards, cards[::-1]):
        answer = ask(NEED, *order, weights=weights)
        assert [each.vendor.vendor_id for each in answer.shortlist] == ["b", "c", "a"]


def test_weights_move_the_order() -> None:
    near = card(plan(price="18"), vendor_id="near")
    cheap = card(plan(price="1"), vendor_id="cheap", category="team-chat")
    assert ask(NEED, near, cheap).shortlist[0].vendor.vendor_id == "near"
    answer = ask(NEED, near, cheap, weights=Weights(category=Decimal(1)))
    assert answer.shortlist[0].vendor.vendor_id == "cheap"
    assert answer.weights.category == 1


def test_nothing_to_match_is_no_error() -> None:
    answer = ask(NEED)
    assert (answer.shortlist, answer.left_out) == ((), ())


def test_own_vocabulary_decides_what_counts(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('[features.sso]\nlabel = "login"\nwords = ["single sign-on"]\npatterns = ["google sso"]\n')
    google = card(plan(features=("googleSSO",)))
    assert match(NEED, [google], load()).shortlist == ()
    assert match(NEED, [google], load(own)).shortlist[0].vendor.vendor_id == "acme"
