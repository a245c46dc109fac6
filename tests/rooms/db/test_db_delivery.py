"""Facts reach each consumer group once; what fails is retried, set aside and redriven."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event

from factories.people import People
from procur.core.errors import Conflict, InvalidInput, NotFound
from procur.db import DatabaseSession, Session
from procur.db.repositories import (
    EventDeliveryRepository,
    EventOffsetRepository,
    EventRepository,
    InboxRepository,
)

LATER = datetime.now(UTC) + timedelta(days=1)
NEVER = datetime(2000, 1, 1, tzinfo=UTC)


def _facts(session: Session, number: int = 3) -> list[UUID]:
    facts = EventRepository(session)
    return [
        facts.append(type="Made", aggregate_type="request", aggregate_id=f"r{one}").id
        for one in range(number)
    ]


def test_each_fact_is_put_on_its_way_once_per_consumer(session: Session) -> None:
    deliveries, facts = EventDeliveryRepository(session), _facts(session)
    assert deliveries.ensure("mail", facts[:2]) == 2
    assert deliveries.ensure("mail", [*facts, *facts]) == 1
    assert deliveries.ensure("erp", facts) == 3
    assert deliveries.ensure("mail", []) == 0
    assert {row.event_id for row in deliveries.due("mail", LATER)} == set(facts)
    assert deliveries.due("mail", NEVER) == []


def test_many_facts_take_few_statements(session: Session) -> None:
    deliveries, facts = EventDeliveryRepository(session), _facts(session, 1200)
    session.flush()
    statements: list[str] = []

    def note(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    event.listen(session.get_bind(), "before_cursor_execute", note)
    assert deliveries.ensure("mail", facts) == 1200
    event.remove(session.get_bind(), "before_cursor_execute", note)
    assert len(statements) == 6


def test_of_several_relays_one_puts_it_on_its_way(database: DatabaseSession, people: People) -> None:
    with database.get_session("acme") as session:
        facts = _facts(session, 20)

    def relay(_: int) -> int:
        with database.system_session() as session:
            return EventDeliveryRepository(session).ensure("mail", facts)

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(relay, range(12))) == 20


def test_a_fact_of_another_organisation_cannot_be_delivered(
    database: DatabaseSession, people: People
) -> None:
    with database.get_session("acme") as session:
        own = _facts(session)
        EventDeliveryRepository(session).ensure("mail", own)
    with database.get_session("rival") as session:
        deliveries, theirs = EventDeliveryRepository(session), _facts(session, 1)
        for keys in ([own[0]], [*theirs, own[0]], [uuid4()]):
            with pytest.raises(NotFound) as caught:
                deliveries.ensure("mail", keys)
            assert caught.value.field == "event_ids"
        assert deliveries.count() == 0
        assert deliveries.ensure("mail", theirs) == 1
        assert [row.event_id for row in deliveries.due("mail", LATER)] == theirs
    with database.system_session() as session:
        rows = EventDeliveryRepository(session).due("mail", LATER)
        assert {row.organization_id for row in rows} == {
            people.organization_id,
            people.other_organization_id,
        }


def test_what_is_done_is_not_due_again(session: Session) -> None:
    deliveries, facts = EventDeliveryRepository(session), _facts(session)
    deliveries.ensure("mail", facts)
    first, second, _third = deliveries.due("mail", LATER)
    assert deliveries.done([first.id, second.id]) == 2
    assert deliveries.done([first.id]) == 0
    assert (first.state, first.attempts, first.delivered_at is not None) == ("done", 1, True)
    assert len(deliveries.due("mail", LATER)) == 1
    assert deliveries.counts("mail") == {"pending": 1, "done": 2, "dead": 0}


def test_what_fails_is_tried_later_and_set_aside_in_the_end(session: Session) -> None:
    deliveries = EventDeliveryRepository(session)
    deliveries.ensure("mail", _facts(session, 1))
    (row,) = deliveries.due("mail", LATER)
    again = deliveries.failed(row.id, error="timed out", next_attempt_at=LATER)
    assert (again.state, again.attempts, again.error, again.next_attempt_at) == (
        "pending",
        1,
        "timed out",
        LATER,
    )
    assert deliveries.due("mail", LATER - timedelta(seconds=1)) == []
    dead = deliveries.failed(row.id, error="gone", next_attempt_at=None)
    assert (dead.state, dead.attempts) == ("dead", 2)
    assert deliveries.due("mail", LATER) == []
    with pytest.raises(Conflict):
        deliveries.failed(row.id, error="again", next_attempt_at=LATER)
    assert deliveries.dead_letters() == deliveries.dead_letters("mail") == [dead]
    assert deliveries.dead_letters("erp") == []


def test_dead_letters_are_redriven(session: Session) -> None:
    deliveries = EventDeliveryRepository(session)
    deliveries.ensure("mail", _facts(session, 2))
    first, second = deliveries.due("mail", LATER)
    deliveries.failed(first.id, error="gone", next_attempt_at=None)
    assert deliveries.redrive([first.id, second.id]) == 1
    assert (first.state, first.attempts, first.error) == ("pending", 0, "gone")
    assert deliveries.done([first.id]) == 1
    assert first.error is None


def test_foreign_deliveries_cannot_be_touched(database: DatabaseSession, people: People) -> None:
    with database.get_session("acme") as session:
        EventDeliveryRepository(session).ensure("mail", _facts(session, 1))
        key = EventDeliveryRepository(session).due("mail", LATER)[0].id
    with database.get_session("rival") as session:
        deliveries = EventDeliveryRepository(session)
        assert deliveries.done([key]) == 0
        assert deliveries.redrive([key]) == 0
        with pytest.raises(NotFound):
            deliveries.failed(key, error="x", next_attempt_at=None)


def test_two_workers_take_different_deliveries(postgres_database: DatabaseSession) -> None:
    with postgres_database.get_session() as session:
        EventDeliveryRepository(session).ensure("mail", _facts(session, 4))
    with postgres_database.system_session() as one, postgres_database.system_session() as two:
        first = EventDeliveryRepository(one).due("mail", LATER, limit=2)
        second = EventDeliveryRepository(two).due("mail", LATER, limit=4)
        assert len(first) == len(second) == 2
        assert not {row.id for row in first} & {row.id for row in second}


@pytest.mark.parametrize("consumer", ["x" * 121, "a\x00", "\ud800", 5, None])
def test_an_unfit_consumer_is_refused_by_name(session: Session, consumer: str) -> None:
    facts = _facts(session, 1)
    for call in (
        lambda: EventDeliveryRepository(session).ensure(consumer, facts),
        lambda: InboxRepository(session).take_in(consumer, "1"),
        lambda: EventOffsetRepository(session).move(consumer, 1, expected=None),
    ):
        with pytest.raises(InvalidInput) as caught:
            call()
        assert caught.value.field == "consumer"


def test_each_message_is_taken_in_once(database: DatabaseSession, people: People) -> None:
    def take(_: int) -> bool:
        with database.get_session("acme") as session:
            return InboxRepository(session).take_in("erp", "evt_1")

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(take, range(18))) == 1
    with database.get_session("rival") as session:
        inbox = InboxRepository(session)
        assert inbox.take_in("erp", "evt_1")
        assert inbox.take_in("mail", "evt_1")
        assert inbox.take_in("erp", uuid4())
        assert inbox.forget_before(LATER) == 3
    assert not take(0)


def test_an_effect_that_fails_is_not_taken_in(database: DatabaseSession, people: People) -> None:
    scope = database.get_session("acme")
    assert InboxRepository(scope.__enter__()).take_in("erp", "evt_1")
    scope.close()
    with database.get_session("acme") as session:
        assert InboxRepository(session).take_in("erp", "evt_1")


def test_a_reader_moves_only_from_where_it_stands(database: DatabaseSession, people: People) -> None:
    with database.get_session("acme") as session:
        offsets = EventOffsetRepository(session)
        assert offsets.position("erp") is None
        offsets.move("erp", 10, expected=None)
        offsets.move("erp", 20, expected=10)
        assert offsets.position("erp") == 20
        for expected in (None, 10):
            with pytest.raises(Conflict):
                offsets.move("erp", 30, expected=expected)
        assert offsets.position("erp") == 20
    with database.get_session("rival") as session:
        assert EventOffsetRepository(session).position("erp") is None
