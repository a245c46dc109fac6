"""From the words of a request to the mandate: every limit that is said holds, and none is told to vendors."""

from decimal import Decimal

import pytest

from procur.cli.steps import negotiating
from procur.core.errors import DecisionNeeded, InvalidInput

TOOL = "Project tracking for 50 people, single sign-on a must, "


def mandate_for(house, words):
    told = negotiating.show_mandate(house.alice, house.request(TOOL + words))
    return told["proposed"]


def test_a_yearly_budget_bounds_each_year_and_the_longest_term(house):
    mandate = mandate_for(house, "at most $9,000 a year")
    assert mandate["max_yearly"] == Decimal(9000)
    assert mandate["max_total"] == Decimal(27000)
    assert mandate["max_unit_price"] == Decimal("15.00")


def test_a_total_beside_a_yearly_budget_holds_too(house):
    assert mandate_for(house, "at most $9,000 a year and $10,000 in total")["max_total"] == Decimal(10000)


def test_a_total_over_a_stated_term_is_spread_over_its_years(house):
    mandate = mandate_for(house, "at most $27,000 in total, 36 months must")
    assert mandate["terms_months"] == [36]
    assert (mandate["max_yearly"], mandate["max_total"]) == (Decimal(9000), Decimal(27000))


def test_software_with_a_total_but_no_term_is_asked_for_the_term(house):
    with pytest.raises(DecisionNeeded) as asked:
        house.request(TOOL + "at most $9,000 in total")
    assert asked.value.field == "term_months"


def test_refused_payment_terms_are_not_in_the_mandate(house):
    assert "PREPAID" not in mandate_for(house, "at most $9,000 a year, no prepayment")["payment_terms"]


def test_every_required_payment_term_is_allowed_and_no_other(house):
    mandate = mandate_for(house, "at most $9,000 a year, NET30 or NET45 required")
    assert mandate["payment_terms"] == ["NET30", "NET45"]


def test_exactly_so_many_are_not_a_few_more(house):
    request_id = house.request("Project tracking for exactly 50 people, at most $9,000 a year")
    assert negotiating.show_mandate(house.alice, request_id)["proposed"]["quantity"] == [50, 50]


def test_a_budget_of_nothing_is_refused(house):
    with pytest.raises(InvalidInput) as refused:
        house.request(TOOL + "at most $0 a year")
    assert refused.value.field == "budget"


def test_a_yearly_limit_set_by_a_person_moves_the_total_along(house):
    request_id = house.request(TOOL + "at most $9,000 a year")
    told = negotiating.set_mandate(house.alice, request_id, max_yearly=Decimal(6000))
    assert (told["max_total"], told["max_unit_price"]) == (Decimal(18000), Decimal("10.00"))


@pytest.mark.parametrize("terms", [(-3,), (0, 12), (121,)])
def test_terms_that_cannot_be_played_are_refused_before_anything_is_written(house, terms):
    request_id = house.request(TOOL + "at most $9,000 a year")
    with pytest.raises(InvalidInput) as refused:
        negotiating.set_mandate(house.alice, request_id, terms_months=terms)
    assert refused.value.field == "terms_months"
    assert negotiating.show_mandate(house.alice, request_id)["versions"] == []


def test_the_opening_offer_says_nothing_about_the_budget(house):
    opening = set()
    for budget in ("$7,500", "$8,100", "$9,000", "$60,000"):
        request_id = house.request(TOOL + f"at most {budget} a year")
        told = house.negotiate(request_id, rounds=2, counterpart="person")
        opening.add(told["negotiations"][0]["waiting_for_vendor"]["unit_price"])
    assert len(opening) == 1
