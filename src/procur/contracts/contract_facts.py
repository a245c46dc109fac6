"""What a contract says, typed. None means unknown: the document asks for it instead of inventing it."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from procur.core.deal import Terms
from procur.core.errors import InvalidInput
from procur.core.finance import add_months
from procur.core.money import to_cents

RequestType = Literal["saas", "hardware", "goods", "services"]
Billing = Literal["monthly", "quarterly", "yearly", "once"]
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class PartyFacts:
    """A party to the contract, and who signs for it where that is known."""

    legal_name: str
    address_lines: tuple[str, ...] = ()
    country: str | None = None
    registration_id: str | None = None
    tax_id: str | None = None
    email: str | None = None
    signatory: str | None = None
    signatory_title: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """A compliance framework and what proves it. `required`: the buyer asked for it in the negotiation."""

    framework: str
    status: Literal["certified", "report", "unknown"] = "unknown"
    source: str | None = None
    valid_until: date | None = None
    required: bool = False

    def holds(self, on: date) -> bool:
        """Tell whether there is a named source that is still valid on this day."""
        current = self.valid_until is None or self.valid_until >= on
        return self.status != "unknown" and bool(self.source and self.source.strip()) and current


@dataclass(frozen=True, slots=True)
class Instalment:
    """One payment: what for, when, how much. `due` is a date, or words such as "on acceptance"."""

    label: str
    due: date | str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class ContractFacts:
    """Everything the clauses and the term sheet are computed from.

    `unit` is what is counted ("user", "device", "day"). Without `start_date` the contract starts on its
    effective date; without `end_date` the end follows from the term. `billing` is how often Vendor invoices.
    """

    number: str
    effective_date: date
    buyer: PartyFacts
    vendor: PartyFacts
    request_type: RequestType
    item: str
    terms: Terms
    description: str | None = None
    unit: str | None = None
    start_date: date | None = None
    end_date: date | None = None
    auto_renew: bool = False
    renewal_notice_days: int | None = None
    renewal_cap_percent: Decimal | None = None
    price_hold: bool = True
    must_haves: tuple[str, ...] = ()
    compliance: tuple[Evidence, ...] = ()
    billing: Billing | None = None
    payment_schedule: tuple[Instalment, ...] = ()
    governing_law: str | None = None
    courts: str | None = None
    availability: str | None = None
    service_credit: str | None = None
    support: str | None = None
    incoterm: str | None = None
    delivery_place: str | None = None
    delivery_date: date | None = None
    warranty_period: str | None = None
    spare_parts_period: str | None = None
    liability_cap: str | None = None
    special_terms: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.request_type == "saas" and not self.terms.term_months:
            raise InvalidInput("A subscription needs a term in months", field="terms.term_months")
        if self.last_day and self.last_day < self.first_day:
            raise InvalidInput("The contract ends before it starts", field="end_date")
        planned = sum((part.amount for part in self.payment_schedule), Decimal(0))
        total = to_cents(self.terms.total, self.terms.currency)
        if self.payment_schedule and planned != total:
            raise InvalidInput(
                f"The payment schedule adds up to {planned}, the contract to {total}",
                field="payment_schedule",
            )

    @property
    def first_day(self) -> date:
        """The day on which the term starts."""
        return self.start_date or self.effective_date

    @property
    def last_day(self) -> date | None:
        """The last day of the term; None for a one-off purchase."""
        if not self.terms.term_months:
            return None
        return self.end_date or add_months(self.first_day, self.terms.term_months) - timedelta(days=1)

    @property
    def counted(self) -> str:
        """What one unit is called."""
        return self.unit or ("user" if self.request_type == "saas" else "unit")

    @property
    def notice_deadline(self) -> date | None:
        """The last day for notice of non-renewal; None if nothing renews or the period is unknown."""
        if not self.auto_renew or self.last_day is None or self.renewal_notice_days is None:
            return None
        return notice_deadline(self.last_day, self.renewal_notice_days)


def notice_deadline(end: date, notice_days: int) -> date:
    """Count back from the last day of the term, then to the business day on or before (Monday to Friday)."""
    day = end - timedelta(days=notice_days)
    return day - timedelta(days=max(0, day.weekday() - _SATURDAY + 1))
