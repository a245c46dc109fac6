"""Scores of offers on one basis, and which of them is best value, lowest cost and lowest risk."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from procur.core.finance import fixed_precision
from procur.negotiation.candidates import EVIDENCE_LADDER, Basis, Candidate
from procur.negotiation.costing import Costed, total_cost
from procur.vendors.catalogue import ACCEPTED_EVIDENCE

PICKS = ("best_value", "lowest_cost", "lowest_risk")
SCORE_DIGITS = Decimal("0.0001")

# How the risk score (0 none, 1 worst) is made up, and when each part is at its worst.
RISK_WEIGHTS = {
    "unknown requirements": Decimal("0.35"),
    "evidence": Decimal("0.30"),
    "commitment": Decimal("0.25"),
    "age of data": Decimal("0.10"),
}
WORST_UNKNOWN = 4
WORST_TERM_MONTHS = 36
WORST_AGE_DAYS = 365


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate with its cost and scores, each from 0 to 1; `blocked` says why it cannot be picked."""

    candidate: Candidate
    costed: Costed
    net_cost: Decimal
    cost_score: Decimal
    risk: Decimal
    risk_parts: dict[str, Decimal]
    utility: Decimal
    blocked: tuple[str, ...]

    @property
    def key(self) -> str:
        """The candidate's name within the comparison."""
        return self.candidate.key


@fixed_precision
def score(candidates: Sequence[Candidate], basis: Basis) -> tuple[Scored, ...]:
    """Return every candidate scored, in order of vendor and plan, so that the order given does not matter."""
    ordered = sorted(candidates, key=lambda candidate: (candidate.vendor_id, candidate.plan))
    costed = [(candidate, total_cost(candidate, basis)) for candidate in ordered]
    nets = {candidate.key: cost.present_value - cost.extras_worth for candidate, cost in costed}
    free = [nets[candidate.key] for candidate in ordered if not blocks(candidate, basis)]
    lowest = min(free, default=Decimal(0))
    return tuple(_scored(candidate, cost, nets[candidate.key], lowest, basis) for candidate, cost in costed)


def _scored(candidate: Candidate, costed: Costed, net: Decimal, lowest: Decimal, basis: Basis) -> Scored:
    best = max(lowest, Decimal(0))
    cost_score = Decimal(1) if net <= best else best / net
    parts = risk_parts(candidate, basis)
    risk = sum((RISK_WEIGHTS[name] * part for name, part in parts.items()), Decimal(0))
    weights = basis.weights
    utility = (weights.cost * cost_score + weights.fit * candidate.fit + weights.risk * (1 - risk)) / (
        weights.cost + weights.fit + weights.risk
    )
    return Scored(
        candidate=candidate,
        costed=costed,
        net_cost=net,
        cost_score=cost_score.quantize(SCORE_DIGITS),
        risk=risk.quantize(SCORE_DIGITS),
        risk_parts=parts,
        utility=utility.quantize(SCORE_DIGITS),
        blocked=blocks(candidate, basis),
    )


def blocks(candidate: Candidate, basis: Basis) -> tuple[str, ...]:
    """Return why a candidate cannot be picked: reasons from outside, or required evidence that is missing."""
    missing = [
        f"{framework} is required and its evidence is: {candidate.evidence_for(framework).replace('_', ' ')}"
        for framework in basis.required_frameworks
        if candidate.evidence_for(framework) not in ACCEPTED_EVIDENCE
    ]
    return (*candidate.blocked, *missing)


def risk_parts(candidate: Candidate, basis: Basis) -> dict[str, Decimal]:
    """Return each part of the risk score, 0 (none) to 1 (worst)."""
    steps = [EVIDENCE_LADDER[candidate.evidence_for(name)] for name in basis.required_frameworks]
    age = WORST_AGE_DAYS if candidate.data_age_days is None else candidate.data_age_days
    return {
        "unknown requirements": _share(len(candidate.unknown_requirements), WORST_UNKNOWN),
        "evidence": 1 - sum(steps, Decimal(0)) / len(steps) if steps else Decimal(0),
        "commitment": _share(candidate.terms.term_months, WORST_TERM_MONTHS),
        "age of data": _share(age, WORST_AGE_DAYS),
    }


def pick(scored: Sequence[Scored]) -> dict[str, str]:
    """Return the key of each pick among those not blocked; equal scores go to the cheaper, then by name."""
    free = [found for found in scored if not found.blocked]
    return {name: min(free, key=_ORDERS[name]).key for name in PICKS} if free else {}


def runner_up(scored: Sequence[Scored], name: str, picked: str) -> Scored | None:
    """Return who would be picked if the pick were not there."""
    rest = [found for found in scored if not found.blocked and found.key != picked]
    return min(rest, key=_ORDERS[name], default=None)


_ORDERS: dict[str, Callable[[Scored], tuple[Decimal, Decimal, Decimal, str]]] = {
    "best_value": lambda s: (-s.utility, s.costed.present_value, s.risk, s.key),
    "lowest_cost": lambda s: (s.costed.present_value, s.risk, -s.candidate.fit, s.key),
    "lowest_risk": lambda s: (s.risk, s.costed.present_value, -s.candidate.fit, s.key),
}


def _share(count: int, worst: int) -> Decimal:
    return min(Decimal(count) / worst, Decimal(1))
