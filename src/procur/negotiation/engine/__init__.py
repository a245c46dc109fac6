"""A pure bilateral, multi-issue negotiation engine: no clock, no database, no network, no module state.

    issues = [PriceIssue("unit_price", Decimal(60), Decimal(100)), Issue("payment_terms", ("NET30", "NET60"))]
    utility = AdditiveUtility(
        {"unit_price": 0.9, "payment_terms": 0.1},
        {"unit_price": [(60, 1.0), (100, 0.0)], "payment_terms": {"NET30": 0.0, "NET60": 1.0}},
    )
    buyer = Negotiator(issues, utility, reservation=0.2, deadline=8, role="buyer", seed=1)
    offer = buyer.propose(0)                      # {"payment_terms": "NET60", "unit_price": Decimal("60.00")}
    answer = buyer.respond(counter, 1)            # "accept", "reject" or "end"
    buyer.explain().words                         # the reason in words

Randomness comes from `seed` alone, so the same inputs give the same transcript everywhere.
"""

from procur.negotiation.engine.aspiration import (
    BALANCED,
    BOULWARE,
    CAUTIOUS,
    CONCEDER,
    LINEAR,
    TOUGH,
    Tactics,
)
from procur.negotiation.engine.explanation import Explanation, Move
from procur.negotiation.engine.issues import AnyIssue, AnyOutcome, Issue, Outcome, PriceIssue
from procur.negotiation.engine.metrics import (
    all_outcomes,
    nash_point,
    pareto_distance,
    pareto_front,
    points_of,
)
from procur.negotiation.engine.negotiator import Answer, Negotiator
from procur.negotiation.engine.utility import AdditiveUtility, PiecewiseLinear

__all__ = [
    "BALANCED",
    "BOULWARE",
    "CAUTIOUS",
    "CONCEDER",
    "LINEAR",
    "TOUGH",
    "AdditiveUtility",
    "Answer",
    "AnyIssue",
    "AnyOutcome",
    "Explanation",
    "Issue",
    "Move",
    "Negotiator",
    "Outcome",
    "PiecewiseLinear",
    "PriceIssue",
    "Tactics",
    "all_outcomes",
    "nash_point",
    "pareto_distance",
    "pareto_front",
    "points_of",
]
