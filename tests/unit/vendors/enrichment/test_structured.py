import json

import pytest

from procur.vendors.enrichment.model import VendorView
from procur.vendors.enrichment.structured import observe

VENDOR = VendorView("acme", "Acme Boards")
GRAPH = {
    "@context": "https://schema.org",
    "@graph": [
        {"@type": "WebSite", "name": "Some other name", "publisher": {"@id": "#org"}},
        {"@type": "Organization", "name": "Press Agency", "description": "Not the vendor"},
        {
            "@type": ["Organization", "Corporation"], "@id": "#org", "name": "Acme Inc.",
            "description": "Boards\u200b  for\nteams", "email": "mailto:sales@acme.example",
            "address": {"@type": "PostalAddress", "addressCountry": {"@type": "Country", "name": "DE"}},
        },
        {
            "@type": "http://schema.org/SoftwareApplication", "name": "Acme Boards",
            "offers": {"@id": "#offers"},
            "aggregateRating": {"ratingValue": "9.2", "bestRating": 10, "reviewCount": "311"},
        },
        {
            "@type": "AggregateOffer", "@id": "#offers", "lowPrice": 9, "priceCurrency": "usd",
            "offers": [
                {"@type": "Offer", "name": "Team", "priceSpecification": {
                    "@type": "UnitPriceSpecification", "price": "12.50", "priceCurrency": "USD",
                    "billingDuration": "P1M", "unitText": "user"}},
                {"@type": "Offer", "name": "Free", "price": 0, "priceCurrency": "USD"},
                {"@type": "Offer", "name": "Odd", "price": "call us", "priceCurrency": "USD"},
                {"@type": "Offer", "name": "Elsewhere", "price": "8", "priceCurrency": "EURO"},
                "a string", None, 7,
            ],
        },
    ],
}  # fmt: skip


def script(data):
    text = data if isinstance(data, str) else json.dumps(data)
    return f'<html><head><script type="application/ld+json">{text}</script></head></html>'


def seen(page, *data):
    return {each.field: each for each in observe(page("".join(map(script, data))), VENDOR)}


def test_a_graph_with_references(page):
    found = seen(page, GRAPH)
    assert found["description"].value == {"text": "Boards for teams"}
    assert found["contact_email"].value == {"text": "sales@acme.example"}
    assert found["country"].value == {"text": "DE"}
    assert found["rating"].value == {"rating": 4.6, "count": 311}
    plans = {plan["name"]: plan for plan in found["plans"].value["plans"]}
    assert {name: plan["list_price"] for name, plan in plans.items()} == {"Team": "12.50", "Free": "0"}
    assert (plans["Team"]["unit"], plans["Team"]["period"]) == ("user", "month")
    assert found["list_price"].value["amount"] == "12.50"
    assert found["plans"].source_kind == "json_ld"


def test_an_aggregate_alone_names_the_lowest_price(page):
    offers = {"@type": "AggregateOffer", "lowPrice": "1,299.00", "highPrice": "5000", "priceCurrency": "EUR"}
    found = seen(page, [{"@type": "Product", "name": "Pump", "offers": offers}])
    assert found["list_price"].value["amount"] == "1299.00"


def test_json_as_pages_write_it(page):
    broken = '<!-- {"@type": "Organization", "name": "Acme", "description": "two\nlines",} -->'
    assert seen(page, broken)["description"].value == {"text": "two lines"}
    assert "description" in seen(page, "{oh no", broken)  # one bad script does not spoil the others


@pytest.mark.parametrize(
    "data",
    [
        "", "null", "[]", "7", '"text"', "{", '{"@type": 5}', '{"@type": ["Product", 3], "offers": 9}',
        "[" * 5000,
        {"@type": "Organization", "name": "Acme", "email": "not one", "address": [1],
         "description": "\u200b"},
        {"@type": "Product", "name": "x", "offers": {"price": "NaN", "priceCurrency": "USD"}},
        {"@type": "Product", "name": "x", "offers": {"price": 1e400, "priceCurrency": "USD"}},
        {"@type": "Product", "name": "x", "offers": {"price": -1, "priceCurrency": "USD"}},
        {"@type": "Product", "name": "x", "offers": {"price": True, "priceCurrency": "USD"}},
        {"@type": "Product", "aggregateRating": {"ratingValue": "Infinity", "reviewCount": "x"}},
        {"@type": "Product", "aggregateRating": {"ratingValue": 9, "bestRating": 5}},
        '{"@type": "Product", "aggregateRating": {"ratingValue": 9e999999, "bestRating": 9e999999}}',
        {"@type": "Product", "name": "x", "offers": {"price": "1,000.000,50", "priceCurrency": "USD"}},
        {"@id": "#a", "@type": "Product", "offers": {"@id": "#a"}},
    ],
)  # fmt: skip
def test_what_says_nothing_sensible_gives_nothing(page, data):
    assert seen(page, data) == {}
