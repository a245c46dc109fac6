from dataclasses import replace
from decimal import Decimal

import pytest
from matching_cases import NEED, ask, card, left, only, plan

from procur.vendors.matching import LEFT_OUT_CODES


def test_other_category() -> None:
    assert left(NEED, card(plan(), category="crm")).code == "other_category"


def test_no_plans() -> None:
    assert left(NEED, card()).code == "no_plans"


def test_other_currency() -> None:
    out = left(NEED, card(plan(), currency="EUR"))
    assert (out.code, out.words) == (
        "other_currency",
        "priced in EUR, request in USD, no exchange rate given",
    )


def test_exchange_rate_makes_prices_comparable() -> None:
    found = only(replace(NEED, exchange_rates={"EUR": Decimal("1.08")}), card(plan(), currency="EUR"))
    assert (found.list_total, found.currency) == (Decimal(6480), "USD")
    assert "(1 EUR = 1.08 USD)" in found.words


def test_must_have_missing() -> None:
    out = left(NEED, card(plan(features=("kanban",))))
    assert (out.code, out.words) == ("must_have_missing", "no plan lists single sign-on")


def test_must_haves_spread_over_plans() -> None:
    need = replace(NEED, must_haves=("sso", "scim"))
    out = left(need, card(plan("A", features=("sso",)), plan("B", "11", features=("scim", "kanban"))))
    assert out.code == "must_have_missing"
    assert "A comes nearest and lacks user provisioning (SCIM)" in out.words


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"unit": "account"}, "priced per account; the catalogue does not say how many people it covers"),
        ({"unit": "site"}, "priced per site; the request counts in users"),
        ({"unit": "other", "published_unit": "channel/month"}, 'priced "channel/month"'),
        ({"unit": "other"}, "priced without a unit"),
    ],
)
def test_unit_unclear(fields: dict[str, str], words: str) -> None:
    out = left(NEED, card(plan(**fields)))
    assert out.code == "unit_unclear"
    assert words in out.words


def test_minimum_quantity() -> None:
    out = left(NEED, card(plan("BIG", min_quantity=200), plan("LESS", min_quantity=100)))
    assert (out.code, out.words) == (
        "minimum_quantity",
        "lowest fitting plan LESS needs 100 users; the request has 50",
    )


def test_maximum_quantity() -> None:
    out = left(NEED, card(plan("SMALL", max_quantity=5), plan("MORE", max_quantity=10)))
    assert (out.code, out.words) == ("maximum_quantity", "MORE takes at most 10 users; the request has 50")


def test_over_budget_names_the_cheapest_plan_that_has_everything() -> None:
    out = left(NEED, card(plan("FREE", "0", features=("kanban",)), plan("PRO", "20"), plan("MAX", "40")))
    assert out.code == "over_budget"
    assert "cheapest with it: PRO $20.00" in out.words
    assert "$12,000.00 a year against $9,000.00" in out.words


def test_ranked_lower() -> None:
    cards = [card(plan(price=str(price)), vendor_id=f"v{price}") for price in (4, 5, 6)]
    answer = ask(NEED, *cards, limit=2)
    assert [each.vendor.vendor_id for each in answer.shortlist] == ["v4", "v5"]
    assert (answer.left_out[0].vendor_id, answer.left_out[0].code) == ("v6", "ranked_lower")
    assert "ranks 3" in answer.left_out[0].words


def test_every_code_is_documented_and_tested(request: pytest.FixtureRequest) -> None:
    tests = {name for name in dir(request.module) if name.startswith("test_")}
    assert all(any(code in name for name in tests) for code in LEFT_OUT_CODES)
