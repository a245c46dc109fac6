"""Every table, by the name of its class."""

from procur.db.base import Base
from procur.db.models.approvals import ApprovalRecord, PolicyConfigRecord
from procur.db.models.audit import AuditLogRecord
from procur.db.models.contracts import ContractRecord, PurchaseOrderLine, PurchaseOrderRecord
from procur.db.models.events import EventRecord
from procur.db.models.identity import Organization, UserAccount
from procur.db.models.negotiation import MandateRecord, NegotiationSessionRecord, OfferRecord
from procur.db.models.numbering import NumberSequence
from procur.db.models.sourcing import RequestRecord
from procur.db.models.vendors import VendorEvidence, VendorProfileRecord

__all__ = [
    "ApprovalRecord",
    "AuditLogRecord",
    "Base",
    "ContractRecord",
    "EventRecord",
    "MandateRecord",
    "NegotiationSessionRecord",
    "NumberSequence",
    "OfferRecord",
    "Organization",
    "PolicyConfigRecord",
    "PurchaseOrderLine",
    "PurchaseOrderRecord",
    "RequestRecord",
    "UserAccount",
    "VendorEvidence",
    "VendorProfileRecord",
]
