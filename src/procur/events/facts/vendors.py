"""What became known of vendors."""

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from procur.events.facts.fact import Fact


@dataclass(frozen=True, slots=True)
class VendorsImported(Fact):
    """A catalogue was taken over."""

    subject: ClassVar[str] = "catalogue"
    source: str
    created: int
    updated: int
    rejected: int


@dataclass(frozen=True, slots=True)
class VendorChanged(Fact):
    """Somebody changed what is known of a vendor."""

    subject: ClassVar[str] = "vendor"
    vendor_id: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VendorEnriched(Fact):
    """A vendor's sources were looked at: which fields of its profile changed, and how sure we are now."""

    subject: ClassVar[str] = "vendor"
    vendor_id: str
    fields: tuple[str, ...]
    confidence_before: Decimal | None
    confidence_after: Decimal
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EvidenceRecorded(Fact):
    """Somebody recorded what proves a vendor's compliance."""

    subject: ClassVar[str] = "vendor"
    vendor_id: str
    framework: str
    kind: str
    source: str
    valid_until: str | None


@dataclass(frozen=True, slots=True)
class EvidenceExpiring(Fact):
    """What proves a vendor's compliance runs out soon; told once per proof, date and threshold."""

    subject: ClassVar[str] = "vendor"
    vendor_id: str
    vendor: str
    framework: str
    kind: str
    source: str
    valid_until: str
    days_left: int
    within_days: int
