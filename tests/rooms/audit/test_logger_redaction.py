"""No card number, key or address of a corpus reaches a table, a log file or the spool."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, String, cast, select

from procur.audit import AuditLogger
from procur.conversations import ConversationMemory
from procur.core.redaction import kinds_in
from procur.db import DatabaseSession
from procur.db.repositories import AuditRepository

SECRETS = [
    "4111111111111111",
    "5555-5555-5555-4444",
    "3782 822463 10005",
    "sk-proj-Zq3vR8sT1uW5xY7aB2cD",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "AKIAIOSFODNN7EXAMPLE",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.s5cTqZkw",
    "hunter2secret",  # as a password in a URL
]
PERSONAL = ["alice@personal.example", "+49 30 1234567", "123-45-6789", "DE89370400440532013000"]


def phrases() -> Iterator[str]:
    for secret in SECRETS:
        told = f"postgresql://bob:{secret}@db.example/x" if secret.startswith("hunter") else secret
        yield f"The customer said {told}, twice: {told}."
    for detail in PERSONAL:
        yield f"Write to {detail} please"


def everything(database: DatabaseSession) -> str:
    """Return every column of every row of every table, as one text."""
    known = MetaData()
    known.reflect(database.engine)
    texts: list[str] = []
    with database.system_session() as session:
        # SQLite's full-text index keeps its own bytes in tables of its own, made from `messages`.
        for table in (one for one in known.tables.values() if not one.name.startswith("search_")):
            for row in session.execute(select(*(cast(column, String) for column in table.columns))):
                texts += [str(value) for value in row]
    return "\n".join(texts)


def files(folder: Path) -> str:
    return "\n".join(path.read_text() for path in folder.rglob("*") if path.is_file())


# P-7
def test_nothing_of_the_corpus_is_kept_anywhere(
    logger: AuditLogger, logs: Path, away: Any, database: DatabaseSession
) -> None:
    with away():
        for phrase in phrases():
            logger.log_event("spooled", {"text": phrase}, description=phrase)
    waiting = files(logs)
    assert "REDACTED_EMAIL" in waiting
    for number, phrase in enumerate(phrases()):
        logger.log_event(
            "said", {phrase: [phrase, {"deep": (phrase,)}]}, "7", description=phrase, user_agent=phrase
        )
        logger.log_blocked_content(phrase, "7")
        logger.log_pii_detected(kinds_in(phrase), "7")
        logger.log_security_event("leak", phrase, details={"text": phrase})
        logger.log_tool_execution("pay", {"card": phrase}, phrase)
        with database.get_session() as session:
            AuditRepository(session).log_action(
                action="said",
                event_data={"n": number, "t": phrase},
                changes={phrase: phrase},
                description=phrase,
            )
            AuditRepository(session).create_audit_log(
                event_type="said", description=phrase, extra_metadata={"number": 4111111111111111}
            )
    assert logger.get_stats()["waiting"] == 0
    kept = {"tables": everything(database), "files": files(logs), "files while away": waiting}
    for where, text in kept.items():
        found = [secret for secret in SECRETS + PERSONAL if secret in text]
        assert found == [], where
        for kind in ("EMAIL", "CREDIT_CARD", "API_KEY", "PHONE", "SSN", "IBAN"):
            assert f"[REDACTED_{kind}]" in text


# P-7: a conversation keeps what people say of themselves, but neither cards nor keys
def test_a_conversation_keeps_no_card_and_no_key(database: DatabaseSession) -> None:
    memory = ConversationMemory(database=database)
    for number, phrase in enumerate(phrases()):
        memory.add_message(f"c{number}", "user", phrase, metadata={"note": phrase})
    kept = everything(database) + str([memory.get_history(f"c{number}") for number in range(20)])
    assert [secret for secret in SECRETS if secret in kept] == []
    assert PERSONAL[0] in kept


def test_the_scan_would_find_it(database: DatabaseSession) -> None:
    with database.get_session() as session:
        AuditRepository(session).log_action(action="seen", actor_id="alice@personal.example")
    assert "alice@personal.example" in everything(database)


def test_identities_hashes_and_amounts_stay(logger: AuditLogger, database: DatabaseSession) -> None:
    details = {
        "request_id": "REQ-2026-00042",
        "document_hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "total": "12500.00",
        "at_ms": 1732191595123,
        "id": "0193a0b4-41ae-7c44-8b1e-4111a1112222",
        "ratio": 0.4532015112830366,
    }
    logger.log_event(
        "said", details, user_id="alice@personal.example", description="REQ-2026-00042: $12,500.00"
    )
    with database.get_session() as session:
        (row,) = AuditRepository(session).get_by_user("alice@personal.example")
        assert row.event_data == details
        assert row.description == "REQ-2026-00042: $12,500.00"


@pytest.mark.parametrize("kind", ["email", "credit_card"])
def test_of_personal_data_only_the_kinds_are_recorded(logger: AuditLogger, kind: str) -> None:
    logger.log_pii_detected(kinds_in({"email": "a@b.example", "credit_card": "4111111111111111"}[kind]), "7")
    (event,) = logger.get_recent_events()
    assert event["details"] == {"pii_types": [kind]}
