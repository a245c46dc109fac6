"""Says in time which contracts renew, until when notice can be given, and which have ended or renewed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from procur.audit.trail import record
from procur.contracts.contract_facts import notice_deadline
from procur.core.actor import Actor
from procur.core.finance import add_months
from procur.core.thresholds import within
from procur.db import Session
from procur.db.models import ContractRecord
from procur.db.repositories import OrganizationRepository, ReminderRepository
from procur.db.repositories.reminders import Dated
from procur.events.facts import (
    ContractExpired,
    ContractRenewalDue,
    ContractRenewed,
    Fact,
    NoticeDeadlineAhead,
)
from procur.identity.zones import today_of

_PAGE = 500
_PERIOD = 12  # months of a renewal, as the clause "term" says
_TYPES = ("ContractRenewalDue", "NoticeDeadlineAhead")
_SAID_BY = ("type", "contract_id", "renewal_date", "deadline", "within_days")


@dataclass(frozen=True, slots=True)
class Reminded:
    """How many contracts come up for renewal, need notice, have ended, have renewed; whether more wait."""

    renewals: int = 0
    notices: int = 0
    expired: int = 0
    renewed: int = 0
    more: bool = False


def remind_of_renewals(
    session: Session, actor: Actor, *, now: datetime, thresholds: Sequence[int], most: int = 500
) -> Reminded:
    """Say each thing once per contract, date and threshold; end or renew those whose last day has passed.

    Whoever asks twice, or twice at once, hears nothing new. After `most` facts it stops: more wait.
    """
    reminders = ReminderRepository(session)
    reminders.hold("contracts")
    today = today_of(OrganizationRepository(session).own(), now)
    until, after = today + timedelta(days=max(thresholds, default=0)), None
    told: list[Fact] = []
    while page := reminders.contracts_in_force(until=until, after=after, limit=_PAGE):
        after = page[-1].row.id
        said = {_key(each) for each in reminders.said("contract", (d.row.contract_id for d in page), _TYPES)}
        due = [fact for each in page for fact in due_of(each, today, thresholds)]
        due = [fact for fact in due if _key({**fact.payload(), "type": fact.type}) not in said]
        due = _still(reminders, page, due[: most - len(told)], today)
        for fact in due:
            record(session, actor, fact, now=now, description=_words(fact))
        told += due
        if len(told) >= most:
            return _counted(told, more=True)
    return _counted(told, more=False)


def _still(
    reminders: ReminderRepository, page: Sequence[Dated], due: Sequence[Fact], today: date
) -> list[Fact]:
    """End and renew the contracts that are due; return the facts without those somebody was faster with."""
    over = {fact.subject_id for fact in due if isinstance(fact, ContractExpired)}
    keys = {each.row.id: each.row.contract_id for each in page if each.row.contract_id in over}
    ended = {keys[key] for key in reminders.expire_contracts(keys, before=today)}
    rows = {each.row.contract_id: each.row for each in page}
    return [
        fact
        for fact in due
        if (not isinstance(fact, ContractExpired) or fact.subject_id in ended)
        and (not isinstance(fact, ContractRenewed) or _renew(reminders, rows[fact.contract_id], fact))
    ]


def _renew(reminders: ReminderRepository, row: ContractRecord, fact: ContractRenewed) -> bool:
    ends = date.fromisoformat(fact.end_date)
    return row.end_date is not None and reminders.renew_contract(row.id, ended=row.end_date, ends=ends)


def due_of(each: Dated, today: date, thresholds: Iterable[int]) -> list[Fact]:
    """Return what is to be said of a contract in force on this day."""
    row, limits = each.row, tuple(thresholds)
    if row.end_date is not None and row.end_date < today:
        if not row.auto_renew:
            return [ContractExpired(row.contract_id, each.vendor, str(row.end_date))]
        begins, ends = _period_of(row.end_date, today)
        return [ContractRenewed(row.contract_id, each.vendor, str(begins), str(ends))]
    renews = row.renewal_date or row.end_date
    if renews is None:
        return []
    facts: list[Fact] = []
    if near := within(renews, today, limits):
        facts.append(
            ContractRenewalDue(
                row.contract_id,
                each.vendor,
                renewal_date=str(renews),
                days_left=near[0],
                within_days=near[1],
                auto_renew=row.auto_renew,
                total=row.total_value,
                currency=row.currency,
            )
        )
    deadline = last_day_for_notice(row)
    if deadline is not None and (near := within(deadline, today, limits)):
        facts.append(
            NoticeDeadlineAhead(
                row.contract_id,
                each.vendor,
                deadline=str(deadline),
                renewal_date=str(renews),
                days_left=near[0],
                within_days=near[1],
                auto_renew=row.auto_renew,
            )
        )
    return facts


def _period_of(ended: date, today: date) -> tuple[date, date]:
    """Return the first and last day of the renewal period that holds today, as the clause "term" says."""
    first, months = ended + timedelta(days=1), _PERIOD
    while add_months(first, months) <= today:
        months += _PERIOD
    return add_months(first, months - _PERIOD), add_months(first, months) - timedelta(days=1)


def last_day_for_notice(row: ContractRecord) -> date | None:
    """Return the last day on which notice is in time, as the contract says; None where it wants no notice."""
    if not row.auto_renew or row.end_date is None or row.renewal_notice_days is None:
        return None
    return notice_deadline(row.end_date, row.renewal_notice_days)


def _key(said: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(said.get(name) for name in _SAID_BY)


def _words(fact: Fact) -> str:
    if isinstance(fact, ContractRenewalDue):
        how = "renews by itself" if fact.auto_renew else "comes up for renewal"
        return f"{fact.contract_id} with {fact.vendor} {how} on {fact.renewal_date}"
    if isinstance(fact, NoticeDeadlineAhead):
        return f"notice under {fact.contract_id} with {fact.vendor} can be given until {fact.deadline}"
    if isinstance(fact, ContractRenewed):
        return f"{fact.contract_id} with {fact.vendor} has renewed until {fact.end_date}"
    return f"{fact.subject_id} has ended"


def _counted(told: Sequence[Fact], *, more: bool) -> Reminded:
    kinds = [type(fact) for fact in told]
    return Reminded(
        renewals=kinds.count(ContractRenewalDue),
        notices=kinds.count(NoticeDeadlineAhead),
        expired=kinds.count(ContractExpired),
        renewed=kinds.count(ContractRenewed),
        more=more,
    )
