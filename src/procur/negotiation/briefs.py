"""What each side of a session is told, kept as plain values so that a resume or replay tells it again.

The buyer's brief and the simulated vendor's profile live in different columns and are built by functions
that never see each other's input.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal
from typing import Any

from procur.core.deal import PAYMENT_DAYS, Mandate, Terms
from procur.core.errors import DecisionNeeded
from procur.core.money import minor_units
from procur.db.models import NegotiationSessionRecord, RequestRecord
from procur.negotiation.agents import (
    ENGINE_VERSION,
    Answer,
    Brief,
    Counterpart,
    Exchange,
    outcome_of,
    terms_of,
)
from procur.negotiation.engine import AdditiveUtility, AnyIssue, Issue, PriceIssue
from procur.negotiation.preferences import BEST_OF_LIST, TARGET_SHARE, Preferences, buyer_preferences
from procur.negotiation.simulator import SellerProfile, SimulatedSeller, draw_seller
from procur.vendors.matching import Match

# How much a vendor's fit counts in the utility by which offers of different vendors compete.
FIT_SHARE = 0.2
# What each extra is worth to the buyer a year, as a share of the year's cost at the target price, where
# nobody has stated it. Assumptions, shown as such.
EXTRAS_WORTH = {
    "onboarding": Decimal("0.015"),
    "price_hold": Decimal("0.010"),
    "priority_support": Decimal("0.015"),
}
STANDARD_PAYMENT = "NET30"


@dataclass(frozen=True, slots=True)
class Economics:
    """The buyer's own figures for the time value of money; the organisation's settings may replace them."""

    cost_of_capital: Decimal = Decimal("0.10")
    drop_probability: Decimal = Decimal("0.10")
    uplift: Decimal = Decimal("0.05")
    # List prices are per month and published prepay factors count from monthly billing, so this is the basis
    # on which prepayment and payment days are valued unless the organisation pays otherwise.
    billing: str = "monthly"

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> "Economics":
        """Return the figures from an organisation's settings, the defaults where it has none."""
        told = settings.get("economics", {})
        default = cls()
        return cls(
            cost_of_capital=Decimal(told.get("cost_of_capital", default.cost_of_capital)),
            drop_probability=Decimal(told.get("drop_probability", default.drop_probability)),
            uplift=Decimal(told.get("uplift", default.uplift)),
            billing=told.get("billing", default.billing),
        )


def quantity_tiers(mandate: Mandate) -> tuple[int, ...]:
    """Return the quantities on the table: what is needed, and up to two larger tiers inside the mandate."""
    needed, most = mandate.min_quantity, mandate.max_quantity
    return tuple(sorted({needed, (needed + most) // 2, most}))


def buyer_states(
    request: RequestRecord, mandate: Mandate, matches: Sequence[Match], economics: Economics, *, seed: int
) -> list[dict[str, Any]]:
    """Return the buyer's private state for each session: figures, fit, and what can be had without talks.

    Every vendor's published price that lies inside the mandate is an alternative to every deal. A price that
    was only read from a page is neither that nor what the opening goes by, until a person confirms it: it may
    be misread, and would spoil the talks with everybody else.
    """
    if mandate.currency != request.currency:
        raise DecisionNeeded("the mandate is in another currency than the request", field="currency")
    trusted = [match for match in matches if match.vendor.prices_from is None]
    prices = [match.unit_price for match in trusted if match.unit_price]
    wished = [name for name in request.specs.get("payment_terms", ()) if name in mandate.payment_terms]
    inputs = {
        "quantity": request.quantity,
        "terms_months": list(mandate.terms_months),
        "payment_terms": list(mandate.payment_terms),
        "price_ceiling": str(mandate.max_unit_price),
        "currency": mandate.currency,
        "list_prices": [str(price) for price in prices],
        "preferred_payment": wished[0] if wished else None,
        "best_price": str(_best_price(prices, mandate, seed)),
        "quantity_tiers": list(quantity_tiers(mandate)),
        "cost_of_capital": str(economics.cost_of_capital),
        "drop_probability": str(economics.drop_probability),
        "uplift": str(economics.uplift),
        "billing": economics.billing,
    }
    alternatives = [
        {"vendor_id": match.vendor.vendor_id, "fit": str(match.score), "terms": terms.as_dict()}
        for match in trusted
        for terms in _published(match, mandate)
        if not mandate.breaches(terms)
    ]
    return [
        {
            "engine": ENGINE_VERSION,
            "inputs": inputs,
            "fit": str(match.score),
            "alternatives": alternatives,
            "unknown": {found.key: found.label for found in match.requirements if found.status == "unknown"},
            "prepay_factor": None if match.plan.prepay_factor is None else str(match.plan.prepay_factor),
        }
        for match in matches
    ]


def _best_price(prices: Sequence[Decimal], mandate: Mandate, seed: int) -> Decimal:
    """Return the price to open with, from which nobody can compute the buyer's limits.

    It hangs on published prices alone. Where none is published, or they lie far above the limit, chance blurs
    its distance from the limit.
    """
    step = Decimal(1).scaleb(-minor_units(mandate.currency))
    chance = Decimal(repr(random.Random(f"opening:{seed}").uniform(0.45, 0.65)))  # noqa: S311 - not a secret
    public = min(prices) * BEST_OF_LIST if prices else None
    highest = mandate.max_unit_price * Decimal("0.9")
    best = public if public is not None and public < highest else mandate.max_unit_price * chance
    return max(best.quantize(step, rounding=ROUND_DOWN), step)


def _published(match: Match, mandate: Mandate) -> list[Terms]:
    """Return what the vendor sells at its published prices without any talks."""
    if match.unit_price is None:
        return []
    months = min(mandate.terms_months)
    listed = Terms(match.unit_price, mandate.min_quantity, months, STANDARD_PAYMENT, mandate.currency)
    found = [listed]
    if match.plan.prepay_factor and months:
        step = Decimal(1).scaleb(-minor_units(mandate.currency))
        price = (match.unit_price * match.plan.prepay_factor).quantize(step)
        found.append(replace(listed, unit_price=price, payment_terms="PREPAID"))
    return found


def preferences_of(state: Mapping[str, Any]) -> Preferences:
    """Return the buyer's preferences from the figures in its state."""
    inputs = state["inputs"]
    target = Decimal(inputs["price_ceiling"]) * TARGET_SHARE
    periods = 1 if 0 in inputs["terms_months"] else 12
    yearly = target * inputs["quantity"] * periods
    return buyer_preferences(
        quantity=inputs["quantity"],
        terms_months=inputs["terms_months"],
        payment_terms=inputs["payment_terms"],
        price_ceiling=Decimal(inputs["price_ceiling"]),
        currency=inputs["currency"],
        best_price=Decimal(inputs["best_price"]),
        preferred_payment=inputs["preferred_payment"],
        quantity_tiers=inputs["quantity_tiers"],
        value_adds={name: share * yearly for name, share in EXTRAS_WORTH.items()} if periods > 1 else {},
        cost_of_capital=Decimal(inputs["cost_of_capital"]),
        drop_probability=Decimal(inputs["drop_probability"]),
        uplift=Decimal(inputs["uplift"]),
        billing=inputs["billing"],
    )


def brief_of(row: NegotiationSessionRecord, mandate: Mandate) -> Brief:
    """Return the buyer's brief of a stored session. It reads the buyer's columns only.

    What is on the table was settled when the talks began; a later mandate bounds it, and never widens it.
    """
    state = row.buyer_state
    preferences = preferences_of(state)
    utility = _with_fit(preferences.as_utility(), float(state["fit"]))
    issues = preferences.issues(row.list_unit_price)
    return Brief(
        issues=issues,
        utility=utility,
        mandate=mandate,
        reservation=_reservation(preferences, utility, issues, state),
        rounds=row.max_rounds,
        seed=row.seed or 0,
        currency=mandate.currency,
    )


def _with_fit(utility: AdditiveUtility, fit: float) -> AdditiveUtility:
    """Return the utility with the vendor's fit as a constant part, so that offers of all vendors compare."""
    functions: dict[str, Any] = dict(utility.values)
    functions |= {name: list(zip(line.xs, line.ys, strict=True)) for name, line in utility.lines.items()}
    weights = {name: weight * (1 - FIT_SHARE) for name, weight in utility.weights.items()}
    return AdditiveUtility(weights, functions, base=FIT_SHARE * fit)


def _reservation(
    preferences: Preferences,
    utility: AdditiveUtility,
    issues: Sequence[AnyIssue],
    state: Mapping[str, Any],
) -> float:
    """Return the utility of no deal: the highest price on standard terms, or a better published price."""
    high = next(issue.high for issue in issues if isinstance(issue, PriceIssue))
    inputs = state["inputs"]
    allowed, months = inputs["payment_terms"], min(inputs["terms_months"])
    payment = STANDARD_PAYMENT if STANDARD_PAYMENT in allowed else allowed[0]
    limit = Terms(high, min(inputs["quantity_tiers"]), months, payment, inputs["currency"])
    found = [utility(outcome_of(limit))]
    plain = preferences.as_utility()
    for alternative in state["alternatives"]:
        told = alternative["terms"]
        terms = Terms(
            Decimal(told["unit_price"]),
            told["quantity"],
            told["term_months"],
            told["payment_terms"],
            told["currency"],
            tuple(told["value_adds"]),
        )
        if terms.payment_terms in allowed:
            found.append(_with_fit(plain, float(alternative["fit"]))(outcome_of(terms)))
    return max(found)


def seller_state(mandate: Mandate, match: Match, *, seed: int, rivals: int) -> dict[str, Any]:
    """Return the private side of a simulated vendor: what it is drawn from, all of it public but the seed.

    The buyer's limits do not go in: only what is on the table (terms, payment terms, quantities, extras).
    """
    return {
        "seed": f"{seed}:{match.vendor.vendor_id}",
        "list_price": str(match.unit_price),
        "band": "new with alternatives" if rivals else "new without alternatives",
        "terms_months": list(mandate.terms_months),
        "payment_terms": _standard_first(mandate.payment_terms),
        "quantities": list(quantity_tiers(mandate)),
        "extras": sorted(EXTRAS_WORTH) if 0 not in mandate.terms_months else [],
        "currency": mandate.currency,
    }


def _standard_first(payment_terms: Sequence[str]) -> list[str]:
    return sorted(payment_terms, key=lambda name: (name != STANDARD_PAYMENT, payment_terms.index(name)))


class SimulatedVendor:
    """A counterpart played by the simulator, built anew from its own state and the offers so far."""

    def __init__(self, state: Mapping[str, Any], *, rounds: int, currency: str) -> None:
        self._profile = profile_of(state)
        self._issues = _agenda(state)
        self._rounds, self._currency, self._seed = rounds, currency, state["seed"]

    def answer(self, history: Sequence[Exchange], offer: Terms, round_number: int) -> Answer | None:
        """Answer as the simulated seller does; it sees offers, never the buyer's preferences."""
        seller = SimulatedSeller(self._profile, self._issues, self._rounds, seed=self._seed)
        for past in history:
            seller.replay(
                [
                    ("received", outcome_of(past.buyer), past.round - 1),
                    ("proposed", outcome_of(past.vendor), past.round - 1),
                ]
            )
        kind, counter = seller.answer(outcome_of(offer), round_number - 1)
        if kind == "counter" and counter is not None:
            return Answer("counter", terms_of(counter, self._currency))
        return Answer("accept") if kind == "accept" else Answer("end", message="the vendor ended the talks")


def profile_of(state: Mapping[str, Any]) -> SellerProfile:
    """Return the simulated seller that a state draws."""
    extras = state["extras"]
    return draw_seller(
        state["seed"],
        Decimal(state["list_price"]),
        category=state["band"],
        terms_months=state["terms_months"],
        payment_days={name: PAYMENT_DAYS[name] for name in state["payment_terms"]},
        quantities=state["quantities"],
        extras=_sets(extras),
    )


def _sets(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Return every set of extras, the empty one first, each in alphabetical order."""
    found: list[tuple[str, ...]] = [()]
    for name in sorted(names):
        found += [(*each, name) for each in found]
    return found


def _agenda(state: Mapping[str, Any]) -> list[AnyIssue]:
    listed = Decimal(state["list_price"])
    step = Decimal(1).scaleb(-minor_units(state["currency"]))
    return [
        PriceIssue("unit_price", step, listed, step),
        Issue("term_months", tuple(state["terms_months"])),
        Issue("payment_terms", tuple(state["payment_terms"])),
        Issue("quantity", tuple(state["quantities"])),
        Issue("value_adds", tuple(_sets(state["extras"]))),
    ]


def simulated_vendor(row: NegotiationSessionRecord) -> Counterpart:
    """Return the simulated counterpart of a stored session. It reads the seller's columns only."""
    inputs = row.seller_state
    return SimulatedVendor(inputs, rounds=row.max_rounds, currency=inputs["currency"])
