"""Every fact that rooms tell one another: past tense, frozen, the first field names what it is about."""

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that has happened to one subject (`request`, `offer` …), named by its business id."""

    subject: ClassVar[str]

    @property
    def type(self) -> str:
        """The fact's name, as stored: "RequestOpened"."""
        return self.__class__.__name__

    @property
    def subject_id(self) -> str:
        """The business id of what the fact is about."""
        return str(getattr(self, fields(self)[0].name))

    def payload(self) -> dict[str, Any]:
        """Return the fields as JSON values; money as text."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}


def _plain(value: object) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return value if value is None or isinstance(value, str | int | bool) else str(value)


@dataclass(frozen=True, slots=True)
class OrganizationSetUp(Fact):
    """An organisation got its name and address."""

    subject: ClassVar[str] = "organization"
    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class PlanChanged(Fact):
    """An organisation is on another plan, or has other limits of its own."""

    subject: ClassVar[str] = "organization"
    slug: str
    plan: str
    limits: dict[str, Any]


@dataclass(frozen=True, slots=True)
class UserAdded(Fact):
    """A person got an account."""

    subject: ClassVar[str] = "user"
    email: str
    role: str


@dataclass(frozen=True, slots=True)
class VendorsImported(Fact):
    """A catalogue was taken over."""

    subject: ClassVar[str] = "catalogue"
    source: str
    created: int
    updated: int
    rejected: int


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
class RequestOpened(Fact):
    """A request in plain words became a structured one."""

    subject: ClassVar[str] = "request"
    request_id: str
    category: str
    quantity: int
    budget_max: Decimal | None
    currency: str


@dataclass(frozen=True, slots=True)
class RequestMoved(Fact):
    """A request went from one status to the next."""

    subject: ClassVar[str] = "request"
    request_id: str
    before: str
    after: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class VendorsShortlisted(Fact):
    """Vendors were matched: who is in, who is out and why."""

    subject: ClassVar[str] = "request"
    request_id: str
    shortlist: tuple[str, ...]
    left_out: dict[str, str]


@dataclass(frozen=True, slots=True)
class MandateWritten(Fact):
    """A person or a policy told the agent how far it may go."""

    subject: ClassVar[str] = "request"
    request_id: str
    version: int
    max_total: Decimal
    max_yearly: Decimal | None
    max_unit_price: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class NegotiationStarted(Fact):
    """A session with one vendor began."""

    subject: ClassVar[str] = "negotiation"
    session_id: str
    request_id: str
    vendor_id: str
    counterpart: str
    max_rounds: int


@dataclass(frozen=True, slots=True)
class OfferSent(Fact):
    """Our offer of a round waits for the vendor's answer."""

    subject: ClassVar[str] = "negotiation"
    session_id: str
    round: int
    offer_id: str


@dataclass(frozen=True, slots=True)
class RoundPlayed(Fact):
    """Both offers of a round are on record."""

    subject: ClassVar[str] = "negotiation"
    session_id: str
    round: int
    offers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NegotiationSettled(Fact):
    """Terms are agreed with a vendor, subject to award and approval."""

    subject: ClassVar[str] = "negotiation"
    session_id: str
    offer_id: str
    total: Decimal
    currency: str
    accepted_by: str


@dataclass(frozen=True, slots=True)
class NegotiationFailed(Fact):
    """A session ended without agreement."""

    subject: ClassVar[str] = "negotiation"
    session_id: str
    outcome: str
    reason: str


@dataclass(frozen=True, slots=True)
class AwardProposed(Fact):
    """An offer was chosen and policy was asked what approval it needs."""

    subject: ClassVar[str] = "request"
    request_id: str
    offer_id: str
    outcome: str
    total: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class ApprovalDecided(Fact):
    """A person approved or rejected one step."""

    subject: ClassVar[str] = "request"
    request_id: str
    step: int
    decision: str
    decided_by: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class ApprovalsExpired(Fact):
    """Decisions that were asked for are not needed any more."""

    subject: ClassVar[str] = "request"
    request_id: str
    steps: tuple[int, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class PolicyActivated(Fact):
    """A version of a policy came into force."""

    subject: ClassVar[str] = "policy"
    policy_name: str
    version: int
    policy_hash: str


@dataclass(frozen=True, slots=True)
class ContractDrafted(Fact):
    """A contract document was written and stored."""

    subject: ClassVar[str] = "contract"
    contract_id: str
    request_id: str
    document_hash: str
    total: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class ContractWithdrawn(Fact):
    """A contract that was not in force yet was taken back."""

    subject: ClassVar[str] = "contract"
    contract_id: str
    request_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class ContractSigned(Fact):
    """One side signed the document with this hash."""

    subject: ClassVar[str] = "contract"
    contract_id: str
    side: str
    signer: str
    document_hash: str


@dataclass(frozen=True, slots=True)
class ContractActivated(Fact):
    """Both sides have signed."""

    subject: ClassVar[str] = "contract"
    contract_id: str


@dataclass(frozen=True, slots=True)
class PurchaseOrderIssued(Fact):
    """An order was written as UBL and handed out."""

    subject: ClassVar[str] = "purchase_order"
    po_number: str
    contract_id: str
    payable: Decimal
    currency: str
    xml_hash: str


@dataclass(frozen=True, slots=True)
class ContractRenewalDue(Fact):
    """A contract in force comes up for renewal; told once per date and threshold (`within_days`)."""

    subject: ClassVar[str] = "contract"
    contract_id: str
    vendor: str
    renewal_date: str
    days_left: int
    within_days: int
    auto_renew: bool
    total: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class NoticeDeadlineAhead(Fact):
    """The last day to give notice under a contract comes near; told once per date and threshold."""

    subject: ClassVar[str] = "contract"
    contract_id: str
    vendor: str
    deadline: str
    renewal_date: str
    days_left: int
    within_days: int
    auto_renew: bool


@dataclass(frozen=True, slots=True)
class ContractExpired(Fact):
    """The last day of a contract has passed."""

    subject: ClassVar[str] = "contract"
    contract_id: str
    vendor: str
    end_date: str


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


@dataclass(frozen=True, slots=True)
class RetentionApplied(Fact):
    """What nobody needs any more was removed: how many rows of what."""

    subject: ClassVar[str] = "organization"
    slug: str
    removed: dict[str, int]


@dataclass(frozen=True, slots=True)
class SchedulePaused(Fact):
    """Somebody let a schedule make no jobs for now."""

    subject: ClassVar[str] = "schedule"
    name: str


@dataclass(frozen=True, slots=True)
class ScheduleResumed(Fact):
    """Somebody let a paused schedule go on."""

    subject: ClassVar[str] = "schedule"
    name: str
    next_run_at: str


@dataclass(frozen=True, slots=True)
class ScheduleChanged(Fact):
    """Somebody changed when a schedule runs."""

    subject: ClassVar[str] = "schedule"
    name: str
    cron: str
    timezone: str
    next_run_at: str


@dataclass(frozen=True, slots=True)
class ScheduleStarted(Fact):
    """Somebody had a schedule's job done at once, beside its times."""

    subject: ClassVar[str] = "schedule"
    name: str
    job_id: str


@dataclass(frozen=True, slots=True)
class WebhookAdded(Fact):
    """An address hears of facts from now on; `address` hides what may be secret in it."""

    subject: ClassVar[str] = "webhook"
    webhook_id: str
    address: str
    kind: str
    event_types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WebhookKeyRotated(Fact):
    """An endpoint has a new signing key; the old one signs beside it until a moment, if any."""

    subject: ClassVar[str] = "webhook"
    webhook_id: str
    address: str
    old_key_until: str | None


@dataclass(frozen=True, slots=True)
class WebhookDisabled(Fact):
    """An endpoint is told nothing any more."""

    subject: ClassVar[str] = "webhook"
    webhook_id: str
    address: str
    reason: str


@dataclass(frozen=True, slots=True)
class WebhookEnabled(Fact):
    """An endpoint is told again what it wants to hear."""

    subject: ClassVar[str] = "webhook"
    webhook_id: str
    address: str


@dataclass(frozen=True, slots=True)
class WebhookRemoved(Fact):
    """An endpoint is gone."""

    subject: ClassVar[str] = "webhook"
    webhook_id: str
    address: str


@dataclass(frozen=True, slots=True)
class WebhookReplayed(Fact):
    """Somebody had deliveries made once more."""

    subject: ClassVar[str] = "webhook"
    webhook_id: str
    address: str
    deliveries: int


@dataclass(frozen=True, slots=True)
class NotificationsChosen(Fact):
    """A person chose the channels by which they hear of a topic (None: the usual ones again)."""

    subject: ClassVar[str] = "user"
    email: str
    topic: str
    channels: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class UsageNearLimit(Fact):
    """A meter of the plan has passed 80 % of its limit, or its end."""

    subject: ClassVar[str] = "organization"
    slug: str
    meter: str
    used: str
    limit: str
    percent: int
    period: str


@dataclass(frozen=True, slots=True)
class GroupReplayed(Fact):
    """Somebody let a group read the facts again from a place on."""

    subject: ClassVar[str] = "group"
    group: str
    position: int
    facts: int


@dataclass(frozen=True, slots=True)
class DeadLettersRedriven(Fact):
    """Somebody had facts delivered again that a group could not take in."""

    subject: ClassVar[str] = "group"
    group: str
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeadLettersDropped(Fact):
    """Somebody gave up facts that a group could not take in."""

    subject: ClassVar[str] = "group"
    group: str
    facts: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class JobCancelled(Fact):
    """Somebody stopped a job before it was done."""

    subject: ClassVar[str] = "job"
    job_id: str
    kind: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class JobsRedriven(Fact):
    """Somebody gave failed and dead jobs of a kind all their attempts again."""

    subject: ClassVar[str] = "kind"
    kind: str
    jobs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ApiKeyMade(Fact):
    """Somebody made a key by which programs act for them; `key_hint` are its last characters."""

    subject: ClassVar[str] = "api_key"
    key_id: str
    name: str
    key_hint: str
    scopes: tuple[str, ...]
    expires_at: str | None


@dataclass(frozen=True, slots=True)
class ApiKeyRevoked(Fact):
    """Somebody closed a key for good."""

    subject: ClassVar[str] = "api_key"
    key_id: str
    name: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class WorkStuck(Fact):
    """Jobs have used up their attempts, or facts went to the dead letters, since this was told last.

    `about` names the kinds of jobs and the consumers; `until` is when the newest of them gave up.
    """

    subject: ClassVar[str] = "organization"
    slug: str
    jobs: int
    facts: int
    about: tuple[str, ...]
    until: str
