"""What happened to requests, talks and decisions."""

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from procur.events.facts.fact import Fact


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
    """Vendors were matched: who is in, who is out and why, as codes (`over_budget`)."""

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
