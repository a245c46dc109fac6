"""Dates of contracts and proofs: said in time, once per date and threshold, whoever asks how often."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest

from factories.buying import Desk
from factories.people import People
from procur.contracts.contract_facts import notice_deadline
from procur.contracts.kinds import REMIND, RemindOfRenewals
from procur.contracts.renewals import Reminded, remind_of_renewals
from procur.contracts.tasks import remind_of_contracts
from procur.core.actor import Actor
from procur.core.clock import SteppingClock
from procur.core.thresholds import within
from procur.db import DatabaseSession, Session
from procur.db.models import ContractRecord
from procur.db.repositories import (
    ContractRepository,
    EventRepository,
    JobRepository,
    OrganizationRepository,
    VendorRepository,
)
from procur.jobs.drain import drain
from procur.vendors.expiring import remind_of_evidence

LIMITS = (90, 30, 7)


def system(session: Session) -> Actor:
    owner = OrganizationRepository(session).own().id
    return Actor(owner, "system", "procur", "Procur", "system")


def look(database: DatabaseSession, day: date, *, hour: int = 12, most: int = 500) -> Reminded:
    now = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
    with database.get_session("acme") as session:
        return remind_of_renewals(session, system(session), now=now, thresholds=LIMITS, most=most)


def sign(database: DatabaseSession, people: People, ends: date, number: int = 1, **more: Any) -> str:
    """Put a contract in force that ends on this day, with 60 days' notice unless it says otherwise."""
    with database.get_session("acme") as session:
        desk = Desk(session, people.alice)
        vendor = VendorRepository(session).get_by_key("northwind") or desk.vendor()
        values = {
            "start_date": date(2024, 1, 1),
            "end_date": ends,
            "renewal_date": ends + timedelta(days=1),
            "renewal_notice_days": 60,
            "status": "active",
            "contract_id": f"C-{number:04d}",
        }
        return desk.contract(desk.offer(desk.request(), vendor), **values | more).contract_id


def facts(database: DatabaseSession, *types: str) -> list[dict[str, Any]]:
    with database.get_session("acme", read_only=True) as session:
        rows = EventRepository(session).get_all(limit=1000)
        return [{"type": row.type, **row.payload} for row in rows if row.type in types]


def status(database: DatabaseSession, contract_id: str) -> str:
    with database.get_session("acme", read_only=True) as session:
        return ContractRepository(session).named(contract_id).status


@pytest.mark.parametrize(
    ("ends", "first_day_of_notice_reminder", "deadline"),
    [
        # Notice 60 days before the last day: in a leap year there is one day more.
        (date(2028, 2, 29), date(2027, 10, 2), date(2027, 12, 31)),
        (date(2027, 2, 28), date(2026, 10, 1), date(2026, 12, 30)),
        (date(2027, 1, 31), date(2026, 9, 3), date(2026, 12, 2)),
        # The last day for notice would be a Sunday: the Friday before, as the contract says.
        (date(2026, 12, 31), date(2026, 8, 1), date(2026, 10, 30)),
    ],
)
def test_dates_are_right_around_month_ends_and_leap_days(
    database: DatabaseSession, people: People, ends: date, first_day_of_notice_reminder: date, deadline: date
) -> None:
    assert deadline == notice_deadline(ends, 60)
    sign(database, people, ends, 1, auto_renew=True)
    sign(database, people, ends, 2)  # ends without notice, so none is told of
    assert look(database, first_day_of_notice_reminder - timedelta(days=1)) == Reminded()
    assert look(database, first_day_of_notice_reminder) == Reminded(notices=1)
    (told,) = facts(database, "NoticeDeadlineAhead")
    assert (told["deadline"], told["days_left"], told["within_days"]) == (deadline.isoformat(), 90, 90)
    assert told["renewal_date"] == (ends + timedelta(days=1)).isoformat()


def test_each_threshold_is_told_once_over_a_whole_term(database: DatabaseSession, people: People) -> None:
    ends = date(2027, 3, 31)
    contract = sign(database, people, ends, 1)
    renewing = sign(database, people, ends, 2, auto_renew=True)
    renews, deadline = date(2027, 4, 1), date(2027, 1, 29)
    around = {
        each - timedelta(days=limit + shift)
        for each in (renews, deadline)
        for limit in LIMITS
        for shift in (-2, 0, 1)
    }
    for today in sorted(around | {deadline, deadline + timedelta(days=1), ends, renews, date(2027, 5, 1)}):
        look(database, today)
        assert look(database, today) == Reminded()
    told = [
        (each["type"], each["contract_id"], each["within_days"], each["days_left"])
        for each in facts(database, "ContractRenewalDue", "NoticeDeadlineAhead")
    ]
    assert sorted(told) == sorted(
        (kind, name, limit, limit)
        for kind, name in (
            ("ContractRenewalDue", contract),
            ("ContractRenewalDue", renewing),
            ("NoticeDeadlineAhead", renewing),
        )
        for limit in LIMITS
    )  # fmt: skip
    assert [each["end_date"] for each in facts(database, "ContractExpired")] == ["2027-03-31"]
    assert status(database, contract) == "expired"
    # The other one goes on for a year, with new dates to tell of.
    (renewed,) = facts(database, "ContractRenewed")
    assert (renewed["contract_id"], renewed["renewal_date"], renewed["end_date"]) == (
        renewing, "2027-04-01", "2028-03-31",
    )  # fmt: skip
    assert look(database, notice_deadline(date(2028, 3, 31), 60)) == Reminded(renewals=1, notices=1)
    assert look(database, date(2031, 4, 1)) == Reminded(renewed=1)  # after years in which nobody looked
    with database.get_session("acme", read_only=True) as session:
        row = ContractRepository(session).named(renewing)
        assert (row.status, row.end_date, row.renewal_date) == ("active", date(2032, 3, 31), date(2032, 4, 1))


def test_a_house_that_was_off_is_told_the_nearest_threshold_only(
    database: DatabaseSession, people: People
) -> None:
    sign(database, people, date(2027, 3, 31))
    assert look(database, date(2027, 3, 27)) == Reminded(renewals=1)
    (told,) = facts(database, "ContractRenewalDue")
    assert (told["days_left"], told["within_days"]) == (5, 7)
    # A new date is another thing to say.
    with database.get_session("acme") as session:
        contracts = ContractRepository(session)
        longer = {"end_date": date(2027, 4, 30), "renewal_date": date(2027, 5, 1)}
        contracts.update(contracts.named("C-0001").id, **longer)
    assert look(database, date(2027, 3, 27)) == Reminded(renewals=1)


def test_only_what_is_in_force_and_does_not_renew_itself_expires(
    database: DatabaseSession, people: People
) -> None:
    over = date(2026, 11, 20)
    plain = sign(database, people, over, 1)
    renewing = sign(database, people, over, 2, auto_renew=True)
    waiting = sign(database, people, over, 3, status="pending_signature")
    endless = sign(database, people, over, 4, end_date=None, renewal_date=None)
    assert look(database, over) == Reminded(renewals=2)
    # In Auckland the next day has begun by noon UTC, in UTC the last day lasts until midnight.
    assert look(database, over, hour=23) == Reminded()
    with database.get_session("acme") as session:
        own = OrganizationRepository(session).own()
        OrganizationRepository(session).update(own.id, settings={"timezone": "Pacific/Auckland"})
    assert look(database, over) == Reminded(expired=1, renewed=1)
    found = {name: status(database, name) for name in (plain, renewing, waiting, endless)}
    assert found == {
        plain: "expired",
        renewing: "active",
        waiting: "pending_signature",
        endless: "active",
    }


def test_two_who_look_at_once_say_it_once(database: DatabaseSession, people: People) -> None:
    for number in range(1, 21):
        sign(database, people, date(2027, 3, 31), number)
    meeting = Barrier(4, timeout=30)

    def one(_: int) -> Reminded:
        meeting.wait()
        return look(database, date(2027, 3, 20))

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(one, range(4)))
    assert sum(each.renewals for each in done) == 20
    assert len(facts(database, "ContractRenewalDue")) == 20


def test_many_are_told_in_parts_that_follow_one_another(database: DatabaseSession, people: People) -> None:
    for number in range(1, 6):
        sign(database, people, date(2027, 3, 31), number)
    assert look(database, date(2027, 3, 20), most=2) == Reminded(renewals=2, more=True)
    now = datetime(2027, 3, 20, 12, tzinfo=UTC)
    with database.get_session("acme") as session:
        REMIND.ask(session, RemindOfRenewals())
    clock = SteppingClock(now, timedelta(seconds=1))
    assert drain(database, [remind_of_contracts()], organization="acme", clock=clock) == 1
    with database.get_session("acme") as session:
        (job,) = JobRepository(session).get_all()
        assert job.result == asdict(Reminded(renewals=3))
    assert len(facts(database, "ContractRenewalDue")) == 5


def test_another_organisation_is_not_told_of(database: DatabaseSession, people: People) -> None:
    sign(database, people, date(2027, 3, 31))
    with database.get_session("rival") as session:
        now = datetime(2027, 3, 20, 12, tzinfo=UTC)
        assert remind_of_renewals(session, system(session), now=now, thresholds=LIMITS) == Reminded()
        assert session.query(ContractRecord).count() == 0


def test_proofs_that_run_out_are_told_once_per_threshold_unless_replaced(
    database: DatabaseSession, people: People
) -> None:
    day = date(2026, 11, 21)

    def look_at(today: date) -> int:
        now = datetime(today.year, today.month, today.day, 12, tzinfo=UTC)
        with database.get_session("acme") as session:
            done = remind_of_evidence(session, system(session), now=now, thresholds=(60, 14))
            return done.expiring

    def proof(vendor: Any, framework: str, days: int | None, source: str, kind: str = "certified") -> None:
        until = None if days is None else day + timedelta(days=days)
        with database.get_session("acme") as session:
            VendorRepository(session).add_evidence(
                vendor, framework=framework, kind=kind, source=source, valid_until=until
            )

    with database.get_session("acme") as session:
        vendor = Desk(session, people.alice).vendor().id
    proof(vendor, "soc2", 60, "report 2026")
    proof(vendor, "iso27001", 10, "certificate 1")
    proof(vendor, "iso27001", 300, "certificate 2")
    proof(vendor, "hipaa", 10, "their word", kind="claimed")
    proof(vendor, "pci", -1, "run out already")
    proof(vendor, "gdpr", None, "for ever")
    assert [look_at(day), look_at(day), look_at(day + timedelta(days=40))] == [1, 0, 0]
    assert look_at(day + timedelta(days=50)) == 1
    told = [
        (each["framework"], each["within_days"], each["days_left"])
        for each in facts(database, "EvidenceExpiring")
    ]
    assert told == [("soc2", 60, 60), ("soc2", 14, 10)]
    # One that ran out while the house was off is told of as well, once, when somebody looks again.
    proof(vendor, "nis2", 130, "audit 2026")
    off = day + timedelta(days=140)
    assert [look_at(off), look_at(off), look_at(off + timedelta(days=40))] == [1, 0, 0]
    missed = facts(database, "EvidenceExpiring")[-1]
    assert (missed["framework"], missed["within_days"], missed["days_left"]) == ("nis2", 0, -10)
    # The proof was renewed: its new date is told of in its time.
    proof(vendor, "soc2", 400, "report 2026")
    assert [look_at(day + timedelta(days=50)), look_at(day + timedelta(days=345))] == [0, 1]


def test_within_finds_the_smallest_threshold() -> None:
    today = date(2028, 2, 28)
    assert within(date(2028, 3, 1), today, LIMITS) == (2, 7)
    assert within(today, today, LIMITS) == (0, 7)
    assert within(today - timedelta(days=1), today, LIMITS) is None
    assert within(today + timedelta(days=31), today, (30, 7)) is None
    assert within(today, today, ()) is None
