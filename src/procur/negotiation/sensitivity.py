"""What would change a pick: each answer is found by comparing the offers again, never estimated."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from procur.core.finance import fixed_precision
from procur.core.money import minor_units, show
from procur.negotiation.candidates import Basis, Candidate, Evidence, Weights
from procur.negotiation.ranking import PICKS, pick, score

HORIZONS = (12, 24, 36, 48, 60)
MOST_PRICE_RISE = 4  # a price is looked for up to this many times the present one


@dataclass(frozen=True, slots=True)
class Trigger:
    """One change that moves a pick: of what kind, to which value, and who is picked then (None: nobody)."""

    pick: str
    kind: str
    value: str
    becomes: str | None
    words: str

    def as_dict(self) -> dict[str, Any]:
        """Return the trigger as a JSON object."""
        return {"kind": self.kind, "value": self.value, "becomes": self.becomes, "words": self.words}


@dataclass(frozen=True, slots=True)
class _Dial:
    """An assumption that can be turned: coarse steps find a change, fine ones its place."""

    kind: str
    words: str
    high: Decimal
    coarse: Decimal
    fine: Decimal
    get: Callable[[Basis], Decimal]
    set: Callable[[Basis, Decimal], Basis]


@fixed_precision
def would_change(candidates: Sequence[Candidate], basis: Basis) -> dict[str, tuple[Trigger, ...]]:
    """Return for each pick what would change it."""
    table = _Table(tuple(sorted(candidates, key=lambda candidate: candidate.key)), basis)
    if not table.now:
        return {}
    found = [*table.prices(), *table.assumptions(), *table.horizons(), *table.proofs(), *table.demands()]
    return {name: tuple(trigger for trigger in found if trigger.pick == name) for name in PICKS}


class _Table:
    """The offers on the table, compared again under changed circumstances."""

    def __init__(self, candidates: tuple[Candidate, ...], basis: Basis) -> None:
        self.candidates, self.basis = candidates, basis
        self.names = {candidate.key: f"{candidate.name} {candidate.plan}".strip() for candidate in candidates}
        scored = score(candidates, basis)
        self.now = pick(scored)
        self.free = [found.candidate for found in scored if not found.blocked]

    def again(self, basis: Basis | None = None, instead: Candidate | None = None) -> dict[str, str]:
        """Return the picks on another basis, or with one candidate replaced."""
        offers = [instead if instead and c.key == instead.key else c for c in self.candidates]
        return pick(score(offers, basis or self.basis))

    def prices(self) -> Iterator[Trigger]:
        """Yield the unit price at which each other offer overtakes, and at which the pick is lost."""
        for name in ("best_value", "lowest_cost"):
            for candidate in self.free:
                if candidate.key != self.now[name]:
                    yield from self._overtakes(name, candidate)
                elif len(self.free) > 1:
                    yield from self._loses(name, candidate)

    def _overtakes(self, name: str, candidate: Candidate) -> Iterator[Trigger]:
        step = _step(self.basis)
        wins = self._wins_at(name, candidate)
        steps = int(candidate.terms.unit_price / step)
        if not wins(0):
            return
        price = _last(wins, 0, steps) * step
        now, then = (show(money, self.basis.currency) for money in (candidate.terms.unit_price, price))
        words = f"{self.names[candidate.key]} overtakes at a unit price of {then} or less (now {now})"
        yield Trigger(name, "unit_price", str(price), candidate.key, words)

    def _loses(self, name: str, candidate: Candidate) -> Iterator[Trigger]:
        step = _step(self.basis)
        wins = self._wins_at(name, candidate)
        first = -int(-candidate.terms.unit_price // step)
        most = first * MOST_PRICE_RISE
        if wins(most) or not wins(first):
            return
        price = (_last(wins, first, most) + 1) * step
        dearer = replace(candidate, terms=replace(candidate.terms, unit_price=price))
        becomes = self.again(instead=dearer)[name]
        now, then = (show(money, self.basis.currency) for money in (candidate.terms.unit_price, price))
        loser, winner = self.names[candidate.key], self.names[becomes]
        words = f"{loser} loses to {winner} at a unit price of {then} (now {now})"
        yield Trigger(name, "own_unit_price", str(price), becomes, words)

    def _wins_at(self, name: str, candidate: Candidate) -> Callable[[int], bool]:
        step = _step(self.basis)

        def wins(steps: int) -> bool:
            changed = replace(candidate, terms=replace(candidate.terms, unit_price=steps * step))
            return self.again(instead=changed)[name] == candidate.key

        return wins

    def assumptions(self) -> Iterator[Trigger]:
        """Yield the nearest cost of capital, uplift and weight of cost, either way, that change a pick."""
        for dial in _DIALS:
            for sign in (1, -1):
                yield from self._turn(dial, sign)

    def _turn(self, dial: _Dial, sign: int) -> Iterator[Trigger]:
        waiting, end = set(PICKS), dial.high if sign > 0 else Decimal(0)
        before = dial.get(self.basis)
        while waiting and before != end:
            after = _towards(before, end, dial.coarse)
            picks = self.again(dial.set(self.basis, after))
            for name in [name for name in PICKS if name in waiting and picks[name] != self.now[name]]:
                waiting.remove(name)
                yield self._place(dial, name, before, after)
            before = after

    def _place(self, dial: _Dial, name: str, before: Decimal, after: Decimal) -> Trigger:
        """Go in fine steps from the last value that changed nothing to one that is known to."""
        value = before
        while (becomes := self.again(dial.set(self.basis, value))[name]) == self.now[name]:
            before, value = value, _towards(value, after, dial.fine)
        words = (
            f"with a {dial.words} {'above' if after > before else 'below'} {before:.1%} "
            f"(now {dial.get(self.basis):.1%}) it would be {self.names[becomes]}"
        )
        return Trigger(name, dial.kind, str(value), becomes, words)

    def horizons(self) -> Iterator[Trigger]:
        """Yield the nearest shorter and longer usual horizon that change a pick."""
        now = self.basis.horizon_months
        shorter = [months for months in reversed(HORIZONS) if months < now]
        longer = [months for months in HORIZONS if months > now] if now else []
        for months_list in (shorter, longer):
            picks = {months: self.again(replace(self.basis, horizon_months=months)) for months in months_list}
            for name in PICKS:
                months = next((m for m in months_list if picks[m][name] != self.now[name]), 0)
                if months:
                    becomes = picks[months][name]
                    words = f"over {months} months instead of {now} it would be {self.names[becomes]}"
                    yield Trigger(name, "horizon", str(months), becomes, words)

    def proofs(self) -> Iterator[Trigger]:
        """Yield candidates that would be picked once what is unknown or unproven about them is proven."""
        for candidate in self.candidates:
            open_points = self._open_points(candidate)
            if candidate.blocked or not open_points:
                continue
            proven = tuple(Evidence(name, "certified") for name in self.basis.required_frameworks)
            picks = self.again(instead=replace(candidate, evidence=proven, unknown_requirements=()))
            for name in PICKS:
                if picks[name] == candidate.key != self.now[name]:
                    words = (
                        f"{self.names[candidate.key]} would be picked if it proves: {', '.join(open_points)}"
                    )
                    yield Trigger(name, "proof", ", ".join(open_points), candidate.key, words)

    def _open_points(self, candidate: Candidate) -> list[str]:
        weak = [
            name for name in self.basis.required_frameworks if candidate.evidence_for(name) != "certified"
        ]
        return [*weak, *candidate.unknown_requirements]

    def demands(self) -> Iterator[Trigger]:
        """Yield what puts the pick out: a further framework as a must, or an unknown must that is not met."""
        listed = {found.framework for candidate in self.candidates for found in candidate.evidence}
        for framework in sorted(listed - set(self.basis.required_frameworks)):
            stricter = replace(self.basis, required_frameworks=(*self.basis.required_frameworks, framework))
            picks = self.again(stricter)
            for name in PICKS:
                yield from self._out(name, picks, "requirement", framework)
        for candidate in self.free:
            for point in candidate.unknown_requirements:
                picks = self.again(instead=replace(candidate, blocked=(f"{point} is not met",)))
                for name in PICKS:
                    if self.now[name] == candidate.key:
                        yield from self._out(name, picks, "unmet", point)

    def _out(self, name: str, picks: dict[str, str], kind: str, what: str) -> Iterator[Trigger]:
        now, becomes = self.now[name], picks.get(name)
        if becomes == now:
            return
        cause = f"if {what} were a must" if kind == "requirement" else f"if {what} turns out not to be met"
        then = f"it would be {self.names[becomes]}" if becomes else "nobody could be picked"
        yield Trigger(name, kind, what, becomes, f"{cause}, {self.names[now]} is out and {then}")


def _last(wins: Callable[[int], bool], low: int, high: int) -> int:
    """Return the largest number that still wins, by bisection; `low` wins, and winning ends only once."""
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if wins(middle) else (low, middle - 1)
    return low


def _towards(value: Decimal, end: Decimal, step: Decimal) -> Decimal:
    """Return the value one step nearer to the end, or the end if it is nearer than a step."""
    return min(value + step, end) if value < end else max(value - step, end)


def _step(basis: Basis) -> Decimal:
    return Decimal(1).scaleb(-minor_units(basis.currency))


def _cost_weight(basis: Basis) -> Decimal:
    weights = basis.weights
    return weights.cost / (weights.cost + weights.fit + weights.risk)


def _with_cost_weight(basis: Basis, share: Decimal) -> Basis:
    """Give cost this share of the weights; fit and risk keep their proportion."""
    rest = basis.weights.fit + basis.weights.risk
    fit = basis.weights.fit / rest if rest else Decimal("0.5")
    return replace(basis, weights=Weights(share, (1 - share) * fit, (1 - share) * (1 - fit)))


_TENTH = Decimal("0.001")
_DIALS = (
    _Dial(
        "cost_of_capital",
        "cost of capital",
        Decimal("0.40"),
        Decimal("0.02"),
        _TENTH,
        lambda basis: basis.cost_of_capital,
        lambda basis, value: replace(basis, cost_of_capital=value),
    ),
    _Dial(
        "uplift",
        "yearly price rise after the term",
        Decimal("0.40"),
        Decimal("0.02"),
        _TENTH,
        lambda basis: basis.uplift,
        lambda basis, value: replace(basis, uplift=value),
    ),
    _Dial(
        "cost_weight",
        "weight of cost",
        Decimal(1),
        Decimal("0.05"),
        Decimal("0.01"),
        _cost_weight,
        _with_cost_weight,
    ),
)
