"""Every table, by the name of its class."""

from procur.db.base import Base
from procur.db.models.access import ApiKey, LoginAttempt, OAuthConnection, PasswordHistory, UserSession
from procur.db.models.agent_state import (
    AgentCheckpointBlob,
    AgentCheckpointRecord,
    AgentCheckpointWrite,
    AgentConversationRecord,
    AgentEntryRecord,
    AgentItemRecord,
)
from procur.db.models.approvals import ApprovalRecord, PolicyConfigRecord
from procur.db.models.audit import (
    AuditCheckpointRecord,
    AuditHeadRecord,
    AuditLogRecord,
    AuditSealRecord,
    AuditUnsealedRecord,
)
from procur.db.models.contracts import ContractRecord, PurchaseOrderLine, PurchaseOrderRecord
from procur.db.models.conversations import ChatMessage, ChatSession, Conversation, Message
from procur.db.models.delivery import (
    EventDelivery,
    EventOffset,
    IdempotencyKey,
    InboxEntry,
)
from procur.db.models.events import EventHead, EventRecord
from procur.db.models.exports import (
    ActionPlanProgress,
    CertificationProgress,
    FinanceAnalysis,
    GeneratedDocument,
    LogisticsAnalysis,
    Report,
    UserMetrics,
)
from procur.db.models.identity import Organization, SubscriptionTier, User, UserAccount
from procur.db.models.jobs import JobRecord, JobStep, ScheduleRecord
from procur.db.models.negotiation import MandateRecord, NegotiationSessionRecord, OfferRecord
from procur.db.models.numbering import NumberSequence
from procur.db.models.outgoing import Notification, WebhookEndpoint
from procur.db.models.sourcing import RequestRecord
from procur.db.models.tenders import AnalysisResult, BidDocument, TenderDB, TenderStatus
from procur.db.models.usage import LlmCall, UsageCounter
from procur.db.models.vendors import VendorEvidence, VendorObservation, VendorProfileRecord

__all__ = [
    "ActionPlanProgress",
    "AgentCheckpointBlob",
    "AgentCheckpointRecord",
    "AgentCheckpointWrite",
    "AgentConversationRecord",
    "AgentEntryRecord",
    "AgentItemRecord",
    "AnalysisResult",
    "ApiKey",
    "ApprovalRecord",
    "AuditCheckpointRecord",
    "AuditHeadRecord",
    "AuditLogRecord",
    "AuditSealRecord",
    "AuditUnsealedRecord",
    "Base",
    "BidDocument",
    "CertificationProgress",
    "ChatMessage",
    "ChatSession",
    "ContractRecord",
    "Conversation",
    "EventDelivery",
    "EventHead",
    "EventOffset",
    "EventRecord",
    "FinanceAnalysis",
    "GeneratedDocument",
    "IdempotencyKey",
    "InboxEntry",
    "JobRecord",
    "JobStep",
    "LlmCall",
    "LoginAttempt",
    "LogisticsAnalysis",
    "MandateRecord",
    "Message",
    "NegotiationSessionRecord",
    "Notification",
    "NumberSequence",
    "OAuthConnection",
    "OfferRecord",
    "Organization",
    "PasswordHistory",
    "PolicyConfigRecord",
    "PurchaseOrderLine",
    "PurchaseOrderRecord",
    "Report",
    "RequestRecord",
    "ScheduleRecord",
    "SubscriptionTier",
    "TenderDB",
    "TenderStatus",
    "UsageCounter",
    "User",
    "UserAccount",
    "UserMetrics",
    "UserSession",
    "VendorEvidence",
    "VendorObservation",
    "VendorProfileRecord",
    "WebhookEndpoint",
]
