"""Hardware, services and other currencies go the same way, to the order."""

from decimal import Decimal

import pytest

from factories.house import House, make_house
from procur.cli.steps import closing, deciding, requesting
from procur.documents.store import LocalStore

GOVERNED = {"governing_law": "the laws of Germany", "courts": "the courts of Hamburg"}


def plan(price: str, unit: str, features: list[str] | None = None) -> dict[str, object]:
    return {
        "name": "Standard",
        "list_price": price,
        "unit": unit,
        "period": "once",
        "features": features or [],
    }


def vendors(category: str, currency: str, unit: str, prices: dict[str, str]) -> list[dict[str, object]]:
    return [
        {
            "vendor_id": name,
            "name": name.title(),
            "category": category,
            "currency": currency,
            "captured_on": "2026-11-01",
            "plans": [plan(price, unit)],
        }
        for name, price in prices.items()
    ]


def buy(house: House, text: str) -> dict[str, object]:
    """Take a request to its order and return the order, with the contract and the deal."""
    request_id = house.request(text)
    talks = house.negotiate(request_id)
    award = house.award(request_id)
    if award["status"] == "awaiting_approval":
        house.approve(request_id)
    vendor_id = award["vendor_id"]
    house.address(vendor_id)
    drafted = closing.draft(house.alice, request_id, details=GOVERNED)
    signer = house.add(f"sales@{vendor_id}.example", "vendor", vendor_id)
    for who, side in ((house.alice, "buyer"), (house.as_(signer), "vendor")):
        closing.sign(who, drafted["contract_id"], side, despite_open_points=True)
    order = closing.issue(house.alice, drafted["contract_id"])
    return {"talks": talks, "award": award, "contract": drafted, "order": order, "request_id": request_id}


@pytest.mark.parametrize(
    ("category", "currency", "unit", "text", "limit"),
    [
        ("laptops", "USD", "piece", "20 laptops, at most $30,000 in total", "30000"),
        ("laptops", "EUR", "piece", "20 laptops for at most €30,000 in total", "30000"),
        ("consulting", "EUR", "hour", "100 hours of consulting, at most €20,000 in total", "20000"),
    ],
)
def test_a_one_off_purchase_reaches_its_order(  # noqa: PLR0917 - one argument per column
    database, tmp_path, category, currency, unit, text, limit
):
    price = "1400.00" if unit == "piece" else "180.00"
    catalogue = vendors(category, currency, unit, {"lapco": price, "techno": price, "bitz": price})
    done = buy(make_house(database, tmp_path, vendors=catalogue), text)
    terms = done["award"]["terms"]
    assert terms["term_months"] == 0
    assert Decimal(terms["total"]) == Decimal(terms["unit_price"]) * terms["quantity"] <= Decimal(limit)
    assert done["order"]["payable"] == done["contract"]["total_value"] == Decimal(terms["total"])
    assert done["order"]["currency"] == currency


def test_an_order_invents_no_delivery_date(database, tmp_path):
    catalogue = vendors(
        "laptops", "USD", "piece", {"lapco": "1400.00", "techno": "1300.00", "bitz": "1350.00"}
    )
    house = make_house(database, tmp_path, vendors=catalogue)
    done = buy(house, "20 laptops, at most $30,000 in total")
    store = LocalStore(house.workspace.home / "documents")
    assert b"RequestedDeliveryPeriod" not in store.get(f"{done['order']['po_number']}.xml")


def test_what_was_not_understood_is_asked_of_every_vendor(database, tmp_path):
    catalogue = vendors(
        "laptops", "USD", "piece", {"lapco": "1400.00", "techno": "1300.00", "bitz": "1350.00"}
    )
    house = make_house(database, tmp_path, vendors=catalogue)
    request_id = house.request("20 laptops with 32 GB RAM, at most $30,000 in total")
    told = requesting.match_request(house.alice, request_id, limit=5)
    for found in told["shortlist"]:
        assert any("32 GB RAM" in question for question in found["questions"])
    house.negotiate(request_id)
    compared = deciding.compare_request(house.alice, request_id)
    assert all(
        any("32 GB RAM" in unknown for unknown in each["unknown_requirements"])
        for each in compared["candidates"]
    )
