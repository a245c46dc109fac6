"""How far the agent may go for a request: derived from what a person asked for, or set by a person."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

from procur.audit.trail import record
from procur.core.actor import Actor
from procur.core.deal import PAYMENT_TERMS, Mandate
from procur.core.errors import DecisionNeeded, InvalidInput, OutsideMandate
from procur.core.finance import MONTHS_PER_YEAR
from procur.core.money import minor_units, show
from procur.db import Session
from procur.db.models import MandateRecord, OfferRecord, RequestRecord
from procur.db.repositories import MandateRepository, RequestRepository
from procur.events.facts import MandateWritten
from procur.sourcing.budgets import budget_over, is_recurring

YEARLY_TERMS = (12, 24, 36)
# Deposits and milestone plans need a person; everything else a buyer's agent may agree to by default.
DEFAULT_PAYMENT_TERMS = ("NET15", "NET30", "NET45", "NET60", "NET90", "PREPAID")
SPARE_SHARE = Decimal("0.2")
VALID_DAYS = 90
LONGEST = 120


def mandate_from_request(request: RequestRecord) -> Mandate:
    """Return the mandate that the request itself gives: its budget, quantity and wishes, nothing more.

    A yearly budget bounds each year, and the longest term bounds the whole commitment; the highest unit price
    is the one that spends the budget on the quantity asked for. Up to a fifth more units may be taken where a
    larger tier is cheaper, inside the same yearly limit.
    """
    if request.budget_max is None:
        raise DecisionNeeded(
            f"{request.request_id} has no budget, so the agent has no mandate",
            field="budget",
            hint="state a budget in the request",
        )
    recurring = is_recurring(request)
    wished = request.specs.get("term_months")
    months = (int(wished),) if wished and request.specs.get("term_strength") == "must" else YEARLY_TERMS
    months = months if recurring else (0,)
    step = Decimal(1).scaleb(-minor_units(request.currency))
    highest = request.budget_max / (MONTHS_PER_YEAR if recurring else 1) / request.quantity
    spare = 0 if request.specs.get("quantity_exact") else int(request.quantity * SPARE_SHARE)
    return Mandate(
        max_total=max(budget_over(request, term) or Decimal(0) for term in months),
        max_yearly=request.budget_max if recurring else None,
        max_unit_price=highest.quantize(step, rounding=ROUND_DOWN),
        min_quantity=request.quantity,
        max_quantity=request.quantity + spare,
        terms_months=months,
        payment_terms=_payment_terms(request),
        currency=request.currency,
    )


def _payment_terms(request: RequestRecord) -> tuple[str, ...]:
    """Return what the request allows: what it requires, or everything usual, and never what it refuses."""
    wanted = request.specs.get("payment_required") or DEFAULT_PAYMENT_TERMS
    refused = request.specs.get("payment_refused", ())
    allowed = tuple(name for name in wanted if name not in refused)
    if not allowed:
        raise DecisionNeeded(
            f"{request.request_id} refuses every payment term that it requires",
            field="payment_terms",
            hint=f"procur mandate set {request.request_id} --payment NET30",
        )
    return allowed


def write_mandate(
    session: Session,
    actor: Actor,
    request: RequestRecord,
    mandate: Mandate,
    *,
    now: datetime,
    source: str = "person",
    reason: str | None = None,
) -> MandateRecord:
    """Store a mandate as the request's next version. Agents have no permission for this."""
    actor.require("mandate.write")
    if actor.kind != "user":
        raise InvalidInput("a mandate is written by a person", field="actor")
    _check(mandate)
    # Whoever awards or signs right now ends before this, or sees this mandate.
    RequestRepository(session).locked(request.id)
    row = MandateRepository(session).create(
        request_id=request.id,
        max_total=mandate.max_total,
        max_yearly=mandate.max_yearly,
        max_unit_price=mandate.max_unit_price,
        min_quantity=mandate.min_quantity,
        max_quantity=mandate.max_quantity,
        terms_months=list(mandate.terms_months),
        payment_terms=list(mandate.payment_terms),
        currency=mandate.currency,
        expires_at=now + timedelta(days=VALID_DAYS),
        source=source,
        created_by=actor.user_id,
        reason=reason,
    )
    limits = f"total {show(mandate.max_total, mandate.currency)}"
    if mandate.max_yearly is not None:
        limits += f", a year {show(mandate.max_yearly, mandate.currency)}"
    record(
        session,
        actor,
        MandateWritten(
            request_id=request.request_id,
            version=row.version,
            max_total=mandate.max_total,
            max_yearly=mandate.max_yearly,
            max_unit_price=mandate.max_unit_price,
            source=source,
        ),
        now=now,
        description=f"Mandate {row.version} for {request.request_id}: at most {limits}",
        category="compliance",
    )
    return row


def _check(mandate: Mandate) -> None:
    if mandate.max_unit_price <= 0 or mandate.max_total <= 0:
        raise InvalidInput("a mandate needs limits above zero", field="max_total")
    if mandate.min_quantity < 1 or mandate.max_quantity < mandate.min_quantity:
        raise InvalidInput("quantities run from a smaller to a larger number, from 1", field="max_quantity")
    if not mandate.terms_months or not mandate.payment_terms:
        raise InvalidInput("a mandate allows at least one term and one payment term", field="terms_months")
    if mandate.terms_months != (0,) and any(not 1 <= months <= LONGEST for months in mandate.terms_months):
        raise InvalidInput(
            f"terms are 1 to {LONGEST} months, or 0 alone for a one-off purchase", field="terms_months"
        )
    if strange := [name for name in mandate.payment_terms if name not in PAYMENT_TERMS]:
        raise InvalidInput(f"{strange[0]} is not a payment term", field="payment_terms")


def mandate_in_force(session: Session, request: RequestRecord) -> MandateRecord:
    """Return the request's newest mandate; without one nobody may negotiate or award."""
    found = MandateRepository(session).latest_for(request.id)
    if found is None:
        raise DecisionNeeded(
            f"{request.request_id} has no mandate: nobody has said how far the agent may go",
            field="mandate",
            hint=f"procur mandate set {request.request_id}",
        )
    return found


def hold_to_mandate(offer: OfferRecord, row: MandateRecord, *, now: datetime) -> None:
    """Raise OutsideMandate unless the stored offer lies inside the mandate, recomputed from its terms."""
    if row.expires_at is not None and now > row.expires_at:
        raise OutsideMandate(
            f"mandate {row.version} ended on {row.expires_at.date()}",
            field="expires_at",
            hint="write a new one: procur mandate set",
        )
    if breaches := row.limits.breaches(offer.terms):
        raise OutsideMandate(
            f"offer {offer.offer_id} is outside mandate {row.version}: {'; '.join(breaches)}",
            field="offer",
            details={"breaches": list(breaches)},
        )


def changed(mandate: Mandate, **limits: Decimal | int | Sequence[int] | Sequence[str] | None) -> Mandate:
    """Return the mandate with the given limits instead; None leaves a limit as it is.

    A yearly limit alone moves the total and the unit price along with it, as a request's budget does.
    """
    given: dict[str, Any] = {name: value for name, value in limits.items() if value is not None}
    yearly = given.get("max_yearly")
    if yearly is not None and mandate.max_yearly is not None:
        months = max(given.get("terms_months", mandate.terms_months))
        units = given.get("min_quantity", mandate.min_quantity)
        step = Decimal(1).scaleb(-minor_units(mandate.currency))
        given.setdefault("max_total", yearly * months / 12)
        given.setdefault("max_unit_price", (yearly / 12 / units).quantize(step, rounding=ROUND_DOWN))
    return replace(mandate, **given)
