"""What happened to contracts and orders."""

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from procur.events.facts.fact import Fact


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
class ContractRenewed(Fact):
    """A contract that renews by itself began another period; `end_date` is its new last day."""

    subject: ClassVar[str] = "contract"
    contract_id: str
    vendor: str
    renewal_date: str
    end_date: str


@dataclass(frozen=True, slots=True)
class ContractExpired(Fact):
    """The last day of a contract has passed."""

    subject: ClassVar[str] = "contract"
    contract_id: str
    vendor: str
    end_date: str


@dataclass(frozen=True, slots=True)
class PurchaseOrderIssued(Fact):
    """An order was written as UBL and handed out."""

    subject: ClassVar[str] = "purchase_order"
    po_number: str
    contract_id: str
    payable: Decimal
    currency: str
    xml_hash: str
