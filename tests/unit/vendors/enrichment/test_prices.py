import time
from decimal import Decimal

import pytest

from procur.vendors.enrichment.amounts import prices_in, read_amount
from procur.vendors.enrichment.prices import observe, read_plans

CARDS = """
<html><body><nav><h3>Pricing</h3><p>$1/month</p></nav>
<h1>Plans for every team</h1><p>Save $20 when you start today. Trusted by 10,000 companies.</p>
<section class="grid">
  <div class="card"><div class="card-head"><h3>Starter</h3><p>For small teams</p></div>
    <div class="price"><span>$</span><span>0</span></div><small>Free forever, up to 10 users</small>
    <ul><li>5 boards</li><li>100 MB</li></ul><a href="/signup">Start free</a></div>
  <div class="card popular"><span class="badge">Most popular</span><h3>Team</h3>
    <p class="price"><del>$15</del> <span class="cur">$</span><span>12</span><sup>.50</sup>
    <small>/ user / month</small></p>
    <p>$10 per user / month billed annually, or $12.50 billed monthly</p><h4>Everything in Starter</h4></div>
  <div class="card"><h3>Business</h3><p><strong>$24</strong> per user per month</p><p>$500 setup fee</p></div>
  <div class="card"><h3>Enterprise</h3><p>Custom pricing</p><a>Contact sales</a></div>
</section>
<section><h3>Frequently asked questions</h3><h3>Can I pay $5?</h3><p>No.</p></section>
<script>var price = "$999/month";</script><footer><h3>Offices</h3><p>$3</p></footer></body></html>
"""
COLUMNS = """
<table><thead><tr><th></th><th>Basis</th><th>Pro</th><th>Konzern</th></tr></thead>
<tr><td>Preis</td><td>9,90 € pro Nutzer und Monat</td><td>19,90 € pro Nutzer und Monat</td>
<td>Preis auf Anfrage</td></tr>
<tr><td>Speicher</td><td>10 GB</td><td>1.000 GB</td><td>unbegrenzt</td></tr></table>
"""
ROWS = """
<table><tr><th>Plan</th><th>Seats</th><th>Price</th></tr>
<tr><td>Solo</td><td>1</td><td>£8 per month</td></tr>
<tr><td>Studio</td><td>10</td><td>£1,299.00 per year</td></tr>
<tr><td>Agency</td><td>100+</td><td>Talk to us</td></tr></table>
"""
CLASSES = """
<div class="tiers">
<div class="tier"><div class="tier-name">Core</div><div class="amt">USD 49</div>
<div>per month</div></div>
<div class="tier">
<div class="tier-name">Scale</div><div class="amt">USD 199</div><div>per month</div></div></div>
"""


def told(html):
    return [
        (plan.name, plan.list_price, plan.unit, plan.period, plan.quote_only, currency)
        for plan, currency, _ in read_plans(html)
    ]


def test_cards():
    assert told(CARDS) == [
        ("Starter", Decimal(0), "other", "month", False, "USD"),  # "up to 10 users": not for each
        ("Team", Decimal("12.50"), "user", "month", False, "USD"),
        ("Business", Decimal(24), "user", "month", False, "USD"),
        ("Enterprise", None, "user", "month", True, ""),
    ]
    team = read_plans(CARDS)[1][0]
    assert team.prepay_factor == Decimal("0.8")
    assert not team.features_complete  # a feature that was not read is unknown, not absent


def test_tables_either_way_round():
    assert told(COLUMNS) == [
        ("Basis", Decimal("9.90"), "user", "month", False, "EUR"),
        ("Pro", Decimal("19.90"), "user", "month", False, "EUR"),
        ("Konzern", None, "user", "month", True, ""),
    ]
    assert [(name, price, period) for name, price, _, period, *_ in told(ROWS)] == [
        ("Solo", Decimal(8), "month"),
        ("Studio", Decimal("1299.00"), "year"),
        ("Agency", None, "month"),
    ]


def test_names_that_only_classes_tell():
    assert [each[:4] for each in told(CLASSES)] == [
        ("Core", Decimal(49), "account", "month"),
        ("Scale", Decimal(199), "account", "month"),
    ]


def test_the_list_price_is_the_cheapest_paid_one(page):
    found = {each.field: each for each in observe(page(CARDS))}
    assert found["list_price"].value == {
        "amount": "12.50", "currency": "USD", "unit": "user", "period": "month"
    }  # fmt: skip
    assert len(found["plans"].value["plans"]) == 4
    assert 0 < len(found["plans"].quote) <= 200
    assert found["plans"].source == "https://acme.example/pricing"


@pytest.mark.parametrize(
    "html",
    [
        "", "<p>", "<h2>Our story</h2><p>We raised $12 million in 2024.</p>",
        "<h2>Welcome</h2><p>Read our blog</p>", "<table><tr><td>$</td></tr></table>",
        "<h3>Savings</h3><p>Save $300 with us</p>", "<h3>x</h3>" * 500, "<div>" * 2000, "\x00<h2>\x00",
        "<h3>" + "$1 " * 10_000 + "</h3>",
    ],
)  # fmt: skip
def test_what_is_no_price_page_gives_nothing(page, html):
    assert observe(page(html)) == []


def test_amounts_either_way_round():
    for text, currency, amount in (
        ("1,299.00", "USD", "1299.00"), ("1.299,00", "EUR", "1299.00"), ("1.299", "EUR", "1299"),
        ("1,299", "USD", "1299"), ("12,5", "EUR", "12.5"), ("0.005", "USD", "0.005"),
        ("1 299", "EUR", "1299"),
        ("12 .50", "USD", "12.50"),
    ):  # fmt: skip
        assert read_amount(text, currency) == Decimal(amount)
    assert [(price.amount, price.unit, price.period) for price in prices_in("$5 per 1,000 emails")] == [
        (Decimal(5), "other", "month")
    ]
    for text in ("up to $500 credit", "$20 off", "worth $99", "$1.5M raised", "saves $10"):
        assert prices_in(text) == []


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("$29 100 users", "29"), ("Pro €20 500 GB storage", "20"), ("$49 250 contacts per month", "49"),
        ("$1 299 / month", "1299"), ("$1 299,00", "1299.00"),
        ("1 299,00 €", "1299.00"), ("9,90 € 20 Nutzer", "9.90"),
        ("$1\u202f299", "1299"), ("CHF 1’250", "1250"), ("1'250.50 CHF", "1250.50"),
        ("₹1,00,000 per year", "100000"), ("₹12,50,000", "1250000"), ("$1,299.00 a year", "1299.00"),
        ("MX$ 1,299 / month", ""), ("NT$300", ""), ("CA$ 5", "5"),
        ("$1,000.000,50", ""), ("$5.000", ""), ("$9,10,11", ""), ("$19.90000", ""),
        ("First month $1, then $29 per user", "29"), ("$1/month for the first 3 months, then $29", "29"),
        ("$9.99, 20 users", "9.99"), ("Seats 10 $20", "20"),
    ],
)  # fmt: skip
def test_what_stands_beside_a_price_is_not_part_of_it(text, amounts):
    assert " ".join(str(price.amount) for price in prices_in(text)) == amounts


def test_a_number_of_users_is_not_what_is_paid_for():
    told = [
        (price.unit, price.period) for price in prices_in("$99 a month 100 users, $9 per user, $90 1 year")
    ]
    assert told == [("account", "month"), ("user", "month"), ("account", "year")]


@pytest.mark.parametrize(
    ("lines", "amount", "unit", "period"),
    [
        (("$100 per user per year", "$15 per user per month"), "100", "user", "year"),
        (("$240 per user per year", "$15 per user per month"), "15", "user", "month"),
        (("$0.02 per GB", "$15 per user per month"), "15", "user", "month"),
        (("$5 per site per month", "$6 per site per month", "$2 per user per month"), "5", "site", "month"),
        (("$50 once", "$15 per user per month", "$20 per user per month"), "15", "user", "month"),
    ],
)
def test_only_prices_of_one_kind_compare(page, lines, amount, unit, period):
    rows = "".join(f"<tr><td>Plan {number}</td><td>{line}</td></tr>" for number, line in enumerate(lines))
    found = {
        each.field: each
        for each in observe(page(f"<table><tr><th>Plan</th><th>Price</th></tr>{rows}</table>"))
    }
    assert found["list_price"].value == {
        "amount": amount, "currency": "USD", "unit": unit, "period": period
    }  # fmt: skip


def test_a_blank_that_does_not_break_holds_a_number_together():
    for blank in ("&nbsp;", "&#8239;", "’"):
        assert told(CLASSES.replace("USD 199", f"USD 1{blank}299"))[1][1] == Decimal(1299)


def test_a_deep_page_is_read_in_reasonable_time(page):
    """Some seconds even on a busy machine; reading every level of 16,000 took quadratic time."""
    inner = "<h2>A</h2><h3>Pro</h3><h4>x</h4><h5>y</h5><dt>z</dt>$5"
    start = time.process_time()
    observe(page("<div>" * 16_000 + inner + "</div>" * 16_000))
    assert time.process_time() - start < 4
