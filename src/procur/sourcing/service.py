"""Open a request, move it through its life, and match it to vendors."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from procur.audit.trail import record
from procur.core.actor import Actor
from procur.core.errors import Conflict, DecisionNeeded, InvalidInput
from procur.core.finance import MONTHS_PER_YEAR
from procur.core.money import show
from procur.db import Session
from procur.db.models import RequestRecord
from procur.db.repositories import NumberRepository, RequestRepository
from procur.events.facts import RequestMoved, RequestOpened, VendorsShortlisted
from procur.sourcing.budgets import is_recurring, yearly_share
from procur.sourcing.intake import Intake
from procur.vendors.matching import Matching, Need, match
from procur.vendors.service import vendor_cards
from procur.vendors.vocabulary import Vocabulary

ONE_TIME = "one_time"
# What a request can become next. A rejected one can be negotiated again; contracted and cancelled are final.
NEXT = {
    "draft": {"pending", "cancelled"},
    "pending": {"sourcing", "cancelled"},
    "sourcing": {"sourcing", "negotiating", "cancelled"},
    "negotiating": {"awaiting_approval", "approved", "cancelled"},
    "awaiting_approval": {"approved", "rejected", "negotiating", "cancelled"},
    "approved": {"contracted", "cancelled"},
    "rejected": {"negotiating", "cancelled"},
    "contracted": set(),
    "cancelled": set(),
}


def open_request(session: Session, actor: Actor, intake: Intake, *, now: datetime) -> RequestRecord:
    """Store a complete request; what is missing or contradictory is asked for, and nothing is written."""
    actor.require("request.write")
    demand_complete(intake)
    cadence = _cadence(intake)
    least, most, total = _limits(intake, recurring=cadence != ONE_TIME)
    row = RequestRepository(session).create(
        request_id=NumberRepository(session).next("REQ", now.year),
        user_id=actor.user_id,
        title=_title(intake.text[: intake.parts[0].end]),
        description=intake.text,
        request_type=_value(intake.request_type),
        category=_value(intake.category),
        quantity=_value(intake.quantity),
        budget_min=least,
        budget_max=most,
        currency=_value(intake.currency),
        billing_cadence=cadence,
        must_haves=[found.value for found in intake.must_haves],
        nice_to_haves=[found.value for found in intake.nice_to_haves],
        compliance_requirements=[found.value for found in intake.compliance_required],
        needed_by=_value(intake.needed_by),
        department=_value(intake.department),
        cost_center=_value(intake.cost_center),
        status="pending",
        specs={
            "intake": intake.as_dict(),
            "unit": _value(intake.unit),
            "also_wanted": [found.value for found in intake.also_wanted],
            "compliance_preferred": [found.value for found in intake.compliance_preferred],
            "term_months": _value(intake.term_months),
            "term_strength": None if intake.term_months is None else intake.term_months.strength,
            # Asked of every vendor as written, and unconfirmed until somebody says otherwise.
            "not_understood": [words for span in intake.unread if (words := span.words.strip(" ,.;:-"))],
            "total_limit": None if total is None else str(total),
            "quantity_exact": intake.quantity is not None and "exactly" in intake.quantity.words.lower(),
            "payment_terms": [found.value for found in intake.payment_terms],
            "payment_required": [found.value for found in intake.payment_terms if found.strength == "must"],
            "payment_refused": [found.value for found in intake.payment_refused],
        },
    )
    budget = "no budget" if row.budget_max is None else f"at most {show(row.budget_max, row.currency)}"
    record(
        session,
        actor,
        RequestOpened(
            request_id=row.request_id,
            category=row.category or "",
            quantity=row.quantity,
            budget_max=row.budget_max,
            currency=row.currency,
        ),
        now=now,
        description=f"{row.request_id} opened: {row.quantity} × {row.category}, {budget}",
    )
    return row


def demand_complete(intake: Intake) -> None:
    """Raise DecisionNeeded with every open question and contradiction of a request."""
    if intake.is_complete:
        return
    open_fields = [one.field for one in intake.questions] + [one.field for one in intake.contradictions]
    raise DecisionNeeded(
        "the request leaves something open; nothing was stored",
        field=open_fields[0],
        hint="say it in the request, or answer with --answer field=…, for example "
        + ", ".join(f"--answer {name}=…" for name in open_fields[:3]),
        details={
            "question": [
                f"{one.field}: {one.text} {one.why}"
                + (f" (for example: {', '.join(one.choices[:8])})" if one.choices else "")
                for one in intake.questions
            ],
            "contradiction": [f"{one.field}: {one.text}" for one in intake.contradictions],
        },
    )


def move_request(
    session: Session,
    actor: Actor,
    request: RequestRecord,
    status: str,
    *,
    now: datetime,
    reason: str | None = None,
    **changes: Any,
) -> None:
    """Move a request to its next status; a step that its life does not allow is a Conflict.

    The request is locked and read again first: if it is not where the caller saw it, somebody was faster.
    """
    requests = RequestRepository(session)
    before = request.status
    request = requests.locked(request.id)
    if request.status != before:
        raise Conflict(
            f"{request.request_id} was {before} a moment ago and is {request.status} by now",
            field="status",
            hint=f"procur request show {request.request_id}",
        )
    if status not in NEXT[before]:
        raise Conflict(
            f"{request.request_id} is {before} and cannot become {status}",
            field="status",
            hint=f"from {before} it can become: {', '.join(sorted(NEXT[before])) or 'nothing else'}",
        )
    requests.move(request.id, to=status, expected=before, **changes)
    if before != status:
        record(
            session,
            actor,
            RequestMoved(request_id=request.request_id, before=before, after=status, reason=reason),
            now=now,
            description=f"{request.request_id}: {before} → {status}" + (f" ({reason})" if reason else ""),
            changes={"status": {"before": before, "after": status}},
        )


def shortlist(
    session: Session,
    actor: Actor,
    request: RequestRecord,
    vocabulary: Vocabulary,
    *,
    now: datetime,
    limit: int = 5,
    exchange_rates: dict[str, Decimal] | None = None,
) -> Matching:
    """Match the request to every vendor of the organisation, move it to sourcing and record the shortlist."""
    actor.require("request.write")
    request = RequestRepository(session).locked(request.id)
    if exchange_rates:
        told = {currency: str(rate) for currency, rate in exchange_rates.items()}
        RequestRepository(session).update(request.id, specs={**request.specs, "exchange_rates": told})
    matching = matches_of(session, request, vocabulary, today=now.date(), limit=limit)
    if request.status not in {"pending", "sourcing"}:
        # Talks are going on or over: looking again changes nothing.
        return matching
    move_request(session, actor, request, "sourcing", now=now)
    record(
        session,
        actor,
        VendorsShortlisted(
            request_id=request.request_id,
            shortlist=tuple(found.vendor.vendor_id for found in matching.shortlist),
            # Codes, not words: the words hold the budget, and facts are told outside the house.
            left_out={one.vendor_id: one.code for one in matching.left_out},
        ),
        now=now,
        description=f"{len(matching.shortlist)} vendors shortlisted for {request.request_id}, "
        f"{len(matching.left_out)} left out",
    )
    return matching


def matches_of(
    session: Session,
    request: RequestRecord,
    vocabulary: Vocabulary,
    *,
    today: date,
    limit: int = 5,
) -> Matching:
    """Match the request to every vendor of the organisation; nothing is written."""
    return match(need_of(request, today=today), vendor_cards(session), vocabulary, limit=limit)


def need_of(request: RequestRecord, *, today: date) -> Need:
    """Return what a stored request asks of vendors."""
    recurring = is_recurring(request)
    return Need(
        category=request.category,
        quantity=request.quantity,
        currency=request.currency,
        today=today,
        related_categories=tuple(request.specs.get("also_wanted", ())),
        budget_yearly=request.budget_max if recurring else None,
        budget_total=None if recurring else request.budget_max,
        must_haves=tuple(request.must_haves),
        nice_to_haves=(*request.nice_to_haves, *request.specs.get("not_understood", ())),
        required_frameworks=tuple(request.compliance_requirements),
        preferred_frameworks=tuple(request.specs.get("compliance_preferred", ())),
        request_type=request.request_type,
        unit=unit_counted(request),
        exchange_rates={
            currency: Decimal(rate) for currency, rate in request.specs.get("exchange_rates", {}).items()
        },
    )


def unit_counted(request: RequestRecord) -> str:
    """Return what the quantity counts, in the catalogue's words: users, hours, days or pieces."""
    if request.request_type == "saas":
        return "user"
    return {"hours": "hour", "hour": "hour", "days": "day", "day": "day"}.get(
        request.specs.get("unit") or "", "piece"
    )


def _cadence(intake: Intake) -> str:
    """Return how often is paid: by time for software and for what has a yearly budget or a term."""
    stated = _value(intake.billing_cadence)
    if stated is not None:
        return str(stated)
    recurs = intake.budget_yearly is not None or intake.term_months is not None
    return "annual" if recurs or _value(intake.request_type) == "saas" else ONE_TIME


def _limits(intake: Intake, *, recurring: bool) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
    """Return the least and the most (a year if recurring), and the limit in total of a recurring purchase."""
    yearly, total = _value(intake.budget_yearly), _value(intake.budget_total)
    limit = (yearly or total) if recurring else total
    if limit is None:
        return None, None, None
    if limit.maximum <= 0:
        raise InvalidInput(
            "the budget must be above zero", field="budget", hint="say what it may cost at most"
        )
    if not recurring:
        return limit.minimum, limit.maximum, None
    if yearly is not None:
        return yearly.minimum, yearly.maximum, None if total is None else total.maximum
    months = _value(intake.term_months) or MONTHS_PER_YEAR
    return None, yearly_share(total.maximum, months, total.currency), total.maximum


def _value(found: Any) -> Any:
    return None if found is None else found.value


def _title(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else line[:79].rsplit(" ", 1)[0] + "…"  # noqa: PLR2004 - one line of a list
