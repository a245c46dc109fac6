"""A database from before the seals keeps its trail: every entry is sealed anew, in its old order."""

import json
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from procur.audit.seal import seal, seal_waiting
from procur.audit.verify import verify
from procur.core.errors import NotAllowed
from procur.db import DatabaseSession, migrate
from procur.db.repositories import AuditRepository


def _old_entries(database: DatabaseSession, number: int) -> None:
    """Write entries as Procur before 0007 did: numbered and chained, with a counter."""
    sqlite = database.engine.dialect.name == "sqlite"
    document = ":data" if sqlite else "CAST(:data AS jsonb)"
    with database.system_session() as session:
        org = uuid4()
        spelled: Any = org.hex if sqlite else org
        moment = "2026-01-01 00:00:00.000000"
        session.execute(
            text(
                "INSERT INTO organizations (id, name, slug, subscription_tier, monthly_analysis_limit, "
                "monthly_analysis_count, is_active, settings, created_at, updated_at) VALUES "
                f"(:o, 'Old', 'default', 'free', 0, 0, :yes, {document}, :m, :m)"
            ),
            {"o": spelled, "m": moment, "data": "{}", "yes": True},
        )
        for place in range(1, number + 1):
            key = uuid4()
            session.execute(
                text(
                    "INSERT INTO audit_logs (organization_id, id, sequence, actor_type, action, "
                    "event_category, severity, event_data, changes, previous_hash, hash, created_at) VALUES "
                    f"(:o, :e, :n, 'user', :a, 'general', 'info', {document}, {document}, 'x', 'y', :m)"
                ),
                {
                    "o": spelled,
                    "e": key.hex if sqlite else key,
                    "n": place,
                    "a": f"a{place}",
                    "data": json.dumps({"n": place}),
                    "m": f"2026-01-01 00:00:{place:02}.000000",
                },
            )
        session.execute(
            text(
                "INSERT INTO number_sequences (organization_id, kind, year, value, state, "
                "created_at, updated_at) VALUES (:o, 'audit', 0, :n, 'y', :m, :m)"
            ),
            {"o": spelled, "n": number, "m": moment},
        )


@pytest.mark.parametrize("revision", ["0001", "0006"])
def test_an_old_trail_is_sealed_and_verifies(empty_database: DatabaseSession, revision: str) -> None:
    migrate.upgrade(empty_database.engine, revision)
    _old_entries(empty_database, 5)
    migrate.upgrade(empty_database.engine)
    with empty_database.get_session() as session:
        assert verify(session).waiting == 5
    assert seal_waiting(empty_database.get_session, batch=2).size == 5
    with empty_database.get_session() as session:
        found = AuditRepository(session).trail().rows[::-1]
        assert [(each.sequence, each.row.action) for each in found] == [(n, f"a{n}") for n in range(1, 6)]
        assert [each.row.event_data for each in found] == [{"n": n} for n in range(1, 6)]
        AuditRepository(session).log_action(action="new")
        seal(session)
        report = verify(session)
        assert (report.intact, report.sealed) == (True, 6)
    for statement in ("DELETE FROM audit_logs", "UPDATE audit_logs SET action = 'x'"):
        with pytest.raises(NotAllowed), empty_database.get_session() as session:
            session.execute(text(statement))


def test_the_way_down_and_up_again_keeps_every_entry(empty_database: DatabaseSession) -> None:
    empty_database.create_all_tables()
    with empty_database.get_session() as session:
        for number in range(4):
            AuditRepository(session).log_action(action=f"a{number}")
        seal(session, limit=3)
    migrate.downgrade(empty_database.engine, "0006")
    with empty_database.system_session() as session:
        rows = session.execute(text("SELECT sequence, action FROM audit_logs ORDER BY sequence")).all()
        counter = text("SELECT value FROM number_sequences WHERE kind = 'audit'")
        assert session.execute(counter).scalar_one() == 4
    assert [tuple(row) for row in rows] == [(n + 1, f"a{n}") for n in range(4)]
    migrate.upgrade(empty_database.engine)
    with empty_database.get_session() as session:
        assert verify(session).waiting == 4
        seal(session)
        assert verify(session).intact
