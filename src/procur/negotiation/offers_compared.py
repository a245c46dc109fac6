"""Put the final offers of a request on one basis, from stored rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from procur.core.errors import DecisionNeeded
from procur.core.finance import MONTHS_PER_YEAR
from procur.db import Session
from procur.db.models import NegotiationSessionRecord, OfferRecord, RequestRecord, VendorEvidence
from procur.db.repositories import MandateRepository, NegotiationRepository, OfferRepository, VendorRepository
from procur.negotiation.briefs import EXTRAS_WORTH, Economics, preferences_of
from procur.negotiation.comparison import Basis, Candidate, Comparison, Evidence, compare
from procur.vendors.catalogue import ACCEPTED_EVIDENCE


@dataclass(frozen=True, slots=True)
class OpenOffer:
    """A vendor's final offer: agreed with the agent, or its last one that is still open."""

    offer: OfferRecord
    talks: NegotiationSessionRecord
    agreed: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """The comparison and, for each candidate's key, the stored offer behind it."""

    comparison: Comparison
    offers: dict[str, OpenOffer]


def open_offers(session: Session, request: RequestRecord, *, now: datetime) -> list[OpenOffer]:
    """Return each vendor's final offer that can still be taken, in the order of the sessions."""
    talks = NegotiationRepository(session).for_request(request.id)
    finals = OfferRepository(session).get_many(row.final_offer_id for row in talks if row.final_offer_id)
    found = []
    for row in talks:
        offer = finals.get(row.final_offer_id) if row.final_offer_id else None
        if offer is not None and (offer.valid_until is None or offer.valid_until >= now):
            found.append(OpenOffer(offer, row, row.outcome == "accepted"))
    return found


def compare_offers(
    session: Session,
    request: RequestRecord,
    economics: Economics,
    *,
    now: datetime,
    horizon_months: int | None = None,
) -> Compared:
    """Compare the final offers over one horizon (the mandate's longest term unless told otherwise)."""
    offers = open_offers(session, request, now=now)
    if not offers:
        raise DecisionNeeded(
            f"{request.request_id} has no offer to compare",
            field="request_id",
            hint=f"procur negotiate {request.request_id}",
        )
    row = MandateRepository(session).latest_for(request.id)
    if row is None:
        raise DecisionNeeded(f"{request.request_id} has no mandate", field="mandate")
    mandate = row.limits
    basis = Basis(
        horizon_months=max(mandate.terms_months) if horizon_months is None else horizon_months,
        units=request.quantity,
        currency=request.currency,
        cost_of_capital=economics.cost_of_capital,
        uplift=economics.uplift,
        billing=economics.billing,
        required_frameworks=tuple(request.compliance_requirements),
    )
    vendors = VendorRepository(session).get_many(each.talks.vendor_id for each in offers)
    evidence = VendorRepository(session).evidence_for(vendors)
    candidates = []
    for each in offers:
        vendor = vendors[each.talks.vendor_id]
        state = each.talks.buyer_state
        breaches = mandate.breaches(each.offer.terms)
        captured = vendor.vendor_metadata.get("captured_on")
        held = _evidence(evidence[vendor.id], request, now.date())
        candidates.append(
            Candidate(
                vendor_id=vendor.vendor_id,
                name=vendor.name,
                plan=each.talks.plan or "",
                terms=each.offer.terms,
                fit=Decimal(state["fit"]),
                fit_words=f"fit {Decimal(state['fit']):.2f} of 1 from matching",
                evidence=held,
                unknown_requirements=still_unknown(state, held),
                data_age_days=None if captured is None else (now.date() - date.fromisoformat(captured)).days,
                list_unit_price=each.talks.list_unit_price,
                value_adds=_extras(state, basis),
                blocked=tuple(f"outside the mandate: {breach}" for breach in breaches),
            )
        )
    keys = [candidate.key for candidate in candidates]
    return Compared(compare(candidates, basis), dict(zip(keys, offers, strict=True)))


def _evidence(rows: Sequence[VendorEvidence], request: RequestRecord, today: date) -> tuple[Evidence, ...]:
    """Return what is still valid today of the frameworks that the request asks for."""
    asked = {*request.compliance_requirements, *request.specs.get("compliance_preferred", ())}
    return tuple(
        Evidence(row.framework, row.kind)
        for row in rows
        if row.framework in asked and (row.valid_until is None or row.valid_until >= today)
    )


def still_unknown(state: Mapping[str, Any], held: Sequence[Evidence]) -> tuple[str, ...]:
    """Return what was unknown when the talks began and has not been proven since."""
    proven = {each.framework for each in held if each.kind in ACCEPTED_EVIDENCE}
    return tuple(label for key, label in state["unknown"].items() if key not in proven)


def _extras(state: dict[str, object], basis: Basis) -> dict[str, Decimal]:
    """Return what each extra is worth a year: the same assumption as in the negotiation."""
    preferences = preferences_of(state)
    per_unit = {name: preferences.value_adds.get((name,), Decimal(0)) for name in EXTRAS_WORTH}
    return {name: worth * basis.units * MONTHS_PER_YEAR for name, worth in per_unit.items()}
