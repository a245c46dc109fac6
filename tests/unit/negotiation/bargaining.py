"""Scenarios and a referee for the engine's tests."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from procur.negotiation.engine import AdditiveUtility, AnyIssue, Issue, Negotiator, Outcome, PriceIssue

ISSUES: list[AnyIssue] = [
    PriceIssue("unit_price", Decimal(60), Decimal(100)),
    Issue("term_months", (12, 24, 36)),
    Issue("payment_terms", ("NET30", "NET60", "NET90")),
]
WEIGHTS = dict.fromkeys(("unit_price", "term_months", "payment_terms"), 1 / 40)
BUYER = AdditiveUtility(
    WEIGHTS,
    {
        "unit_price": [(60, 40.0), (100, 0.0)],
        "term_months": {12: 0.0, 24: -1.0, 36: -3.0},
        "payment_terms": {"NET30": 0.0, "NET60": 1.0, "NET90": 2.0},
    },
)
SELLER = AdditiveUtility(
    WEIGHTS,
    {
        "unit_price": [(60, 0.0), (100, 40.0)],
        "term_months": {12: 0.0, 24: 4.0, 36: 8.0},
        "payment_terms": {"NET30": 0.0, "NET60": -0.5, "NET90": -1.0},
    },
)
PLAIN = {"term_months": 12, "payment_terms": "NET30"}


def offer(price: str, **other: Any) -> Outcome:
    return {"unit_price": Decimal(price), **PLAIN, **other}


def buyer(limit: str = "95", deadline: int = 8, **options: Any) -> Negotiator:
    return Negotiator(ISSUES, BUYER, BUYER(offer(limit)), deadline, "buyer", **({"seed": 1} | options))


def seller(floor: str = "80", deadline: int = 8, **options: Any) -> Negotiator:
    return Negotiator(ISSUES, SELLER, SELLER(offer(floor)), deadline, "seller", **({"seed": 2} | options))


def bargain(
    first: Negotiator,
    second: Negotiator,
    deadline: int,
    watch: Callable[[Negotiator, str, Outcome], None] = lambda who, action, outcome: None,
) -> tuple[Outcome | None, list[Outcome]]:
    """Alternate offers; tell `watch` of every proposal and acceptance; return the deal and all offers."""
    standing: Outcome | None = None
    offers: list[Outcome] = []
    for turn in range(deadline):
        for side in (first, second):
            if standing is not None:
                answer = side.respond(standing, turn, deadline)
                if answer == "accept":
                    watch(side, "accept", standing)
                    return standing, offers
                if answer == "end":
                    return None, offers
            standing = side.propose(turn, deadline)
            if standing is None:
                return None, offers
            watch(side, "propose", standing)
            offers.append(standing)
    return None, offers
