"""Every repository, by name."""

from procur.db.repositories.access import ApiKeyRepository
from procur.db.repositories.agent_checkpoints import CheckpointRepository, StoredCheckpoint, StoredWrite
from procur.db.repositories.agent_records import AgentRecordRepository, StoredEntry, StoredRecord
from procur.db.repositories.agent_state import AgentItemRepository
from procur.db.repositories.approvals import ApprovalRepository, PolicyRepository
from procur.db.repositories.audit import AuditRepository, TrailEntry, TrailFilter
from procur.db.repositories.audit_seals import AuditSealRepository
from procur.db.repositories.base import Page, Repository
from procur.db.repositories.claims import (
    ClaimedJob,
    ClaimRepository,
    DueJob,
    Lease,
    LeaseRepository,
    Narrowed,
    Queues,
    organization_key,
)
from procur.db.repositories.consumer_history import ConsumerHistoryRepository
from procur.db.repositories.consumer_standing import ConsumerStandingRepository, Standing
from procur.db.repositories.consumers import ConsumerRepository
from procur.db.repositories.contracts import ContractRepository, PurchaseOrderRepository
from procur.db.repositories.conversations import (
    ChatSessionRepository,
    ConversationRepository,
)
from procur.db.repositories.delivery import EventDeliveryRepository, EventOffsetRepository, InboxRepository
from procur.db.repositories.event_log import EventLogRepository
from procur.db.repositories.events import EventRepository
from procur.db.repositories.exports import CompleteReport, ReportRepository
from procur.db.repositories.exports_metrics import UserMetricsRepository
from procur.db.repositories.exports_progress import (
    ActionPlanRepository,
    CertificationRepository,
    CertificationSummary,
    PlanProgress,
    Progress,
)
from procur.db.repositories.exports_results import (
    FinanceAnalysisRepository,
    GeneratedDocumentRepository,
    LogisticsAnalysisRepository,
)
from procur.db.repositories.figures import FigureRepository, GroupFigures, QueueFigures
from procur.db.repositories.idempotency import Fresh, IdempotencyRepository, InFlight, Mismatch, Replay
from procur.db.repositories.identity import OrganizationRepository, UserRepository
from procur.db.repositories.jobs import JobRepository, JobStepRepository, KindCounts
from procur.db.repositories.live import LiveRepository
from procur.db.repositories.messages import MessageRepository
from procur.db.repositories.negotiation import MandateRepository, NegotiationRepository, OfferRepository
from procur.db.repositories.notifications import NotificationRepository
from procur.db.repositories.numbering import NumberRepository
from procur.db.repositories.purging import Purged
from procur.db.repositories.reminders import ReminderRepository
from procur.db.repositories.retention import RetentionRepository
from procur.db.repositories.schedules import ScheduleRepository
from procur.db.repositories.sign_in import (
    LoginAttemptRepository,
    OAuthConnectionRepository,
    PasswordHistoryRepository,
    UserSessionRepository,
)
from procur.db.repositories.sourcing import RequestRepository
from procur.db.repositories.tenders import AnalysisRepository, BidDocumentRepository, TenderRepository
from procur.db.repositories.tries import TryRepository
from procur.db.repositories.usage import LlmCallRepository, ModelCost, Spent, UsageRepository
from procur.db.repositories.vendor_observations import VendorObservationRepository
from procur.db.repositories.vendors import VendorRepository
from procur.db.repositories.webhooks import WebhookRepository

__all__ = [
    "ActionPlanRepository",
    "AgentItemRepository",
    "AgentRecordRepository",
    "AnalysisRepository",
    "ApiKeyRepository",
    "ApprovalRepository",
    "AuditRepository",
    "AuditSealRepository",
    "BidDocumentRepository",
    "CertificationRepository",
    "CertificationSummary",
    "ChatSessionRepository",
    "CheckpointRepository",
    "ClaimRepository",
    "ClaimedJob",
    "CompleteReport",
    "ConsumerHistoryRepository",
    "ConsumerRepository",
    "ConsumerStandingRepository",
    "ContractRepository",
    "ConversationRepository",
    "DueJob",
    "EventDeliveryRepository",
    "EventLogRepository",
    "EventOffsetRepository",
    "EventRepository",
    "FigureRepository",
    "FinanceAnalysisRepository",
    "Fresh",
    "GeneratedDocumentRepository",
    "GroupFigures",
    "IdempotencyRepository",
    "InFlight",
    "InboxRepository",
    "JobRepository",
    "JobStepRepository",
    "KindCounts",
    "Lease",
    "LeaseRepository",
    "LiveRepository",
    "LlmCallRepository",
    "LoginAttemptRepository",
    "LogisticsAnalysisRepository",
    "MandateRepository",
    "MessageRepository",
    "Mismatch",
    "ModelCost",
    "Narrowed",
    "NegotiationRepository",
    "NotificationRepository",
    "NumberRepository",
    "OAuthConnectionRepository",
    "OfferRepository",
    "OrganizationRepository",
    "Page",
    "PasswordHistoryRepository",
    "PlanProgress",
    "PolicyRepository",
    "Progress",
    "PurchaseOrderRepository",
    "Purged",
    "QueueFigures",
    "Queues",
    "ReminderRepository",
    "Replay",
    "ReportRepository",
    "Repository",
    "RequestRepository",
    "RetentionRepository",
    "ScheduleRepository",
    "Spent",
    "Standing",
    "StoredCheckpoint",
    "StoredEntry",
    "StoredRecord",
    "StoredWrite",
    "TenderRepository",
    "TrailEntry",
    "TrailFilter",
    "TryRepository",
    "UsageRepository",
    "UserMetricsRepository",
    "UserRepository",
    "UserSessionRepository",
    "VendorObservationRepository",
    "VendorRepository",
    "WebhookRepository",
    "organization_key",
]
