"""Says in time which contracts renew, until when notice can be given, and which have ended."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from procur.audit.trail import record
from procur.core.actor import Actor
from procur.core.thresholds import within
from procur.db import Session
from procur.db.models import ContractRecord
from procur.db.repositories import OrganizationRepository, ReminderRepository
from procur.db.repositories.reminders import Dated
from procur.events.facts import ContractExpired, ContractRenewalDue, Fact, NoticeDeadlineAhead
from procur.identity.zones import today_of

_PAGE = 500
_TYPES = ("ContractRenewalDue", "NoticeDeadlineAhead")
_SAID_BY = ("type", "contract_id", "renewal_date", "deadline", "within_days")


@dataclass(frozen=True, slots=True)
class Reminded:
    """How many contracts renew, need notice, have ended; and whether more wait."""

    renewals: int = 0
    notices: int = 0
    expired: int = 0
    more: bool = False


def remind_of_renewals(
    session: Session, actor: Actor, *, now: datetime, thresholds: Sequence[int], most: int = 500
) -> Reminded:
    """Say each thing once per contract, date and threshold; end contracts whose last day has passed.

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
    """End the contracts that have ended; return the facts without those that somebody was faster with."""
    over = {fact.subject_id for fact in due if isinstance(fact, ContractExpired)}
    keys = {each.row.id: each.row.contract_id for each in page if each.row.contract_id in over}
    ended = {keys[key] for key in reminders.expire_contracts(keys, before=today)}
    return [fact for fact in due if not isinstance(fact, ContractExpired) or fact.subject_id in ended]


def due_of(each: Dated, today: date, thresholds: Iterable[int]) -> list[Fact]:
    """Return what is to be said of a contract in force on this day."""
    row, limits = each.row, tuple(thresholds)
    if row.end_date is not None and row.end_date < today and not row.auto_renew:
        return [ContractExpired(row.contract_id, each.vendor, str(row.end_date))]
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


def last_day_for_notice(row: ContractRecord) -> date | None:
    """Return the last day on which notice is in time; None where the contract asks for none."""
    renews = row.renewal_date or row.end_date
    if renews is None or not row.renewal_notice_days:
        return None
    return renews - timedelta(days=row.renewal_notice_days)


def _key(said: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(said.get(name) for name in _SAID_BY)


def _words(fact: Fact) -> str:
    if isinstance(fact, ContractRenewalDue):
        how = "renews by itself" if fact.auto_renew else "comes up for renewal"
        return f"{fact.contract_id} with {fact.vendor} {how} on {fact.renewal_date}"
    if isinstance(fact, NoticeDeadlineAhead):
        return f"notice under {fact.contract_id} with {fact.vendor} can be given until {fact.deadline}"
    return f"{fact.subject_id} has ended"


def _counted(told: Sequence[Fact], *, more: bool) -> Reminded:
    kinds = [type(fact) for fact in told]
    return Reminded(
        kinds.count(ContractRenewalDue), kinds.count(NoticeDeadlineAhead), kinds.count(ContractExpired), more
    )
