"""The audit trail and the events cannot be changed. What proves it: tests/rooms/audit."""

from typing import Any

import pytest
from sqlalchemy import text

from factories.people import People
from procur.audit.seal import seal
from procur.core.errors import InvalidInput, NotAllowed, NotFound
from procur.db import DatabaseSession, Session
from procur.db.repositories import (
    AuditRepository,
    AuditSealRepository,
    EventLogRepository,
    EventRepository,
    TrailFilter,
)


def _write(session: Session, number: int = 6) -> None:
    audit = AuditRepository(session)
    for step in range(number):
        data = {"step": step, "price": 1.5, "huge": 1e22, "tiny": 1e-7, "n": None, "é": ["ü", True]}
        audit.log_action(action="test", resource_type="request", resource_id=f"r{step}", event_data=data)


@pytest.mark.parametrize("table", ["audit_logs", "events"])
@pytest.mark.parametrize(
    "statement", ["DELETE FROM {}", "UPDATE {} SET created_at = created_at, actor_id = 'x'"]
)
def test_rows_cannot_be_changed_or_removed(session: Session, table: str, statement: str) -> None:
    _write(session, 1)
    EventRepository(session).append(type="Made", aggregate_type="request", aggregate_id="r1")
    with pytest.raises(NotAllowed):
        session.execute(text(statement.format(table)))


def test_truncate_is_refused_too(postgres_database: DatabaseSession) -> None:
    for table in ("audit_logs", "events"):
        with pytest.raises(NotAllowed), postgres_database.get_session() as session:
            session.execute(text(f"TRUNCATE {table}"))


def test_the_repository_offers_no_way_to_change_an_entry(session: Session) -> None:
    audit = AuditRepository(session)
    row = audit.log_action(action="test")
    for attempt in (
        lambda: audit.update(row.id, action="x"),
        lambda: audit.advance(row.id, expected={}, action="x"),
        lambda: audit.delete(row.id),
        lambda: audit.soft_delete(row.id),
    ):
        with pytest.raises(NotAllowed):
            attempt()


def test_both_documented_ways_of_writing_and_reading(session: Session, people: People) -> None:
    audit = AuditRepository(session)
    audit.log_action(
        action="create_request",
        resource_type="request",
        resource_id="req-001",
        actor_type="user",
        user_id=people.alice.id,
        event_data={"category": "crm", "budget": 60000.0},
        ip_address="192.168.1.1",
    )
    audit.create_audit_log(
        user_id=1,
        event_type="blocked_content",
        event_category="security",
        severity="warning",
        description="PII detected in user input",
        extra_metadata={"pii_types": ["email", "phone"]},
    )
    assert [row.action for row in audit.get_by_user(people.alice.id)] == ["create_request"]
    assert audit.get_by_resource("request", "req-001")[0].event_data["budget"] == 60000.0
    assert [row.severity for row in audit.get_user_audit_logs(user_id=1, limit=50)] == ["warning"]
    assert len(audit.get_logs_by_type("blocked_content")) == 1
    first, second = audit.since()
    assert audit.since(first.id) == [second]


def test_what_a_browser_sends_cannot_stop_an_entry(session: Session) -> None:
    row = AuditRepository(session).log_action(action="test", user_agent="\x00\ud800" + "x" * 9000)
    assert row.user_agent is not None
    assert len(row.user_agent) == 512
    with pytest.raises(InvalidInput):
        AuditRepository(session).log_action(action="test", severity="loud")


def test_facts_are_read_by_their_place(session: Session) -> None:
    events = EventRepository(session)
    first = events.append(
        type="Made", aggregate_type="request", aggregate_id="r1", version=1, payload={"a": 1}
    )
    second = events.append(type="Moved", aggregate_type="request", aggregate_id="r1", correlation_id="c")
    assert first.event_id == first.id
    assert events.after() == []
    assert EventLogRepository(session).number() == 2
    assert EventLogRepository(session).number() == 0
    session.expire_all()
    assert [(row.position, row.version) for row in events.after()] == [(1, 1), (2, 2)]
    assert first.published_at is not None
    assert events.for_aggregate("request", "r1") == [first, second]
    assert events.correlated("c") == [second]
    assert events.after(types=["Moved"]) == events.after(1) == [second]


def test_the_trail_is_read_page_by_page_and_by_what_is_asked(session: Session, people: People) -> None:
    audit = AuditRepository(session)
    for number in range(1, 8):
        about = {"resource_type": "request", "resource_id": "REQ-1"} if number % 2 else {"resource_id": "x"}
        audit.log_action(
            action=f"a{number}",
            correlation_id="REQ-1" if number == 4 else None,
            severity="error" if number == 5 else "info",
            event_category="access" if number == 6 else "general",
            actor_id="alice@acme.example" if number == 7 else None,
            user_id=people.bob.id if number == 2 else None,
            **about,
        )
    rows = audit.since()

    def actions(**wanted: Any) -> list[str]:
        found = [each.row.action for each in audit.trail(TrailFilter(**wanted)).rows]
        assert audit.count_trail(TrailFilter(**wanted)) == len(found)
        return found

    assert actions(subject="REQ-1") == ["a7", "a5", "a4", "a3", "a1"]
    assert actions(subject="REQ-2") == []
    assert actions(action="a3") == ["a3"]
    assert actions(severity="error") == ["a5"]
    assert actions(category="access") == ["a6"]
    assert actions(user="alice@acme.example") == ["a7"]
    assert actions(user=str(people.bob.id)) == ["a2"]
    assert actions(since=rows[5].created_at) == ["a7", "a6"]
    assert actions(until=rows[2].created_at) == ["a2", "a1"]
    with pytest.raises(InvalidInput, match="severity"):
        actions(severity="loud")
    pages, cursor = [], None
    while True:
        page = audit.trail(TrailFilter("REQ-1"), cursor=cursor, limit=2)
        pages.append([each.row.action for each in page.rows])
        cursor = page.next_cursor
        if cursor is None:
            break
    assert pages == [["a7", "a5"], ["a4", "a3"], ["a1"]]
    assert {each.sequence for each in audit.trail().rows} == {None}


def test_the_view_shows_entries_with_their_numbers_and_keeps_the_walls(
    database: DatabaseSession, people: People
) -> None:
    for slug in ("acme", "rival"):
        with database.get_session(slug) as session:
            _write(session, 2)
            seal(session)
            _write(session, 1)
    with database.get_session("rival") as session:
        query = "SELECT sequence, organization_id FROM audit_trail ORDER BY created_at, id"
        rows = session.execute(text(query)).all()
    own = [row for row in rows if str(row[1]).replace("-", "") == people.other_organization_id.hex]
    assert [row[0] for row in own] == [1, 2, None]
    if database.engine.dialect.name == "postgresql":  # SQLite has no walls inside
        assert rows == own


@pytest.mark.parametrize("table", ["audit_seals", "audit_checkpoints"])
def test_seals_and_checkpoints_cannot_be_changed_or_removed(owner: DatabaseSession, table: str) -> None:
    with owner.get_session() as session:
        _write(session, 1)
        seal(session)
        AuditSealRepository(session).add_checkpoint(
            size=1, root_hash="", chain_hash="", frontier=[], key_name="k", note="n"
        )
    for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET chain_hash = 'x'"):
        with pytest.raises(NotAllowed), owner.get_session() as session:
            session.execute(text(statement))


def test_an_entry_can_be_named_by_no_foreign_session(database: DatabaseSession, people: People) -> None:
    with database.get_session("acme") as session:
        key = AuditRepository(session).log_action(action="test").id
    with database.get_session("rival") as session, pytest.raises(NotFound):
        AuditRepository(session).since(key)
