from dataclasses import replace
from decimal import Decimal

import pytest

from procur.core.deal import Mandate, Terms

TERMS = Terms(Decimal("12.50"), 50, 12, "NET60", "USD")
MANDATE = Mandate(
    max_total=Decimal(27000),
    max_yearly=Decimal(9000),
    max_unit_price=Decimal(15),
    min_quantity=50,
    max_quantity=60,
    terms_months=(12, 24, 36),
    payment_terms=("NET30", "NET60"),
    currency="USD",
)


def test_total_of_a_subscription_counts_every_month():
    assert TERMS.total == Decimal("7500.00")
    assert replace(TERMS, term_months=36).total == Decimal("22500.00")
    assert replace(TERMS, term_months=36).yearly == Decimal("7500.00")


def test_total_of_a_one_off_purchase_counts_once():
    one_off = replace(TERMS, term_months=0)
    assert one_off.total == one_off.yearly == Decimal("625.00")


def test_terms_inside_the_mandate_breach_nothing():
    assert MANDATE.breaches(TERMS) == []


def test_the_limit_itself_is_allowed():
    assert MANDATE.breaches(replace(TERMS, unit_price=Decimal(15), term_months=36)) == []


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"currency": "EUR"}, "currency"),
        ({"unit_price": Decimal("15.01")}, "unit price"),
        ({"unit_price": Decimal(-1)}, "below zero"),
        ({"quantity": 61}, "quantity"),
        ({"quantity": 60, "unit_price": Decimal(15)}, "yearly cost"),
        ({"term_months": 48}, "term"),
        ({"payment_terms": "PREPAID"}, "payment terms"),
    ],
)
def test_each_limit_is_told_when_it_is_broken(change, word):
    assert any(word in breach for breach in MANDATE.breaches(replace(TERMS, **change)))


def test_total_is_bounded_apart_from_the_year():
    tight = replace(MANDATE, max_total=Decimal(20000))
    assert any("total" in b for b in tight.breaches(replace(TERMS, unit_price=Decimal(14), term_months=36)))
