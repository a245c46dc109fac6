"""Take over catalogues, record evidence, and hand vendors to the matcher."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any

from procur.audit.trail import record
from procur.core.actor import Actor
from procur.core.errors import InvalidInput
from procur.db import Session
from procur.db.models import VendorEvidence, VendorProfileRecord
from procur.db.repositories import VendorRepository
from procur.events.facts import EvidenceRecorded, VendorChanged, VendorsImported
from procur.vendors.catalogue import (
    EVIDENCE_KINDS,
    EvidenceDraft,
    ImportReport,
    Plan,
    VendorDraft,
    cheapest,
    checks,
)
from procur.vendors.enrichment.profile import BY_HAND, MARKS, marks_of
from procur.vendors.matching import VendorCard
from procur.vendors.vocabulary import Vocabulary


def _pages(value: Any) -> tuple[str, ...]:
    return tuple(checks.website(each) for each in checks.texts(value))


# What may be changed by hand, held to the same rules as an import.
_CHANGES: dict[str, Callable[[Any], Any]] = {
    "contact_email": checks.email,
    "country": checks.country,
    "tax_id": checks.name,
    "website": checks.website,
    "description": partial(checks.text, longest=4000, lines=True),
    "address": checks.texts,
    "pages": _pages,
}

# What people have added to a vendor and an import does not know.
_KEPT = ("address", "pages")


def import_vendors(
    session: Session,
    actor: Actor,
    report: ImportReport,
    *,
    source: str,
    now: datetime,
    skip_bad_rows: bool = False,
) -> dict[str, int]:
    """Store the vendors of a report; when a row is bad none of them, unless bad rows are skipped.

    What people have recorded of a vendor and the file does not know stays.
    """
    actor.require("vendor.write")
    if report.rejected and not skip_bad_rows:
        raise InvalidInput(
            f"{len(report.rejected)} of {report.total_rows} rows cannot be taken; nothing was imported",
            field="file",
            hint="mend the rows, or import the others with --skip-bad-rows",
            details={
                "rejected": [
                    f"{report.counted_in} {row.line} ({row.vendor_id or 'no vendor id'}), {row.field}: "
                    f"{row.reason}"
                    for row in report.rejected
                ]
            },
        )
    repository = VendorRepository(session)
    kept = {row.vendor_id: row.vendor_metadata for row in repository.everyone()}
    told = repository.upsert_many(
        [_columns(vendor, source, now, kept.get(vendor.vendor_id, {})) for vendor in report.vendors]
    )
    keys = repository.keys_of(vendor.vendor_id for vendor in report.vendors)
    repository.add_evidence_many(
        {"vendor_id": keys[vendor.vendor_id], **_evidence_columns(each)}
        for vendor in report.vendors
        for each in vendor.evidence
    )
    counts = {**told, "rejected": len(report.rejected)}
    record(
        session,
        actor,
        VendorsImported(source=source, **counts),
        now=now,
        description=f"{told['created']} vendors imported, {told['updated']} updated from {source}",
    )
    return counts


def record_evidence(
    session: Session,
    actor: Actor,
    vocabulary: Vocabulary,
    *,
    vendor_id: str,
    framework: str,
    kind: str,
    source: str,
    valid_until: date | None,
    now: datetime,
) -> VendorProfileRecord:
    """Record what proves, or claims, that a vendor meets a framework; it may be named as people name it."""
    actor.require("evidence.write")
    repository = VendorRepository(session)
    vendor = repository.named(vendor_id)
    known = vocabulary.framework(framework)
    if known is None:
        raise InvalidInput(
            f"{framework!r} is not a known framework",
            field="framework",
            hint="known: " + ", ".join(each.label for each in vocabulary.frameworks.values()),
        )
    source = _seen(source)
    if kind not in EVIDENCE_KINDS:
        raise InvalidInput(f"kind must be one of {', '.join(EVIDENCE_KINDS)}", field="kind")
    if valid_until is not None and valid_until < now.date():
        raise InvalidInput(f"this evidence ended on {valid_until}", field="valid_until")
    repository.add_evidence(vendor.id, framework=known.key, kind=kind, source=source, valid_until=valid_until)
    record(
        session,
        actor,
        EvidenceRecorded(
            vendor_id=vendor_id,
            framework=known.key,
            kind=kind,
            source=source,
            valid_until=None if valid_until is None else valid_until.isoformat(),
        ),
        now=now,
        description=f"{known.label} evidence ({kind}) recorded for {vendor.name}: {source}",
        category="compliance",
    )
    return vendor


def _seen(source: str) -> str:
    """Return what was seen and where, in words: evidence that names nothing proves nothing."""
    try:
        return checks.text(source, longest=500)
    except InvalidInput as error:
        raise InvalidInput(
            f"the source {error.message}", field="source", hint="say what was seen and where"
        ) from error


def change_vendor(
    session: Session, actor: Actor, *, vendor_id: str, now: datetime, **changes: Any
) -> VendorProfileRecord:
    """Change contact_email, country, address (its lines), tax_id, website or description of a vendor."""
    actor.require("vendor.write")
    if strange := sorted(set(changes) - set(_CHANGES)):
        raise InvalidInput(f"{strange[0]} cannot be changed here", field=strange[0])
    changes = {name: _checked(name, value) for name, value in changes.items()}
    repository = VendorRepository(session)
    vendor = repository.named(vendor_id)
    known = {name: vendor.vendor_metadata.get(name) for name in changes if name in _KEPT}
    before = {name: known[name] if name in known else getattr(vendor, name) for name in changes}
    written = {name: value for name, value in changes.items() if name not in known}
    written["vendor_metadata"] = _by_hand(vendor, changes, now)
    repository.update(vendor.id, **written)
    record(
        session,
        actor,
        VendorChanged(vendor_id=vendor_id, fields=tuple(sorted(changes))),
        now=now,
        description=f"{vendor.name}: {', '.join(sorted(changes))} changed",
        changes={name: {"before": before[name], "after": changes[name]} for name in sorted(changes)},
    )
    return vendor


def confirm_prices(
    session: Session, actor: Actor, *, vendor_id: str, now: datetime
) -> tuple[VendorProfileRecord, str]:
    """Take over the prices that were read from a page as a person's own word; return from where they came.

    From now on talks with other vendors go by them too, and enrichment does not change them any more.
    """
    actor.require("vendor.write")
    repository = VendorRepository(session)
    vendor = repository.locked(repository.named(vendor_id).id)
    source = marks_of(vendor).get("plans")
    if source is None:
        raise InvalidInput(
            f"no price of {vendor.name} waits to be confirmed",
            field="vendor_id",
            hint=f"procur vendors show {vendor_id}",
        )
    metadata = _by_hand(vendor, dict.fromkeys(("plans", "list_price", "currency")), now)
    repository.update(vendor.id, vendor_metadata=metadata)
    record(
        session,
        actor,
        VendorChanged(vendor_id=vendor_id, fields=("list_price", "price_tiers")),
        now=now,
        description=f"{vendor.name}: the prices read at {source} confirmed",
    )
    return vendor, source


def _by_hand(vendor: VendorProfileRecord, changes: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return the metadata with what a person changed; enrichment does not overwrite these fields any more."""
    metadata = dict(vendor.vendor_metadata)
    metadata |= {name: list(value) for name, value in changes.items() if name in _KEPT}
    metadata[BY_HAND] = (metadata.get(BY_HAND) or {}) | dict.fromkeys(changes, now.date().isoformat())
    if MARKS in metadata:
        metadata[MARKS] = {name: source for name, source in metadata[MARKS].items() if name not in changes}
    return metadata


def _checked(field: str, value: Any) -> Any:
    try:
        return _CHANGES[field](value)
    except InvalidInput as error:
        raise InvalidInput(f"{field} {error.message}", field=field) from error


def vendor_cards(session: Session) -> list[VendorCard]:
    """Return every live vendor as the matcher sees it; two queries, however many vendors there are."""
    repository = VendorRepository(session)
    vendors = repository.everyone()
    evidence = repository.evidence_for([vendor.id for vendor in vendors])
    return [card_of(vendor, evidence.get(vendor.id, ())) for vendor in vendors]


def card_of(vendor: VendorProfileRecord, evidence: Sequence[VendorEvidence]) -> VendorCard:
    """Return a stored vendor as the matcher sees it."""
    captured = vendor.vendor_metadata.get("captured_on")
    return VendorCard(
        vendor_id=vendor.vendor_id,
        name=vendor.name,
        category=vendor.category or "",
        currency=vendor.currency,
        plans=tuple(Plan.from_dict(each) for each in vendor.price_tiers.get("plans", ())),
        features=tuple(vendor.features),
        evidence=tuple(
            EvidenceDraft(each.framework, each.kind, each.source, each.valid_until) for each in evidence
        ),
        rating=vendor.rating,
        captured_on=None if captured is None else date.fromisoformat(captured),
        source=vendor.data_source,
        prices_from=marks_of(vendor).get("plans"),
    )


def _columns(vendor: VendorDraft, source: str, now: datetime, kept: Mapping[str, Any]) -> dict[str, Any]:
    plan = cheapest(vendor.plans)
    columns = {
        "vendor_id": vendor.vendor_id,
        "name": vendor.name,
        "category": vendor.category,
        "currency": vendor.currency,
        "website": vendor.website,
        "description": vendor.description,
        # The cheapest paid list price; a vendor that only quotes has none.
        "list_price": plan.list_price if plan else None,
        "price_tiers": {"plans": [plan.as_dict() for plan in vendor.plans]},
        "features": list(vendor.features),
        "integrations": list(vendor.integrations),
        "certifications": list(vendor.certifications),
        "compliance_frameworks": list(vendor.compliance_frameworks),
        "contact_email": vendor.contact_email,
        "country": vendor.country,
        "tax_id": vendor.tax_id,
        "data_source": vendor.source or source,
        "last_enriched_at": now,
        "vendor_metadata": {
            "captured_on": None if vendor.captured_on is None else vendor.captured_on.isoformat(),
            "price_history": [point.as_dict() for point in vendor.price_history],
            "add_ons": [add_on.as_dict() for add_on in vendor.add_ons],
            "imported_on": now.date().isoformat(),
            **{name: kept[name] for name in _KEPT if name in kept},
            **_marks_left(vendor, kept),
        },
    }
    # A blank in the file says nothing; a missing list price says that the vendor only quotes.
    return {name: value for name, value in columns.items() if value is not None or name == "list_price"}


def _marks_left(vendor: VendorDraft, kept: Mapping[str, Any]) -> dict[str, Any]:
    """Return which fields still come from enrichment or a person: those that the file says nothing of."""
    spoken = {"plans", "list_price", "currency"}
    spoken |= {name for name in _CHANGES if getattr(vendor, name, None)}
    left = {
        kind: {name: told for name, told in (kept.get(kind) or {}).items() if name not in spoken}
        for kind in (MARKS, BY_HAND)
    }
    return {kind: fields for kind, fields in left.items() if fields}


def _evidence_columns(evidence: EvidenceDraft) -> dict[str, Any]:
    return {
        "framework": evidence.framework,
        "kind": evidence.kind,
        "source": evidence.source,
        "valid_until": evidence.valid_until,
    }
