"""Nothing is lost when several write at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from factories.buying import Desk
from factories.people import People
from procur.audit.seal import seal, seal_waiting
from procur.audit.verify import verify
from procur.core.errors import Conflict
from procur.db import DatabaseSession
from procur.db.repositories import (
    AuditRepository,
    NegotiationRepository,
    NumberRepository,
    OrganizationRepository,
    VendorRepository,
)

WORKERS, EACH = 4, 25
T = TypeVar("T")


def test_no_read_modify_write_is_lost_on_sqlite(sqlite_database: DatabaseSession) -> None:
    with sqlite_database.get_session() as session:
        key = VendorRepository(session).create(vendor_id="v", name="V").id

    def add(_: int) -> None:
        for _number in range(EACH):
            with sqlite_database.get_session() as session:
                vendors = VendorRepository(session)
                vendors.update(key, review_count=vendors.get(key).review_count + 1)

    _together(add)
    with sqlite_database.get_session() as session:
        assert VendorRepository(session).get(key).review_count == WORKERS * EACH


def test_no_locked_read_modify_write_is_lost(database: DatabaseSession) -> None:
    with database.get_session() as session:
        key = VendorRepository(session).create(vendor_id="v", name="V").id

    def add(_: int) -> None:
        for _number in range(EACH):
            with database.get_session() as session:
                vendors = VendorRepository(session)
                vendors.update(key, review_count=vendors.get(key, for_update=True).review_count + 1)

    _together(add)
    with database.get_session() as session:
        assert VendorRepository(session).get(key).review_count == WORKERS * EACH


def test_each_number_is_given_once(database: DatabaseSession) -> None:
    def take(_: int) -> list[str]:
        taken = []
        for _number in range(EACH):
            with database.get_session() as session:
                taken.append(NumberRepository(session).next("REQ", 2026))
        return taken

    numbers = [number for part in _together(take) for number in part]
    assert sorted(numbers) == [f"REQ-2026-{value:05d}" for value in range(1, WORKERS * EACH + 1)]


def test_a_round_is_played_once(database: DatabaseSession, people: People) -> None:
    with database.get_session("acme") as session:
        desk = Desk(session, people.alice)
        key = desk.talks(desk.request(), desk.vendor(), max_rounds=8).id

    def play(_: int) -> int:
        played = 0
        for number in range(8):
            try:
                with database.get_session("acme") as session:
                    NegotiationRepository(session).increment_round(key, expected=number)
                    played += 1
            except Conflict:
                continue
        return played

    assert sum(_together(play)) == 8


def test_every_entry_is_sealed_once_under_several_writers_and_sealers(database: DatabaseSession) -> None:
    def write(worker: int) -> None:
        for number in range(EACH):
            with database.get_session() as session:
                AuditRepository(session).log_action(action="test", resource_id=f"{worker}-{number}")
            if number % 3 == worker % 3:
                with database.get_session() as session:
                    seal(session, limit=5)

    _together(write)
    seal_waiting(database.get_session)
    with database.get_session() as session:
        report = verify(session)
    assert report.intact
    assert (report.entries, report.sealed, report.waiting) == (WORKERS * EACH, WORKERS * EACH, 0)


def test_the_allowance_is_spent_exactly(database: DatabaseSession) -> None:
    with database.system_session() as session:
        key = OrganizationRepository(session).create(name="Small", slug="small", monthly_analysis_limit=30).id

    def spend(_: int) -> int:
        done = 0
        for _number in range(EACH):
            with database.get_session("small") as session:
                done += OrganizationRepository(session).update_usage(key, increment=1)
        return done

    assert sum(_together(spend)) == 30
    with database.get_session("small") as session:
        assert not OrganizationRepository(session).can_analyze(key)


def _together(work: Callable[[int], T]) -> list[T]:
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(work, range(WORKERS)))
