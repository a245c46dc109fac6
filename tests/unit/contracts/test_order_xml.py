from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from procur.contracts.order_facts import (
    Allowance,
    OrderFacts,
    OrderLine,
    OrderParty,
    TaxCategory,
    line_from_terms,
    show_price,
)
from procur.contracts.order_node import NS
from procur.contracts.order_rules import validate_order
from procur.contracts.ubl import order_xml
from procur.core.deal import Terms
from procur.core.errors import InvalidInput

BUYER = OrderParty("Buyer Ltd", "7300010000001", "0088", "BE")
SELLER = OrderParty("Seller BV", "orders@seller.example", "EM", "NL")

amounts = st.decimals(0, 1_000_000, places=2)
taxes = st.sampled_from(
    [
        TaxCategory("S", Decimal(21)),
        TaxCategory("S", Decimal("5.5")),
        TaxCategory("Z", Decimal(0)),
        TaxCategory("O"),
    ]
)


@st.composite
def lines(draw: st.DrawFn, tax: bool) -> tuple[OrderLine, ...]:
    made = []
    for number in range(draw(st.integers(1, 4))):
        charges = draw(st.lists(st.builds(Allowance, amounts, st.just("Fee"), st.just(True)), max_size=2))
        made.append(
            OrderLine(
                str(number),
                "Item",
                draw(st.decimals(0, 100_000, places=3)),
                draw(st.sampled_from(["C62", "MON", "EA"])),
                draw(st.decimals(0, 100_000, places=6)),
                base_quantity=draw(st.none() | st.decimals("0.001", 1000, places=3)),
                tax=draw(taxes) if tax else None,
                allowances=tuple(charges),
            )
        )
    return tuple(made)


@st.composite
def orders(draw: st.DrawFn) -> OrderFacts:
    taxed = draw(st.booleans())
    made = draw(lines(taxed))
    charges = st.builds(Allowance, amounts, st.just("Fee"), st.just(True), tax=taxes if taxed else st.none())
    return OrderFacts(
        "PO-1",
        date(2026, 5, 4),
        draw(st.sampled_from(["EUR", "USD", "INR", "JPY", "KWD"])),
        BUYER,
        SELLER,
        made,
        valid_until=date(2026, 6, 4),
        allowances=tuple(draw(st.lists(charges, max_size=2))),
        rounding=draw(st.decimals(0, "0.99", places=2)),
    )


@settings(max_examples=150, deadline=None)
@given(orders())
def test_every_order_we_write_is_valid(facts: OrderFacts) -> None:
    report = validate_order(order_xml(facts))
    assert (report.xsd_errors, report.violations) == ((), ())


@given(
    st.decimals("0.0001", 10_000, places=4),
    st.integers(1, 10_000),
    st.integers(0, 60),
)
def test_a_line_from_terms_costs_what_the_deal_costs(price: Decimal, quantity: int, months: int) -> None:
    terms = Terms(price, quantity, months, "NET30", "USD")
    line = line_from_terms(terms, name="Chat", unit="user")
    assert line.quantity * line.unit_price == terms.total
    assert line.quantity == quantity


def test_a_subscription_is_ordered_per_user_for_its_term() -> None:
    line = line_from_terms(Terms(Decimal(15), 50, 12, "NET45", "USD"), name="Chat", unit="user")
    assert (line.quantity, line.unit_price, line.net) == (50, 180, Decimal("9000.00"))
    assert line.description == "12 months at $15.00 per user and month"


def test_the_same_facts_give_the_same_bytes(order: OrderFacts) -> None:
    assert order_xml(order) == order_xml(replace(order))


def test_markup_in_names_stays_text(order: OrderFacts) -> None:
    root = etree.fromstring(order_xml(order))
    assert root.findtext("cac:SellerSupplierParty/cac:Party/cac:PartyName/cbc:Name", None, NS) == (
        "Chat & Söhne <GmbH>"
    )


def test_unknown_tax_is_left_out(order: OrderFacts) -> None:
    untaxed = replace(
        order,
        lines=tuple(replace(line, tax=None) for line in order.lines),
        allowances=tuple(replace(item, tax=None) for item in order.allowances),
    )
    xml = order_xml(untaxed)
    assert b"TaxTotal" not in xml
    assert b"TaxInclusiveAmount" not in xml
    assert b"TaxCategory" not in xml
    assert validate_order(xml).ok


def test_tax_is_rounded_per_rate(order: OrderFacts) -> None:
    tax = TaxCategory("S", Decimal(21))
    cheap = tuple(OrderLine(str(n), "x", Decimal(1), "C62", Decimal("0.02"), tax=tax) for n in range(10))
    totals = replace(order, lines=cheap, allowances=(), prepaid=Decimal(0), rounding=Decimal(0)).totals()
    assert (totals.exclusive, totals.tax, totals.payable) == (
        Decimal("0.20"),
        Decimal("0.04"),
        Decimal("0.24"),
    )


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"note": "a\x00b"}, "note"),
        ({"id": " "}, "id"),
        ({"seller": replace(SELLER, legal_name="x\ufffe")}, "seller.legal_name"),
        ({"lines": ()}, "lines"),
        ({"profile": "invoice"}, "profile"),
        ({"lines": (OrderLine("1", "x", Decimal(-1), "C62", Decimal(1)),)}, "lines[0].quantity"),
        ({"lines": (OrderLine("1", "x", Decimal(1), "C62", Decimal("NaN")),)}, "lines[0].unit_price"),
        ({"lines": (OrderLine("1", "\ud800", Decimal(1), "C62", Decimal(1)),)}, "lines[0].name"),
        ({"prepaid": Decimal(10**9)}, "lines"),
        ({"allowances": (Allowance(Decimal(-1), "x"),)}, "allowances[0].amount"),
        ({"allowances": (Allowance(Decimal(1), "x", percent=Decimal(5)),)}, "allowances[0].percent"),
    ],
)
def test_what_an_order_cannot_carry_is_refused_by_name(
    order: OrderFacts, change: dict[str, object], field: str
) -> None:
    plain = replace(
        order,
        lines=(OrderLine("1", "x", Decimal(5), "C62", Decimal(1)),),
        allowances=(),
        prepaid=Decimal(0),
    )
    with pytest.raises(InvalidInput) as caught:
        order_xml(replace(plain, **change))
    assert caught.value.field == field


def test_half_known_tax_is_refused(order: OrderFacts) -> None:
    half = replace(order, lines=(order.lines[0], replace(order.lines[1], tax=None)))
    with pytest.raises(InvalidInput, match="tax category"):
        order_xml(half)


@pytest.mark.parametrize(
    "tax", [TaxCategory("S"), TaxCategory("S", Decimal(0)), TaxCategory("Z"), TaxCategory("O", Decimal(5))]
)
def test_a_category_without_its_rate_is_refused(order: OrderFacts, tax: TaxCategory) -> None:
    with pytest.raises(InvalidInput):
        order_xml(replace(order, lines=(replace(order.lines[0], tax=tax),)))


@pytest.mark.parametrize(
    ("price", "shown"), [("0.005", "0.005 USD"), ("12.50", "$12.50"), ("1234.5", "$1,234.50")]
)
def test_unit_prices_are_not_rounded_for_the_reader(price: str, shown: str) -> None:
    assert show_price(Decimal(price), "USD") == shown
