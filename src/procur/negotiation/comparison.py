"""Offers compared on one basis, with three picks, why they are picked and what would change them."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from procur.core.errors import InvalidInput
from procur.core.finance import fixed_precision
from procur.core.money import show
from procur.negotiation.candidates import COST_KINDS, EVIDENCE_LADDER, Basis, Candidate, Evidence, Weights
from procur.negotiation.costing import Line
from procur.negotiation.ranking import RISK_WEIGHTS, Scored, pick, runner_up, score
from procur.negotiation.sensitivity import Trigger, would_change

__all__ = ["Basis", "Candidate", "Comparison", "Evidence", "Pick", "Weights", "compare"]


@dataclass(frozen=True, slots=True)
class Pick:
    """The candidate picked under one aim, with the reasons in words and what would change the choice."""

    name: str
    key: str
    why: tuple[str, ...]
    would_change: tuple[Trigger, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the pick as a JSON object."""
        return {
            "pick": self.name,
            "candidate": self.key,
            "why": list(self.why),
            "would_change": [trigger.as_dict() for trigger in self.would_change],
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """All candidates scored on the basis, and the picks; without any, `reason` says why there is none."""

    basis: Basis
    rows: tuple[Scored, ...]
    picks: tuple[Pick, ...]
    reason: str | None

    def pick(self, name: str) -> Pick | None:
        """Return the pick of this name (best_value, lowest_cost, lowest_risk), None if there is none."""
        return next((found for found in self.picks if found.name == name), None)

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison as a JSON object; money as text."""
        return {
            "basis": _basis(self.basis),
            "candidates": [_row(row) for row in self.rows],
            "picks": [found.as_dict() for found in self.picks],
            "reason": self.reason,
        }


@fixed_precision
def compare(candidates: Sequence[Candidate], basis: Basis) -> Comparison:
    """Compare the offers; the result does not depend on the order in which they are given."""
    _check(candidates, basis)
    rows = score(candidates, basis)
    picked = pick(rows)
    changes = would_change(candidates, basis)
    picks = tuple(
        Pick(name, key, _why(name, key, rows, basis), changes[name]) for name, key in picked.items()
    )
    return Comparison(basis, rows, picks, None if picks else _no_pick(rows))


def _check(candidates: Sequence[Candidate], basis: Basis) -> None:
    if basis.units < 1 or basis.horizon_months < 0:
        raise InvalidInput("a comparison needs at least one unit and no negative horizon", field="basis")
    if sum((basis.weights.cost, basis.weights.fit, basis.weights.risk)) <= 0:
        raise InvalidInput("the weights must add up to more than zero", field="weights")
    keys = [candidate.key for candidate in candidates]
    for candidate in candidates:
        where = candidate.key
        if keys.count(where) > 1:
            raise InvalidInput(f"{where} is compared with itself", field="candidates")
        if candidate.terms.currency != basis.currency:
            raise InvalidInput(
                f"{where} is in {candidate.terms.currency}, the comparison in {basis.currency}",
                field="currency",
                hint="convert the offer at a stated rate first",
            )
        if candidate.terms.term_months and not basis.horizon_months:
            raise InvalidInput(
                f"{where} has a term, so the comparison needs a horizon", field="horizon_months"
            )
        if not 0 <= candidate.fit <= 1:
            raise InvalidInput(f"{where}: fit must lie between 0 and 1, not {candidate.fit}", field="fit")
        unknown = set(candidate.costs) - set(COST_KINDS)
        unknown |= {found.kind for found in candidate.evidence} - set(EVIDENCE_LADDER)
        if unknown:
            raise InvalidInput(f"{where}: no such kind of cost or evidence: {sorted(unknown)}")


def _no_pick(rows: Sequence[Scored]) -> str:
    if not rows:
        return "there is no offer to compare"
    blocked = "; ".join(f"{_name(row)}: {', '.join(row.blocked)}" for row in rows)
    return f"no offer can be picked: {blocked}"


def _why(name: str, key: str, rows: Sequence[Scored], basis: Basis) -> tuple[str, ...]:
    row = next(found for found in rows if found.key == key)
    second = runner_up(rows, name, key)
    reasons = {"best_value": _why_value, "lowest_cost": _why_cost, "lowest_risk": _why_risk}[name](row, basis)
    if row.costed.lock_in:
        beyond = show(row.costed.lock_in, basis.currency)
        reasons.append(
            f"it also commits to {beyond} for {row.costed.lock_in_months} months beyond the horizon"
        )
    if second is None:
        return (*reasons, "it is the only offer that can be picked")
    return (*reasons, _against(name, row, second, basis))


def _why_value(row: Scored, basis: Basis) -> list[str]:
    weights = basis.weights
    total = weights.cost + weights.fit + weights.risk
    parts = [
        f"{label} {value:.2f} x {weight / total:.0%}"
        for label, value, weight in (
            ("cost", row.cost_score, weights.cost),
            ("fit", row.candidate.fit, weights.fit),
            ("safety", 1 - row.risk, weights.risk),
        )
    ]
    words = [row.candidate.fit_words] if row.candidate.fit_words else []
    return [f"value {row.utility:.3f} of 1: {' + '.join(parts)}", _cost(row, basis), *words]


def _why_cost(row: Scored, basis: Basis) -> list[str]:
    told = [_cost(row, basis)]
    listed, price = row.candidate.list_unit_price, row.candidate.terms.unit_price
    if listed:
        told.append(
            f"unit price {show(price, basis.currency)}, {1 - price / listed:.1%} below the list price "
            f"{show(listed, basis.currency)}"
        )
    return told


def _why_risk(row: Scored, basis: Basis) -> list[str]:  # noqa: ARG001 - the three are called alike
    parts = [f"{name} {part:.2f} x {RISK_WEIGHTS[name]:.0%}" for name, part in row.risk_parts.items()]
    told = [f"risk {row.risk:.3f} (0 is none): {', '.join(parts)}"]
    if row.candidate.unknown_requirements:
        told.append(f"still unknown: {', '.join(row.candidate.unknown_requirements)}")
    return told


def _cost(row: Scored, basis: Basis) -> str:
    cost = show(row.costed.present_value, basis.currency)
    if not basis.horizon_months:
        return f"present value {cost} for {basis.units} units"
    return (
        f"present value {cost} over {basis.horizon_months} months for {basis.units} units, "
        f"{show(row.costed.effective_unit_price, basis.currency)} per unit and month"
    )


def _against(name: str, row: Scored, second: Scored, basis: Basis) -> str:
    who = _name(second)
    if name == "best_value":
        return f"next is {who} with {second.utility:.3f}"
    if name == "lowest_risk" and second.risk == row.risk:
        return f"{who} has the same risk; the cheaper of the two is picked"
    if name == "lowest_risk":
        return f"next is {who} with {second.risk:.3f}"
    less = second.costed.present_value - row.costed.present_value
    share = less / second.costed.present_value if second.costed.present_value else Decimal(0)
    return f"{show(less, basis.currency)} ({share:.1%}) less than the next, {who}"


def _name(row: Scored) -> str:
    return f"{row.candidate.name} {row.candidate.plan}".strip()


def _basis(basis: Basis) -> dict[str, Any]:
    return {
        "horizon_months": basis.horizon_months,
        "units": basis.units,
        "currency": basis.currency,
        "cost_of_capital": str(basis.cost_of_capital),
        "uplift": str(basis.uplift),
        "billing": basis.billing,
        "required_frameworks": list(basis.required_frameworks),
        "weights": {name: str(getattr(basis.weights, name)) for name in ("cost", "fit", "risk")},
        "risk_weights": {name: str(weight) for name, weight in RISK_WEIGHTS.items()},
    }


def _row(row: Scored) -> dict[str, Any]:
    candidate, costed = row.candidate, row.costed
    return {
        "candidate": row.key,
        "vendor_id": candidate.vendor_id,
        "name": candidate.name,
        "plan": candidate.plan,
        "terms": candidate.terms.as_dict(),
        "list_unit_price": None if candidate.list_unit_price is None else str(candidate.list_unit_price),
        "lines": [_line(line) for line in costed.lines],
        "total": str(costed.total),
        "present_value": str(costed.present_value),
        "effective_unit_price": str(costed.effective_unit_price),
        "lock_in": {"months": costed.lock_in_months, "amount": str(costed.lock_in)},
        "extras_worth": str(costed.extras_worth),
        "fit": {"score": str(candidate.fit), "words": candidate.fit_words},
        "scores": {"cost": str(row.cost_score), "risk": str(row.risk), "value": str(row.utility)},
        "risk_parts": {name: f"{part:.4f}" for name, part in row.risk_parts.items()},
        "evidence": {found.framework: found.kind for found in candidate.evidence},
        "unknown_requirements": list(candidate.unknown_requirements),
        "data_age_days": candidate.data_age_days,
        "blocked": list(row.blocked),
    }


def _line(line: Line) -> dict[str, str]:
    return {
        "kind": line.kind,
        "label": line.label,
        "how": line.how,
        "amount": str(line.amount),
        "present_value": str(line.present_value),
    }
