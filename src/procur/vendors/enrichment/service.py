"""Store what was seen of a vendor: observations, what follows for its profile, claims, confidence."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from procur.audit.trail import record
from procur.core.actor import Actor
from procur.db import Session
from procur.db.models import JobRecord, VendorObservation, VendorProfileRecord
from procur.db.repositories import VendorObservationRepository, VendorRepository
from procur.events.facts import VendorEnriched
from procur.vendors.enrichment import confidence
from procur.vendors.enrichment.model import FRAMEWORK, Observation, Seen, VendorView
from procur.vendors.enrichment.profile import changes_for, profile_observations
from procur.vendors.kinds import ENRICH, EnrichVendor

# What a vendor says of itself is a claim, however it words it. What it says is under way, or that it does not
# meet, is no evidence at all.
_CLAIMS = frozenset({"certified", "report", "claimed"})


def ask_enrichment(
    session: Session, actor: Actor, vendor_ids: Iterable[str], *, now: datetime
) -> list[tuple[JobRecord, bool]]:
    """Ask for these vendors to be looked at; each job, and whether it is a new one.

    Asked twice within a minute, the job there is comes back.
    """
    actor.require("vendor.write")
    repository = VendorRepository(session)
    names = [repository.named(vendor_id).vendor_id for vendor_id in dict.fromkeys(vendor_ids)]
    minute = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")
    return [
        ENRICH.ask(session, EnrichVendor(name), dedupe_key=f"{name} {minute}", created_by=actor.user_id)
        for name in names
    ]


def view_of(vendor: VendorProfileRecord) -> VendorView:
    """Return what sources need to know of a vendor."""
    pages = vendor.vendor_metadata.get("pages") or ()
    return VendorView(vendor.vendor_id, vendor.name, vendor.website, tuple(map(str, pages)))


def apply_seen(
    session: Session, actor: Actor, *, vendor_id: str, seen: Seen, now: datetime
) -> dict[str, Any]:
    """Write what was seen, in the caller's transaction; return what the job keeps as its result.

    Nothing that a person recorded or imported is overwritten. What was said by a source that is gone goes,
    unless a reader of ours failed. Where nothing could be read and nothing is gone, nothing changes: neither
    the confidence nor the day of the last look.
    """
    repository, seen_rows = VendorRepository(session), VendorObservationRepository(session)
    vendor = repository.locked(repository.named(vendor_id).id)
    before = vendor.confidence_score
    told: dict[str, Any] = {"vendor": vendor_id, "read": list(seen.read), "skipped": dict(seen.skipped)}
    gone = _gone(seen_rows.of([vendor.id])[vendor.id], seen)
    if not seen.read and not gone:
        return {**told, "observations": 0, "changed": [], "confidence": before}
    looked_at = set[str]() if seen.misread else {*seen.read, *gone}
    withdrawn = seen_rows.replace(vendor.id, looked_at, [each.as_row() for each in seen.observations])[1]
    everything = known_observations(vendor, seen_rows.of([vendor.id])[vendor.id])
    fields = confidence.of_fields(everything, now)
    after = confidence.of_vendor(fields)
    changes = changes_for(vendor, fields, everything)
    old = {name: getattr(vendor, name) for name in changes if name != "vendor_metadata"}
    source = {} if vendor.data_source or not seen.read else {"data_source": seen.read[0][:200]}
    repository.update(vendor.id, **changes, **source, confidence_score=after, last_enriched_at=now)
    claims = [
        {"framework": each.field.removeprefix(FRAMEWORK), "source": each.source}
        for each in seen.observations
        if each.field.startswith(FRAMEWORK) and each.value.get("status") in _CLAIMS
    ]
    repository.replace_claims(vendor.id, looked_at, claims)
    changed = tuple(sorted(old))
    record(
        session,
        actor,
        VendorEnriched(
            vendor_id=vendor_id,
            fields=changed,
            confidence_before=None if before is None else _plain(before),
            confidence_after=_plain(after),
            sources=seen.read,
        ),
        now=now,
        description=f"{vendor.name} looked at ({len(seen.read)} sources): "
        + (f"{', '.join(changed)} changed" if changed else "nothing new"),
        changes={name: {"before": _told(old[name]), "after": _told(changes[name])} for name in changed},
    )
    counts = {"observations": len(seen.observations), "withdrawn": withdrawn, "claims": len(claims)}
    return {**told, **counts, "changed": list(changed), "confidence": after, "confidence_before": before}


def _gone(rows: Iterable[VendorObservation], seen: Seen) -> set[str]:
    """Return the sources that said something before and are known to be there no more."""
    return {
        row.source
        for row in rows
        if row.source in seen.gone
        or (
            ("feed" if row.source_kind == "feed" else "page") in seen.finished
            and row.source not in seen.read
            and row.source not in seen.skipped
        )
    }


def known_observations(vendor: VendorProfileRecord, rows: Iterable[VendorObservation]) -> list[Observation]:
    """Return all that is known of a vendor: what sources say, and what people recorded or imported."""
    stored = [
        Observation(
            row.field,
            dict(row.value),
            row.source,
            row.source_kind,
            row.method,
            row.observed_at,
            row.content_hash,
            row.quote,
        )
        for row in rows
    ]
    return [*profile_observations(vendor), *stored]


def _plain(score: float) -> Decimal:
    return Decimal(str(score)).quantize(Decimal("0.0001"))


def _told(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value
