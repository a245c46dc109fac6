"""Every repository, by name."""

from procur.db.repositories.approvals import ApprovalRepository, PolicyRepository
from procur.db.repositories.audit import AuditRepository, ChainReport
from procur.db.repositories.base import Page, Repository
from procur.db.repositories.contracts import ContractRepository, PurchaseOrderRepository
from procur.db.repositories.events import EventRepository
from procur.db.repositories.identity import OrganizationRepository, UserRepository
from procur.db.repositories.negotiation import MandateRepository, NegotiationRepository, OfferRepository
from procur.db.repositories.numbering import NumberRepository
from procur.db.repositories.sourcing import RequestRepository
from procur.db.repositories.tenders import AnalysisRepository, BidDocumentRepository, TenderRepository
from procur.db.repositories.usage import LlmCallRepository, ModelCost, Spent, UsageRepository
from procur.db.repositories.vendors import VendorRepository

__all__ = [
    "AnalysisRepository",
    "ApprovalRepository",
    "AuditRepository",
    "BidDocumentRepository",
    "ChainReport",
    "ContractRepository",
    "EventRepository",
    "LlmCallRepository",
    "MandateRepository",
    "ModelCost",
    "NegotiationRepository",
    "NumberRepository",
    "OfferRepository",
    "OrganizationRepository",
    "Page",
    "PolicyRepository",
    "PurchaseOrderRepository",
    "Repository",
    "RequestRepository",
    "Spent",
    "TenderRepository",
    "UsageRepository",
    "UserRepository",
    "VendorRepository",
]
