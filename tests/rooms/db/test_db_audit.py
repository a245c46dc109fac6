"""The audit trail and the events cannot be changed, and a changed past shows."""

from typing import Any

import pytest
from sqlalchemy import text

from factories.people import People
from procur.core.errors import InvalidInput, NotAllowed
from procur.db import DatabaseSession, Session
from procur.db.repositories import AuditRepository, EventRepository


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


def test_an_untouched_chain_is_intact(session: Session) -> None:
    audit = AuditRepository(session)
    assert audit.verify().intact
    _write(session)
    session.expunge_all()
    report = audit.verify()
    assert (report.intact, report.checked, report.broken_at) == (True, 6, None)


def test_a_long_chain_is_walked_in_batches(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("procur.db.repositories.audit._BATCH", 2)
    _write(session)
    assert AuditRepository(session).verify().checked == 6


_SWAPPED = ";".join(
    f"UPDATE audit_logs SET sequence = {new} WHERE sequence = {old}" for old, new in ((2, 9), (3, 2), (9, 3))
)
TAMPERING = {
    "edited": ("UPDATE audit_logs SET description = 'nothing to see' WHERE sequence = 3", 3, "changed"),
    "edited data": ("UPDATE audit_logs SET event_data = '{}' WHERE sequence = 3", 3, "changed"),
    "edited time": (
        "UPDATE audit_logs SET created_at = '2020-01-01 00:00:00.000000' WHERE sequence = 5",
        5,
        "changed",
    ),
    "edited owner of the deed": (
        "UPDATE audit_logs SET user_id = 'someone' WHERE sequence = 1",
        1,
        "changed",
    ),
    "removed": ("DELETE FROM audit_logs WHERE sequence = 3", 3, "missing"),
    "removed first": ("DELETE FROM audit_logs WHERE sequence = 1", 1, "missing"),
    "removed tail": ("DELETE FROM audit_logs WHERE sequence > 4", 5, "last entries"),
    "removed all": ("DELETE FROM audit_logs", 1, "last entries"),
    "reordered": (_SWAPPED, 2, "follow"),
    "rewound head": ("UPDATE number_sequences SET value = 5 WHERE kind = 'audit'", 6, "head"),
}


@pytest.mark.parametrize("kind", TAMPERING)
def test_tampering_shows(database: DatabaseSession, owner: DatabaseSession, kind: str) -> None:
    statements, broken_at, word = TAMPERING[kind]
    with database.get_session() as session:
        _write(session)
    with owner.system_session() as session:
        _disarm(session.connection())
        for statement in statements.split(";"):
            session.execute(text(statement))
    with database.get_session() as session:
        report = AuditRepository(session).verify()
    assert not report.intact
    assert report.broken_at == broken_at
    assert report.reason is not None
    assert word in report.reason


def _disarm(connection: Any) -> None:
    """Do what somebody with every right on the database could do."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("ALTER TABLE audit_logs DISABLE TRIGGER USER"))
    else:
        connection.execute(text("DROP TRIGGER append_only_audit_logs_update"))
        connection.execute(text("DROP TRIGGER append_only_audit_logs_delete"))


def test_each_organisation_has_its_own_chain(database: DatabaseSession, people: People) -> None:
    for slug, number in (("acme", 3), ("rival", 2)):
        with database.get_session(slug) as session:
            _write(session, number)
            assert AuditRepository(session).verify().checked == number
    assert people.organization_id != people.other_organization_id


def test_a_rolled_back_entry_leaves_no_gap(database: DatabaseSession) -> None:
    with pytest.raises(ZeroDivisionError), database.get_session() as session:  # noqa: PT012 - the session's end is part of it
        _write(session, 2)
        _ = 1 / 0
    with database.get_session() as session:
        _write(session, 2)
        assert AuditRepository(session).verify().checked == 2


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
    assert [row.sequence for row in audit.since(1)] == [2]


def test_what_a_browser_sends_cannot_stop_an_entry(session: Session) -> None:
    row = AuditRepository(session).log_action(action="test", user_agent="\x00\ud800" + "x" * 9000)
    assert row.user_agent is not None
    assert len(row.user_agent) == 512
    with pytest.raises(InvalidInput):
        AuditRepository(session).log_action(action="test", severity="loud")


def test_events_are_published_once(session: Session) -> None:
    events = EventRepository(session)
    first = events.append(
        type="Made", aggregate_type="request", aggregate_id="r1", version=1, payload={"a": 1}
    )
    second = events.append(type="Moved", aggregate_type="request", aggregate_id="r1", correlation_id="c")
    assert first.event_id == first.id
    assert events.unpublished() == [first, second]
    assert events.mark_published([first.id]) == 1
    assert events.mark_published([first.id]) == 0
    assert events.unpublished() == [second]
    assert events.for_aggregate("request", "r1") == [first, second]
    assert events.correlated("c") == [second]
    assert events.since(types=["Moved"]) == [second]


def test_the_trail_of_one_thing_is_read_page_by_page(session: Session) -> None:
    audit = AuditRepository(session)
    for number in range(1, 8):
        about = {"resource_type": "request", "resource_id": "REQ-1"} if number % 2 else {"resource_id": "x"}
        audit.log_action(action=f"a{number}", correlation_id="REQ-1" if number == 4 else None, **about)
    assert [row.sequence for row in audit.about("REQ-1")] == [1, 3, 4, 5, 7]
    assert audit.count_about("REQ-1") == 5
    assert [row.sequence for row in audit.about("REQ-1", limit=2)] == [5, 7]
    assert [row.sequence for row in audit.about("REQ-1", before=5, limit=2)] == [3, 4]
    assert [row.sequence for row in audit.about(limit=3)] == [5, 6, 7]
    assert audit.count_about() == 7
    assert (audit.about("REQ-2"), audit.count_about("REQ-2")) == ([], 0)
