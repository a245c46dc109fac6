"""Places in the log: given after the commit, contiguous, and in an order that every reader can rely on."""

import random
import threading
from collections import defaultdict
from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import event, text

from factories.people import People
from procur.core.errors import NotAllowed
from procur.db import DatabaseSession
from procur.db.models import EventRecord
from procur.db.repositories import EventLogRepository, EventRepository
from procur.events.numbering import number, unnumbered

WRITERS, EACH = 8, 25


def _append(database: DatabaseSession, about: str = "r1", version: int | None = None) -> UUID:
    with database.get_session("acme") as session:
        return (
            EventRepository(session)
            .append(type="Made", aggregate_type="request", aggregate_id=about, version=version)
            .id
        )


def _log(database: DatabaseSession) -> list[EventRecord]:
    with database.get_session("acme") as session:
        return EventRepository(session).after(limit=1000)


def test_readers_by_place_miss_nothing_though_transactions_end_out_of_order(
    postgres_database: DatabaseSession, counted: Callable[[int, str], None]
) -> None:
    """Eight writers keep their transactions open for different times; a reader pages at the same time.

    Two readers go along: one by the place, one by (created_at, id) as an outbox is usually paged. The second
    one misses what commits after a younger fact has been read; here it does so every time.
    """
    database, done = postgres_database, threading.Event()
    seen_by_place: list[UUID] = []
    seen_by_id: set[UUID] = set()

    def write(seed: int) -> None:
        chance, pause = random.Random(seed), threading.Event()
        for one in range(EACH):
            with database.get_session() as session:
                EventRepository(session).append(
                    type="Made", aggregate_type="request", aggregate_id=f"w{seed}", payload={"number": one}
                )
                pause.wait(chance.choice((0.0, 0.002, 0.02)))

    def read(place: int, last: tuple[object, object] | None) -> tuple[int, tuple[object, object] | None]:
        number(database)
        with database.get_session() as session:
            rows = EventRepository(session).after(place)
            seen_by_place.extend(row.id for row in rows)
            by_id = "SELECT created_at, id FROM events {} ORDER BY created_at, id"
            after = "" if last is None else "WHERE (created_at, id) > (:created_at, :id)"
            values = {} if last is None else {"created_at": last[0], "id": last[1]}
            found = session.execute(text(by_id.format(after)), values).all()
            seen_by_id.update(key for _, key in found)
        return (rows[-1].position or 0) if rows else place, (tuple(found[-1]) if found else last)  # type: ignore[return-value]

    def read_on() -> None:
        place, last, final = 0, None, False
        while not final:
            final = done.is_set()
            place, last = read(place, last)

    writers = [threading.Thread(target=write, args=(seed,)) for seed in range(WRITERS)]
    reader = threading.Thread(target=read_on)
    for thread in (*writers, reader):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    reader.join()
    with database.get_session() as session:
        rows = EventRepository(session).after(limit=1000)
        total = EventRepository(session).count()
    assert [row.position for row in rows] == list(range(1, WRITERS * EACH + 1))
    assert seen_by_place == [row.id for row in rows]
    assert len(seen_by_id) < total
    versions = defaultdict(list)
    for row in rows:
        versions[row.aggregate_id].append((row.version, row.payload["number"]))
    assert all(pairs == [(n + 1, n) for n in range(EACH)] for pairs in versions.values())
    counted(total, "facts of 8 writers, 0 missed by place")
    counted(total - len(seen_by_id), "of them missed by a reader who pages by time and id")


def test_each_organisation_counts_for_itself(database: DatabaseSession, people: People) -> None:
    for organization in ("acme", "rival", "acme"):
        with database.get_session(organization) as session:
            EventRepository(session).append(type="Made", aggregate_type="request", aggregate_id="r1")
    with database.get_session("acme") as session:
        assert EventLogRepository(session).unnumbered() == [people.organization_id]
    assert set(unnumbered(database)) >= {people.organization_id, people.other_organization_id}
    number(database, "acme")
    assert people.organization_id not in unnumbered(database)
    number(database)
    assert unnumbered(database) == []
    heads = []
    for organization in ("acme", "rival"):
        with database.get_session(organization) as session:
            heads.append(EventLogRepository(session).head())
    assert heads == [2, 1]


def test_versions_of_the_writer_stay_and_are_kept_in_order(database: DatabaseSession, people: People) -> None:
    third, first, second = (_append(database, "own", version) for version in (3, 1, 2))
    loose = [_append(database, "counted") for _ in range(2)]
    number(database)
    mixed = [_append(database, "own"), _append(database, "own", 5)]
    number(database)
    log = {row.id: (row.position, row.version) for row in _log(database)}
    assert [log[key] for key in (first, second, third)] == [(1, 1), (2, 2), (3, 3)]
    assert [log[key] for key in loose] == [(4, 1), (5, 2)]
    assert [log[key] for key in mixed] == [(7, 6), (6, 5)]


def test_order_is_kept_across_batches(database: DatabaseSession, people: People) -> None:
    keys = [_append(database, "own", version) for version in (4, 3, 2, 1)]
    with database.get_session("acme") as session:
        assert EventLogRepository(session).number(limit=2) == 4  # what is below comes along
    assert [row.id for row in _log(database)] == keys[::-1]


def test_many_facts_take_few_statements_and_a_number_is_for_ever(
    database: DatabaseSession, people: People
) -> None:
    with database.get_session("acme") as session:
        for one in range(1200):
            EventRepository(session).append(type="Made", aggregate_type="request", aggregate_id=f"r{one % 7}")
    statements: list[str] = []

    def note(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    event.listen(database.engine, "before_cursor_execute", note)
    number(database, "acme")
    event.remove(database.engine, "before_cursor_execute", note)
    assert len(statements) < 20
    for change in ("position = 9999", "version = 9999", "trace = 'x'", "payload = '[]'"):
        with pytest.raises(NotAllowed), database.get_session("acme") as session:
            session.execute(text(f"UPDATE events SET {change} WHERE position = 1"))
