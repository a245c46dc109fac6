"""What every transport promises: each fact to each group once, in order, whatever goes wrong."""

import threading
from asyncio import CancelledError
from collections.abc import Callable

from contract import FAST, Probed, Transport, effects, note, write

from factories.people import People
from procur.core.errors import Unavailable
from procur.db import Session
from procur.db.repositories import EventDeliveryRepository, NotificationRepository
from procur.events.event import Event
from procur.events.groups import Retrying
from procur.events.handlers import Handler, React, on
from procur.events.replay import replay

COUNT, THINGS = 60, 5
EACH = list(range(1, COUNT // THINGS + 1))
ALL = {f"t{one}": EACH for one in range(THINGS)}


def noting(group: str, before: Callable[[Event], None] | None = None) -> Handler:
    """Return a handler that notes each fact, after a look at it."""

    def react(session: Session, event: Event) -> None:
        if before is not None:
            before(event)
        note(session, group, event)

    return on(Probed, group=group)(react)


def test_each_fact_reaches_each_group_once_and_in_order(
    transport: Transport, people: People, counted: Callable[[int, str], None]
) -> None:
    for organization in ("acme", "rival"):
        write(transport.database, organization, COUNT, things=THINGS)
    transport.run([noting("one"), noting("two")])
    for organization in ("acme", "rival"):
        write(transport.database, organization, 5, things=THINGS)
    transport.run([noting("one"), noting("two")])
    transport.run([noting("one"), noting("two")])
    more = {name: [*EACH, len(EACH) + 1] for name in ALL}
    for organization in ("acme", "rival"):
        for group in ("one", "two"):
            assert effects(transport.database, organization, group) == more
    counted(2 * 2 * (COUNT + 5), "facts to groups, each once and in order")


def test_groups_and_types_are_independent(transport: Transport, people: People) -> None:
    def other(session: Session, event: Event) -> None:
        raise AssertionError

    write(transport.database, "acme", COUNT, things=THINGS)
    never = Handler("never", frozenset({"SomethingElse"}), other)
    transport.run([noting("one"), never])
    assert effects(transport.database, "acme", "one") == ALL
    transport.run([noting("one"), noting("late"), never])
    assert effects(transport.database, "acme", "late") == ALL
    assert effects(transport.database, "acme", "one") == ALL
    with transport.database.get_session("acme") as session:
        assert EventDeliveryRepository(session).count() == 0


def test_what_cannot_be_taken_in_is_set_aside_while_others_flow(transport: Transport, people: People) -> None:
    tried: list[int] = []

    def choke(event: Event) -> None:
        if event.payload["number"] in {0, 11}:
            tried.append(event.payload["number"])
            raise ValueError(f"cannot take {event.payload['number']}")

    write(transport.database, "acme", COUNT, things=THINGS)
    transport.run([noting("one", choke), noting("two")])
    assert set(tried) == {0, 11}
    assert effects(transport.database, "acme", "two") == ALL
    without = ALL | {"t0": EACH[1:], "t1": [one for one in EACH if one != 3]}
    assert effects(transport.database, "acme", "one") == without
    with transport.database.get_session("acme") as session:
        dead = EventDeliveryRepository(session).dead_letters("one")
        assert {row.error for row in dead} == {"ValueError: cannot take 0", "ValueError: cannot take 11"}
        assert {row.attempts for row in dead} == {FAST.attempts}
        assert EventDeliveryRepository(session).redrive([row.id for row in dead]) == 2
    transport.run([noting("one"), noting("two")])
    found = effects(transport.database, "acme", "one")
    assert {name: sorted(versions) for name, versions in found.items()} == ALL
    with transport.database.get_session("acme") as session:
        assert EventDeliveryRepository(session).counts("one")["dead"] == 0


def test_a_fact_that_fails_at_first_keeps_its_place(transport: Transport, people: People) -> None:
    failures = {0: 2, 7: 1, 58: 1}

    def stumble(event: Event) -> None:
        if failures.get(event.payload["number"], 0) > 0:
            failures[event.payload["number"]] -= 1
            raise ValueError("not yet")

    write(transport.database, "acme", COUNT, things=THINGS)
    transport.run([noting("one", stumble)], retrying=Retrying(attempts=5, first=0.05))
    assert effects(transport.database, "acme", "one") == ALL


def test_a_crash_between_effect_and_acknowledgement_neither_loses_nor_doubles(
    transport: Transport, people: People
) -> None:
    crashes, connections = {3, 40}, transport.database.engine.dialect.name == "postgresql"

    def react(session: Session, event: Event) -> None:
        note(session, "one", event)
        if event.payload["number"] in crashes:
            crashes.remove(event.payload["number"])
            session.flush()
            if connections:
                session.execute("SELECT pg_terminate_backend(pg_backend_pid())")
            raise KeyboardInterrupt

    write(transport.database, "acme", COUNT, things=THINGS)
    transport.run([on(Probed, group="one")(react)])
    assert not crashes
    assert effects(transport.database, "acme", "one") == ALL
    with transport.database.get_session("acme") as session:
        assert EventDeliveryRepository(session).count() == 0  # nobody's fault, so no attempt was counted


def test_whatever_a_handler_raises_is_that_facts_failure(transport: Transport, people: People) -> None:
    errors = {1: SystemExit("out"), 12: CancelledError(), 23: Unavailable("not now")}

    def react(session: Session, event: Event) -> None:
        note(session, "one", event)
        if event.payload["number"] in errors:
            raise errors[event.payload["number"]]
        if event.payload["number"] == 34:
            session.execute("SELECT no_such_column FROM events")

    write(transport.database, "acme", COUNT, things=THINGS)
    transport.run([on(Probed, group="one")(react)])
    write(transport.database, "acme", 10, things=THINGS)
    transport.run([on(Probed, group="one")(react)])  # numbers 1 again, and nobody has ended
    with transport.database.get_session("acme") as session:
        dead = EventDeliveryRepository(session).dead_letters("one")
    kinds = sorted(str(row.error).partition(":")[0] for row in dead)
    assert kinds[:2] == ["CancelledError", "SystemExit"]
    assert len(kinds) == 5
    assert "Unavailable" in kinds
    assert {len(versions) for versions in effects(transport.database, "acme", "one").values()} == {12, 13, 14}


def test_more_consumers_of_a_group_neither_double_nor_disorder(transport: Transport, people: People) -> None:
    writers = []
    for organization in ("acme", "rival"):
        write(transport.database, organization, COUNT // 2, things=THINGS)
        rest = (transport.database, organization, COUNT // 2)
        writers.append(threading.Thread(target=write, args=rest, kwargs={"things": THINGS}))
    for writer in writers:
        writer.start()
    transport.run([noting("one"), noting("two")], consumers=2)
    for writer in writers:
        writer.join()
    transport.run([noting("one"), noting("two")], consumers=2)
    for organization in ("acme", "rival"):
        for group in ("one", "two"):
            assert effects(transport.database, organization, group) == ALL


def test_a_group_reads_again_from_the_beginning_or_from_a_place(transport: Transport, people: People) -> None:
    write(transport.database, "acme", COUNT, things=THINGS)
    handlers = [noting("one"), noting("two")]
    transport.run(handlers)
    with transport.database.get_session("acme") as session:
        assert replay(session, "one", position=1) == (1, COUNT)
    transport.run(handlers)
    twice = {name: versions * 2 for name, versions in ALL.items()}
    assert effects(transport.database, "acme", "one") == twice
    assert effects(transport.database, "acme", "two") == ALL
    with transport.database.get_session("acme") as session:
        assert replay(session, "two", position=COUNT - THINGS + 1) == (COUNT - THINGS + 1, THINGS)
    transport.run(handlers)
    again = {name: [*versions, versions[-1]] for name, versions in ALL.items()}
    assert effects(transport.database, "acme", "one") == twice
    assert effects(transport.database, "acme", "two") == again


def test_a_handler_sees_only_the_organisation_of_its_fact(transport: Transport, people: People) -> None:
    seen: set[tuple[object, object]] = set()

    def look(session: Session, event: Event) -> None:
        seen.add((session.info["organization_id"], event.organization_id))
        assert not effects_of_others(session, event)
        note(session, "one", event)

    react: React = look
    for organization in ("acme", "rival"):
        write(transport.database, organization, 10)
    transport.run([on(group="one")(react)])
    keys = {people.organization_id, people.other_organization_id}
    assert seen == {(key, key) for key in keys}


def effects_of_others(session: Session, event: Event) -> list[object]:
    rows = NotificationRepository(session).get_all(limit=1000)
    return [row for row in rows if row.organization_id != event.organization_id]
