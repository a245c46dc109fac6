"""Work that contracts ask for."""

from dataclasses import dataclass, field
from datetime import date

from procur.jobs.kinds import Kind


@dataclass(frozen=True, slots=True)
class GenerateContract:
    """Draft the contract of this request, on behalf of this person (None: the platform itself)."""

    request_id: str
    asked_by: str | None = None
    start_date: date | None = None
    details: dict[str, str] = field(default_factory=dict)
    special_terms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RemindOfRenewals:
    """Look which contracts renew, need notice or have ended; days before each date at which to say so."""

    thresholds: tuple[int, ...] = (90, 30, 7)


GENERATE = Kind("generate_contract", "contracts", GenerateContract)
REMIND = Kind("remind_of_renewals", "default", RemindOfRenewals)
