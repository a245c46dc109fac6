"""Says in time which proofs of vendors' compliance run out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from procur.audit.trail import record
from procur.core.actor import Actor
from procur.core.thresholds import within
from procur.db import Session
from procur.db.models import VendorEvidence
from procur.db.repositories import OrganizationRepository, ReminderRepository, VendorRepository
from procur.db.repositories.reminders import Dated
from procur.events.facts import EvidenceExpiring
from procur.identity.zones import today_of
from procur.vendors.catalogue import ACCEPTED_EVIDENCE

_PAGE = 500
_MISSED = timedelta(days=30)  # what ran out so long ago, while nobody looked, is still told of
_SAID_BY = ("vendor_id", "framework", "kind", "source", "valid_until", "within_days")


@dataclass(frozen=True, slots=True)
class Reminded:
    """How many proofs run out, and whether more wait."""

    expiring: int = 0
    more: bool = False


def remind_of_evidence(
    session: Session, actor: Actor, *, now: datetime, thresholds: Sequence[int], most: int = 500
) -> Reminded:
    """Say once per proof, date and threshold that it runs out, unless a newer proof stands in for it.

    What ran out before anything was said of it, because nobody looked, is said with `within_days` 0.
    Whoever asks twice, or twice at once, hears nothing new. After `most` facts it stops: more wait.
    """
    reminders = ReminderRepository(session)
    reminders.hold("evidence")
    today = today_of(OrganizationRepository(session).own(), now)
    until, after, told = today + timedelta(days=max(thresholds, default=0)), None, 0
    while page := reminders.evidence(since=today - _MISSED, until=until, after=after, limit=_PAGE):
        after = page[-1].row.id
        said = reminders.said("vendor", (each.vendor_id for each in page), ("EvidenceExpiring",))
        known = {_key(each) for each in said}
        warned = {_key(each)[:-1] for each in said}
        others = VendorRepository(session).evidence_for({each.row.vendor_id for each in page})
        due = [
            _fact(each, today, thresholds)
            for each in page
            if not _replaced(each.row, others[each.row.vendor_id])
        ]
        for fact in [fact for fact in due if fact is not None and _key(fact.payload()) not in known]:
            if not fact.within_days and _key(fact.payload())[:-1] in warned:
                continue
            record(session, actor, fact, now=now, description=_words(fact))
            told += 1
            if told == most:
                return Reminded(told, more=True)
    return Reminded(told)


def _fact(each: Dated, today: date, thresholds: Sequence[int]) -> EvidenceExpiring | None:
    row = each.row
    near = within(row.valid_until, today, thresholds)
    if near is None and row.valid_until < today and row.created_at.date() <= row.valid_until:
        near = ((row.valid_until - today).days, 0)
    if near is None:
        return None
    return EvidenceExpiring(
        each.vendor_id,
        each.vendor,
        framework=row.framework,
        kind=row.kind,
        source=row.source,
        valid_until=str(row.valid_until),
        days_left=near[0],
        within_days=near[1],
    )


def _replaced(row: VendorEvidence, proofs: Sequence[VendorEvidence]) -> bool:
    """Say whether another accepted proof of the same framework holds for longer."""
    return any(
        other.framework == row.framework
        and other.kind in ACCEPTED_EVIDENCE
        and (other.valid_until is None or other.valid_until > (row.valid_until or date.max))
        for other in proofs
    )


def _key(said: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(said.get(name) for name in _SAID_BY)


def _words(fact: EvidenceExpiring) -> str:
    return f"{fact.vendor}'s proof of {fact.framework} ({fact.source}) is valid until {fact.valid_until}"
