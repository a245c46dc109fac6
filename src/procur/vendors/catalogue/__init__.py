"""The catalogue: vendors and their price lists, packaged or from a file. No database, clock or network."""

from procur.vendors.catalogue.demo import ATTRIBUTION, read_demo_catalogue
from procur.vendors.catalogue.files import read_file
from procur.vendors.catalogue.model import (
    ACCEPTED_EVIDENCE,
    EVIDENCE_KINDS,
    PERIODS,
    UNITS,
    AddOn,
    EvidenceDraft,
    ImportReport,
    Plan,
    PricePoint,
    RejectedRow,
    VendorDraft,
    cheapest,
    monthly,
)

__all__ = [
    "ACCEPTED_EVIDENCE",
    "ATTRIBUTION",
    "EVIDENCE_KINDS",
    "PERIODS",
    "UNITS",
    "AddOn",
    "EvidenceDraft",
    "ImportReport",
    "Plan",
    "PricePoint",
    "RejectedRow",
    "VendorDraft",
    "cheapest",
    "monthly",
    "read_demo_catalogue",
    "read_file",
]
