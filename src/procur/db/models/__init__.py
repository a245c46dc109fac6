"""Every table, by the name of its class."""

from procur.db.base import Base
from procur.db.models.approvals import ApprovalRecord, PolicyConfigRecord
from procur.db.models.audit import AuditLogRecord
from procur.db.models.contracts import ContractRecord, PurchaseOrderLine, PurchaseOrderRecord
from procur.db.models.events import EventRecord
from procur.db.models.identity import Organization, SubscriptionTier, UserAccount
from procur.db.models.negotiation import MandateRecord, NegotiationSessionRecord, OfferRecord
from procur.db.models.numbering import NumberSequence
from procur.db.models.sourcing import RequestRecord
from procur.db.models.tenders import AnalysisResult, BidDocument, TenderDB, TenderStatus
from procur.db.models.usage import LlmCall, UsageCounter
from procur.db.models.vendors import VendorEvidence, VendorProfileRecord

__all__ = [
    "AnalysisResult",
    "ApprovalRecord",
    "AuditLogRecord",
    "Base",
    "BidDocument",
    "ContractRecord",
    "EventRecord",
    "LlmCall",
    "MandateRecord",
    "NegotiationSessionRecord",
    "NumberSequence",
    "OfferRecord",
    "Organization",
    "PolicyConfigRecord",
    "PurchaseOrderLine",
    "PurchaseOrderRecord",
    "RequestRecord",
    "SubscriptionTier",
    "TenderDB",
    "TenderStatus",
    "UsageCounter",
    "UserAccount",
    "VendorEvidence",
    "VendorProfileRecord",
]
