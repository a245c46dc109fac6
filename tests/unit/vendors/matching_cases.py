"""A need, cards and plans to match, for the tests of matching."""

from datetime import date
from decimal import Decimal
from typing import Any

from procur.vendors.catalogue import Plan
from procur.vendors.matching import LeftOut, Match, Matching, Need, VendorCard, match
from procur.vendors.vocabulary import load

TODAY = date(2026, 3, 2)
NEED = Need(
    category="project-management",
    quantity=50,
    currency="USD",
    today=TODAY,
    budget_yearly=Decimal(9000),
    must_haves=("single sign-on",),
)


def plan(name: str = "TEAM", price: str | None = "10", **fields: Any) -> Plan:
    told = {"features": ("singleSignOn", "kanban")} | fields
    return Plan(name, None if price is None else Decimal(price), quote_only=price is None, **told)


def card(*plans: Plan, **fields: Any) -> VendorCard:
    told = {"vendor_id": "acme", "name": "Acme", "category": "project-management", "currency": "USD"} | fields
    return VendorCard(plans=plans, **{"captured_on": TODAY, "source": "https://acme.example"} | told)


def ask(need: Need, *cards: VendorCard, **options: Any) -> Matching:
    return match(need, cards, load(), **options)


def only(need: Need, one: VendorCard) -> Match:
    answer = ask(need, one)
    assert answer.left_out == ()
    return answer.shortlist[0]


def left(need: Need, one: VendorCard) -> LeftOut:
    answer = ask(need, one)
    assert answer.shortlist == ()
    return answer.left_out[0]


def part(found: Match, name: str) -> Decimal:
    return next(each.score for each in found.parts if each.name == name)
