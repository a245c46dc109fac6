"""The buyer on a peer's grid: 7 vendors x 3 price tiers x 8 budgets, with the vendor's floor hidden from it.

The grid is rebuilt from its description (the public project Manas-Kandi/procur-algorithm): the seven private
floors of the seed vendors, of which five are known, three price tiers each, and budgets from 0.95 to 1.5
times the floor. The tier prices are set so that (tier - floor) / tier is 11.93 % on average, as in the
reference. The buyer knows the budget and the tier price, never the floor; its reservation is the lower of the
two. Sellers are our simulated ones of every personality and two scripted rules; they know nothing of it.

    python benchmarks/negotiation_grid.py [--short] [--json]

Fails (exit code 1) on any deal below the floor or over the budget, any counter worth less to the seller than
the buyer's own bid, and any agreement where there is no zone of agreement.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Protocol

from procur.negotiation.engine import (
    CAUTIOUS,
    AdditiveUtility,
    AnyIssue,
    Issue,
    Negotiator,
    Outcome,
    PriceIssue,
)
from procur.negotiation.simulator import (
    PERSONALITIES,
    SellerProfile,
    SimulatedSeller,
    draw_seller,
    seller_utility,
)

FLOORS = (980, 180, 280, 18, 1200, 45, 520)  # the last two are ours, in the same spirit
TIER_OFFSETS = (0.05, 0.0, -0.05)  # smaller orders leave more to bargain about
VENDOR_OFFSETS = (-0.012, -0.008, -0.004, 0.0, 0.004, 0.008, 0.012)
MEAN_MARGIN = 0.1193
BUDGETS = ("0.95", "1.00", "1.02", "1.05", "1.10", "1.20", "1.30", "1.50")
DEADLINE = 8
# The buyer's first bid: the far end of the band for new software without alternatives (15-25 % off list).
OPENING = Decimal("0.75")
OPENING_WITH_TERMS = Decimal("0.5")  # three years alone are said to bring 20-25 % more
CENT = Decimal("0.01")
TOLERANCE = 1e-9
PAYMENT_DAYS = {"NET30": 30, "NET60": 60, "PREPAID": 0}
EXTRAS: tuple[tuple[str, ...], ...] = ((), ("onboarding",))
# What other terms are worth to the buyer, as a share of the list price: capital at 10 % a year for the
# payment days, a 10 % yearly chance of dropping the tool against a 5 % yearly uplift for the term.
BUYER_WORTH: dict[str, dict[Any, float]] = {
    "term_months": {12: 0.0, 24: -0.025, 36: -0.051},
    "payment_terms": {"NET30": 0.0, "NET60": 0.0078, "PREPAID": -0.042},
    "value_adds": {(): 0.0, ("onboarding",): 0.01},
}
PUBLISHED = {
    "agreement": 0.925,
    "mean_savings": 0.0692,
    "mean_share": 0.43,
    "median_share": 0.34,
    "rounds_per_second": 1094,
}


class Seller(Protocol):
    """Whoever answers the buyer."""

    def answer(
        self, offer: Mapping[str, Any], round_index: int, deadline: int | None = None
    ) -> tuple[str, Outcome | None]:
        """Return ("accept", None), ("counter", outcome) or ("end", None)."""


class FixedMarkup:
    """The peer's rule in its plain form: asks 5 % above its floor at once, moves only in its last chance."""

    def __init__(self, profile: SellerProfile) -> None:
        self._floor = profile.floor
        self._ask = min(profile.list_price, (profile.floor * Decimal("1.05")).quantize(CENT, ROUND_HALF_UP))

    def answer(
        self, offer: Mapping[str, Any], round_index: int, deadline: int | None = None
    ) -> tuple[str, Outcome | None]:
        """Accept its ask or more, its floor or more in the last round."""
        wanted = self._floor if round_index + 1 == deadline else self._ask
        if offer["unit_price"] >= wanted:
            return "accept", None
        return "counter", {"unit_price": self._ask}


class ListAnchored:
    """Comes down from list to 5 % above its floor in equal steps; takes its floor in its last chance."""

    def __init__(self, profile: SellerProfile) -> None:
        self._profile = profile

    def answer(
        self, offer: Mapping[str, Any], round_index: int, deadline: int | None = None
    ) -> tuple[str, Outcome | None]:
        """Accept this round's ask or more, its floor or more in the last round."""
        profile, rounds = self._profile, deadline or DEADLINE
        end = min(profile.list_price, profile.floor * Decimal("1.05"))
        ask = profile.list_price - (profile.list_price - end) * round_index / max(1, rounds - 1)
        ask = ask.quantize(CENT, ROUND_HALF_UP)
        wanted = profile.floor if round_index + 1 == rounds else ask
        if offer["unit_price"] >= wanted:
            return "accept", None
        return "counter", {"unit_price": ask}


SCRIPTED: dict[str, Callable[[SellerProfile], Seller]] = {
    "fixed markup": FixedMarkup,
    "list anchored": ListAnchored,
}


@dataclass
class Tally:
    """What happened in a set of cases."""

    cases: int = 0
    deals: int = 0
    rounds: int = 0
    seconds: float = 0.0
    savings: list[float] = field(default_factory=list)
    price_savings: list[float] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)
    below_floor: int = 0
    over_budget: int = 0
    below_bid: int = 0
    without_zone: int = 0

    def faults(self) -> int:
        """Count what must never happen."""
        return self.below_floor + self.over_budget + self.below_bid + self.without_zone

    def add(self, other: "Tally") -> None:
        """Take in another set."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    def figures(self) -> dict[str, float]:
        """Return the averages."""
        return {
            "cases": self.cases,
            "agreement": self.deals / max(1, self.cases),
            "mean_savings": _mean(self.savings),
            "median_savings": statistics.median(self.savings or [0.0]),
            "mean_price_savings": _mean(self.price_savings),
            "mean_share": _mean(self.shares),
            "median_share": statistics.median(self.shares or [0.0]),
            "mean_rounds": self.rounds / max(1, self.cases),
            "rounds_per_second": self.rounds / self.seconds if self.seconds else 0.0,
            "below_floor": self.below_floor,
            "over_budget": self.over_budget,
            "below_bid": self.below_bid,
            "without_zone": self.without_zone,
        }


@dataclass(frozen=True)
class Case:
    """One cell of the grid; prices per unit."""

    floor: Decimal
    tier: Decimal
    level: str

    @property
    def budget(self) -> Decimal:
        """What the buyer may spend per unit, to the cent."""
        return (self.floor * Decimal(self.level)).quantize(CENT, ROUND_HALF_UP)

    @property
    def limit(self) -> Decimal:
        """What the buyer would pay at most: it can have the tier price without bargaining."""
        return min(self.budget, self.tier)


def grid() -> list[Case]:
    """Return the 168 cases."""
    cases: list[Case] = []
    for number, vendor in zip(FLOORS, VENDOR_OFFSETS, strict=True):
        for offset in TIER_OFFSETS:
            margin = Decimal(f"{MEAN_MARGIN + vendor + offset:.4f}")
            tier = (Decimal(number) / (1 - margin)).quantize(CENT, ROUND_HALF_UP)
            cases += [Case(Decimal(number), tier, level) for level in BUDGETS]
    return cases


def buyer_for(case: Case, issues: Sequence[AnyIssue], seed: str) -> tuple[Negotiator, AdditiveUtility]:
    """Return the buyer, who is told the budget and the tier price, and its utility.

    The utility is money in shares of the tier price: saved on the price, plus what the other terms are worth.
    """
    listed = float(case.tier)
    names = [issue.name for issue in issues]
    low, high = float(lowest(case, terms=len(names) > 1)), listed
    functions: dict[str, Any] = {name: BUYER_WORTH[name] for name in names if name != "unit_price"}
    functions["unit_price"] = [(low, (listed - low) / listed), (high, 0.0)]
    utility = AdditiveUtility(dict.fromkeys(names, 1.0), functions)
    reservation = (listed - float(case.limit)) / listed
    return Negotiator(issues, utility, reservation, DEADLINE, "buyer", seed=seed, tactics=CAUTIOUS), utility


def lowest(case: Case, *, terms: bool) -> Decimal:
    """Return the lowest price the buyer asks for: lower when it can give other terms for it."""
    return case.tier * (OPENING_WITH_TERMS if terms else OPENING)


def issues_of(case: Case, *, terms: bool) -> list[AnyIssue]:
    """Return the price up to the buyer's limit and, if wanted, the other terms."""
    price = PriceIssue("unit_price", min(lowest(case, terms=terms), case.limit), case.limit)
    if not terms:
        return [price]
    return [price, *(Issue(name, tuple(worths)) for name, worths in BUYER_WORTH.items())]


def play(case: Case, kind: str, seed: int, *, terms: bool) -> Tally:
    """Negotiate one case, the buyer opening, and check what must hold."""
    text = f"{case.floor}:{case.tier}:{case.level}:{kind}:{seed}"
    profile = draw_seller(
        text,
        case.tier,
        floor=case.floor,
        personality=kind if kind in PERSONALITIES else None,
        payment_days=PAYMENT_DAYS,
        extras=EXTRAS,
    )
    started = time.perf_counter()
    issues = issues_of(case, terms=terms)
    buyer, worth = buyer_for(case, issues, text)
    seller: Seller = (
        SCRIPTED[kind](profile) if kind in SCRIPTED else SimulatedSeller(profile, issues, DEADLINE, text)
    )
    deal, counters, rounds = bargain(buyer, seller)
    tally = Tally(cases=1, rounds=rounds, seconds=time.perf_counter() - started)
    value, floor = seller_utility(profile, issues)
    best_bid = -1.0
    for bid, counter in counters:
        best_bid = max(best_bid, value(bid))
        tally.below_bid += int(value(counter) < best_bid - TOLERANCE)
    if deal is not None:
        tally.deals = 1
        tally.below_floor = int(value(deal) < floor - TOLERANCE)
        tally.over_budget = int(deal["unit_price"] > case.budget)
        tally.without_zone = int(not terms and case.limit < case.floor)
        saved = worth(deal)  # of the tier price, other terms counted as money
        tally.savings.append(saved)
        tally.price_savings.append(float((case.tier - deal["unit_price"]) / case.tier))
        mine = saved - (float(case.tier) - float(case.limit)) / float(case.tier)
        theirs = value(deal) - floor
        if case.limit > case.floor and mine + theirs > TOLERANCE:
            tally.shares.append(mine / (mine + theirs))
    return tally


def bargain(
    buyer: Negotiator,
    seller: Seller,
) -> tuple[Outcome | None, list[tuple[Outcome, Outcome]], int]:
    """Alternate offers to a deal, a walk-away or the deadline: (deal, (bid, counter) pairs, rounds)."""
    counter: Outcome | None = None
    counters: list[tuple[Outcome, Outcome]] = []
    for turn in range(DEADLINE):
        if counter is not None and buyer.respond(counter, turn, DEADLINE) == "accept":
            return counter, counters, turn + 1
        bid = buyer.propose(turn, DEADLINE)
        if bid is None:
            return None, counters, turn + 1
        answer, counter = seller.answer(bid, turn, DEADLINE)
        if answer == "accept":
            return bid, counters, turn + 1
        if counter is None:
            return None, counters, turn + 1
        counters.append((bid, counter))
    return None, counters, DEADLINE


def _mean(numbers: Sequence[float]) -> float:
    return statistics.fmean(numbers) if numbers else 0.0


def run(kinds: Sequence[str], seeds: int, *, terms: bool) -> dict[str, dict[str, Tally]]:
    """Play all feasible cases against each kind of seller; tallies by kind, and by budget level."""
    by_kind = {kind: Tally() for kind in kinds}
    by_level = {level: Tally() for level in BUDGETS}
    for case in grid():
        feasible = case.limit >= case.floor
        if terms and not feasible:
            continue  # other terms may open a zone where the price alone has none
        for kind in kinds:
            for seed in range(seeds):
                tally = play(case, kind, seed, terms=terms)
                if not feasible:
                    tally = Tally(without_zone=tally.without_zone)
                by_kind[kind].add(tally)
                by_level[case.level].add(tally)
    return {"seller": by_kind, "budget": by_level}


def total(tallies: Mapping[str, Tally]) -> Tally:
    """Return the sum of several sets."""
    whole = Tally()
    for tally in tallies.values():
        whole.add(tally)
    return whole


def show(title: str, groups: Mapping[str, Mapping[str, Tally]]) -> None:
    """Print one table per grouping."""
    print(f"\n{title}")
    print(
        f"{'':24}{'cases':>6}{'agree':>8}{'savings':>9}{'median':>8}{'price':>8}"
        f"{'share':>7}{'median':>8}{'rounds':>8}{'rounds/s':>10}{'faults':>8}"
    )
    rows = {"all simulated sellers": total({k: t for k, t in groups["seller"].items() if k in PERSONALITIES})}
    rows |= {f"  {name}": tally for name, tally in groups["seller"].items()}
    rows |= {f"  budget {name} x floor": tally for name, tally in groups["budget"].items() if tally.cases}
    for name, tally in rows.items():
        f = tally.figures()
        print(
            f"{name:24}{f['cases']:>6}{f['agreement']:>8.1%}{f['mean_savings']:>9.2%}{f['median_savings']:>8.2%}"
            f"{f['mean_price_savings']:>8.2%}{f['mean_share']:>7.2f}{f['median_share']:>8.2f}"
            f"{f['mean_rounds']:>8.2f}{f['rounds_per_second']:>10,.0f}{tally.faults():>8}"
        )


def main() -> int:
    """Run the grid and print or dump its figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--short", action="store_true", help="one seed instead of five")
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    options = parser.parse_args()
    seeds = 1 if options.short else 5
    price = run([*PERSONALITIES, *SCRIPTED], seeds, terms=False)
    terms = run(list(PERSONALITIES), seeds, terms=True)
    faults = total(price["seller"]).faults() + total(terms["seller"]).faults()
    if options.json:
        plain: dict[str, Any] = {
            mode: {group: {k: t.figures() for k, t in tallies.items()} for group, tallies in groups.items()}
            for mode, groups in (("price", price), ("terms", terms))
        }
        for mode, groups in (("price", price), ("terms", terms)):
            simulated = {name: groups["seller"][name] for name in PERSONALITIES}
            plain[mode]["all"] = total(simulated).figures()
        print(json.dumps({"seeds": seeds, "published": PUBLISHED, "faults": faults, **plain}, indent=2))
        return int(faults > 0)
    feasible = [case for case in grid() if case.limit >= case.floor]
    margin = _mean([float((case.tier - case.floor) / case.tier) for case in feasible])
    print(
        f"{len(feasible)} of {len(grid())} cases have a zone of agreement; {margin:.2%} to gain on average."
    )
    print(f"{seeds} seed(s) per case and seller, deadline {DEADLINE} rounds, buyer opens, floor hidden.")
    print(
        "Savings: money against the tier price, other terms at what they are worth to the buyer; price: the"
    )
    print(
        "unit price alone. Share: the buyer's part of what both gain over no deal; with the price alone that"
    )
    print("is of min(budget, tier) - floor, where it is not zero.")
    show("Price only", price)
    show("Price, term, payment and extras", terms)
    print("\npublished by the reference, not re-measured; its buyer reads the floor:")
    print(", ".join(f"{name.replace('_', ' ')} {value}" for name, value in PUBLISHED.items()))
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
