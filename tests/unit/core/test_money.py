from decimal import Decimal

import pytest

from procur.core.errors import InvalidInput
from procur.core.money import decimal, show, to_cents


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e400", "abc", "", 1.5, True, "100000000000000"])
def test_what_is_not_an_amount_is_refused_with_its_field(value):
    with pytest.raises(InvalidInput) as refused:
        decimal(value, field="budget")
    assert refused.value.field == "budget"


def test_amounts_are_shown_in_the_readers_format():
    assert show(Decimal(9000), "USD") == "$9,000.00"
    assert show(Decimal("-1234.5"), "EUR") == "-€1,234.50"
    assert show(Decimal(1500), "JPY") == "¥1,500"
    assert show(Decimal("9.5"), "CHF") == "9.50 CHF"
    assert show(Decimal("1.2345"), "KWD") == "1.235 KWD"


def test_half_a_cent_rounds_up():
    assert to_cents(Decimal("0.125"), "USD") == Decimal("0.13")
