"""Work that vendors' data asks for."""

from dataclasses import dataclass

from procur.jobs.kinds import Kind


@dataclass(frozen=True, slots=True)
class RemindOfEvidence:
    """Look which proofs run out; days before at which to say so."""

    thresholds: tuple[int, ...] = (60, 14)


REMIND = Kind("remind_of_evidence", "default", RemindOfEvidence)


@dataclass(frozen=True, slots=True)
class RefreshStale:
    """Look which vendors' data nobody has looked up for `days`, and ask for that of `most` of them."""

    days: int = 30
    most: int = 50


REFRESH = Kind("refresh_stale_vendors", "default", RefreshStale)


@dataclass(frozen=True, slots=True)
class EnrichVendor:
    """Look at what a vendor's pages and the feeds say of it now; `vendor_id` is its business id."""

    vendor_id: str


ENRICH = Kind("enrich_vendor_data", "enrichment", EnrichVendor, max_attempts=6, lasts=600.0)
