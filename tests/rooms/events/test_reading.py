"""One reader and its transaction: what waits keeps its place, and delivery takes few statements."""

import sqlite3

from contract import Probed, effects, note, write
from sqlalchemy import event as listening

from factories.people import People
from procur.db import DatabaseSession, Session
from procur.db.repositories import EventDeliveryRepository, EventRepository
from procur.db.wake import Wake
from procur.events.event import Event
from procur.events.groups import Retrying, groups_of
from procur.events.handlers import Handler, on
from procur.events.inprocess import deliver
from procur.events.numbering import number
from procur.events.reading import read_on

ONCE = Retrying(attempts=1)
LATER = Retrying(attempts=9, first=1000.0, most=1000.0)


def refusing(refused: set[int]) -> Handler:
    def react(session: Session, event: Event) -> None:
        if event.payload["number"] in refused:
            raise ValueError(event.payload["number"])
        note(session, "one", event)

    return on(Probed, group="one")(react)


def test_a_dead_letter_waits_behind_an_earlier_one_that_is_tried_again(
    database: DatabaseSession, people: People
) -> None:
    refused = {0, 1, 2}
    write(database, "acme", 3, things=1)
    deliver(database, [refusing(refused)], retrying=ONCE)
    with database.get_session("acme") as session:
        numbers = {row.id: row.payload["number"] for row in EventRepository(session).get_all()}
        dead = {numbers[row.event_id]: row.id for row in EventDeliveryRepository(session).dead_letters("one")}
    for key in (0, 1):  # the first is tried, fails, and waits for long; only then the second is redriven
        with database.get_session("acme") as session:
            assert EventDeliveryRepository(session).redrive([dead[key]]) == 1
        deliver(database, [refusing(refused)], retrying=LATER)
        refused -= {1, 2}
    assert effects(database, "acme", "one") == {}
    with database.get_session("acme") as session:
        rows = {row.id: row for row in EventDeliveryRepository(session).get_all(state="pending")}
    assert {dead[0], dead[1]} == set(rows)
    assert rows[dead[1]].next_attempt_at == rows[dead[0]].next_attempt_at


def test_a_group_without_the_past_gets_the_first_fact_of_an_organisation_that_was_silent(
    database: DatabaseSession, people: People
) -> None:
    late = Handler("late", frozenset(), lambda session, event: note(session, "late", event), False)
    write(database, "acme", 5, things=1)
    assert deliver(database, [late]) == 0  # the group is there since now
    for organization in ("acme", "rival"):
        write(database, organization, 2, things=1)
    assert deliver(database, [late]) == 4
    assert effects(database, "acme", "late") == {"t0": [6, 7]}
    assert effects(database, "rival", "late") == {"t0": [1, 2]}


def test_a_hundred_facts_take_few_statements(database: DatabaseSession, people: People) -> None:
    heard, statements = [], []

    def hear(_session: Session, event: Event) -> None:
        heard.append(event.id)

    write(database, "acme", 100)
    number(database)
    (group,) = groups_of([on(Probed, group="one")(hear)])

    def count(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    listening.listen(database.engine, "before_cursor_execute", count)
    batch = read_on(database, group, people.organization_id, patience=60.0)
    listening.remove(database.engine, "before_cursor_execute", count)
    assert batch is not None
    assert len(batch.taken) == len(heard) == 100
    assert len(statements) <= 16, statements


def test_hints_go_on_after_an_error_of_the_driver(sqlite_database: DatabaseSession) -> None:
    wake, calls = Wake(sqlite_database), []

    def work() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise sqlite3.OperationalError("disk I/O error")
        wake._stopping.set()

    wake._keep(work)
    assert len(calls) == 2
