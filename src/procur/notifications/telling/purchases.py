"""Requests, approvals and talks."""

from typing import Any

from procur.db import Session
from procur.db.models import RequestRecord
from procur.db.repositories import NegotiationRepository, RequestRepository, VendorRepository
from procur.events.event import Event
from procur.notifications.messages import Message
from procur.notifications.readers import Reader, approvers, involved, request_of
from procur.notifications.telling.model import Tell, Told, amount

_ENDS = {"approved": "approved", "rejected": "rejected", "cancelled": "cancelled"}


def approval_asked(session: Session, event: Event) -> Told | None:
    """Tell those who can take the next decision about a request, after a proposal or the step before."""
    facts = event.payload
    if (
        facts.get("outcome", "approval_required") != "approval_required"
        or facts.get("decision") == "rejected"
    ):
        return None
    request = request_of(session, event.aggregate_id)
    people = [] if request is None else approvers(session, request.request_id)
    if request is None or not people:
        return None

    def write(reader: Reader) -> Message:
        return Message(
            f"{request.request_id} waits for your decision",
            (_called(request),),
            (("Total", amount(reader, "negotiation.read", facts.get("total"), facts.get("currency"))),),
            f"procur approve {request.request_id}",
        )

    return Told("approval_needed", people, write)


def request_moved(session: Session, event: Event) -> Told | None:
    """Tell those involved that a request was approved, rejected or cancelled."""
    word = _ENDS.get(event.payload["after"])
    request = request_of(session, event.aggregate_id) if word else None
    if request is None:
        return None
    reason = event.payload.get("reason") or ""

    def write(reader: Reader) -> Message:
        del reader
        return Message(
            f"{request.request_id} was {word}",
            (_called(request),),
            (("Reason", reason),),
            f"procur request show {request.request_id}",
        )

    return Told("request_decided", involved(session, request, "request.read"), write)


def talks_ended(session: Session, event: Event) -> Told | None:
    """Tell those involved how talks with a vendor have ended."""
    found = _talks(session, event)
    if found is None:
        return None
    request, vendor = found
    facts, settled = event.payload, event.type == "NegotiationSettled"

    def write(reader: Reader) -> Message:
        why = "" if settled or not reader.may("negotiation.read") else str(facts["reason"])
        return Message(
            f"{'Terms are agreed' if settled else 'No agreement'} with {vendor} for {request.request_id}",
            (_called(request), "Agreed terms still need an award and its approval." if settled else ""),
            (
                ("Total", amount(reader, "negotiation.read", facts.get("total"), facts.get("currency"))),
                ("Reason", why),
            ),
            f"procur compare {request.request_id}" if settled else None,
        )

    return Told("negotiation_ended", involved(session, request, "request.read"), write)


def offer_sent(session: Session, event: Event) -> Told | None:
    """Tell those who negotiate that our offer waits for the vendor."""
    found = _talks(session, event)
    if found is None:
        return None
    request, vendor = found

    def write(reader: Reader) -> Message:
        del reader
        return Message(
            f"Our offer to {vendor} waits for an answer",
            (_called(request), f"Round {event.payload['round']} of {event.aggregate_id}."),
            command=f"procur negotiation answer {event.aggregate_id} accept|counter|end",
        )

    return Told("vendor_answer_awaited", involved(session, request, "negotiation.run"), write)


def _talks(session: Session, event: Event) -> tuple[RequestRecord, str] | None:
    talks: Any = NegotiationRepository(session).get_by_key(event.aggregate_id)
    request = None if talks is None else RequestRepository(session).get_by_id(talks.request_id)
    if request is None:
        return None
    vendor = VendorRepository(session).get_by_id(talks.vendor_id, include_deleted=True)
    return request, "a vendor" if vendor is None else vendor.name


def _called(request: RequestRecord) -> str:
    """Return what is asked for, never in the request's own words: they hold the budget."""
    return f"{request.quantity} × {request.category}" if request.category else ""


TELL: dict[str, Tell] = {
    "AwardProposed": approval_asked,
    "ApprovalDecided": approval_asked,
    "RequestMoved": request_moved,
    "NegotiationSettled": talks_ended,
    "NegotiationFailed": talks_ended,
    "OfferSent": offer_sent,
}
