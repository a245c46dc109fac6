"""The audit logger: what it writes, where, and what it says about itself."""

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from procur.audit import AuditLogger, get_audit_logger
from procur.audit import logger as module
from procur.audit.categories import category_of
from procur.core.clock import SteppingClock
from procur.core.errors import Conflict, InvalidInput, NotFound, Unavailable
from procur.db import DatabaseSession, get_db_session
from procur.db.models import AuditLogRecord
from procur.db.repositories import AuditRepository

START = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)


def rows(database: DatabaseSession) -> list[AuditLogRecord]:
    with database.get_session() as session:
        return AuditRepository(session).since(limit=1000)


def lines(folder: Path) -> list[dict[str, Any]]:
    return [
        json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()
    ]


@pytest.fixture
def file_only(logs: Path) -> AuditLogger:
    return AuditLogger(logs, use_database=False, clock=SteppingClock(START, timedelta(hours=10)))


def test_the_documented_event_is_in_the_file_and_in_the_database(
    logger: AuditLogger, logs: Path, database: DatabaseSession
) -> None:
    # P-5: nobody knows user 1, and the event is stored all the same.
    known = logger.log_event(
        event_type="blocked_content",
        details={"reason": "PII detected"},
        user_id="1",
        severity="warning",
    )
    (line,), (row,) = lines(logs), rows(database)
    assert (line["id"], row.id) == (str(known), known)
    assert (line["event_type"], row.action) == ("blocked_content", "blocked_content")
    assert (line["event_category"], row.event_category) == ("security", "security")
    assert (line["severity"], row.severity) == ("warning", "warning")
    assert (line["user_id"], row.user_id) == ("1", "1")
    assert line["details"] == row.event_data == {"reason": "PII detected"}
    assert datetime.fromisoformat(line["timestamp"]) == row.created_at
    assert (row.actor_type, row.description) == ("user", None)


# P-6: the documented example holds.
CATEGORIES = {
    "blocked_content": "security",
    "pii_detected": "security",
    "rate_limit_exceeded": "security",
    "security_injection": "security",
    "compliance_consent": "compliance",
    "authentication": "access",
    "data_access": "access",
    "tool_execution": "system",
    "circuit_breaker": "system",
    "anything_else": "general",
}


@pytest.mark.parametrize("event_type", CATEGORIES)
def test_each_type_has_its_category(file_only: AuditLogger, logs: Path, event_type: str) -> None:
    assert category_of(event_type) == CATEGORIES[event_type]
    file_only.log_event(event_type)
    file_only.log_event(event_type, event_category="compliance")
    assert [line["event_category"] for line in lines(logs)] == [CATEGORIES[event_type], "compliance"]


SHORTHANDS: dict[str, tuple[Callable[[AuditLogger], uuid.UUID], str, str, str]] = {
    "blocked": (
        lambda log: log.log_blocked_content("x" * 300, "u"),
        "blocked_content",
        "security",
        "warning",
    ),
    "pii": (lambda log: log.log_pii_detected({"email"}, "u"), "pii_detected", "security", "info"),
    "security": (
        lambda log: log.log_security_event("sqli", "' or 1"),
        "security_sqli",
        "security",
        "critical",
    ),
    # P-8: a caller may say how severe it is.
    "milder": (
        lambda log: log.log_security_event("key", severity="info", details={"key": "hint"}),
        "security_key",
        "security",
        "info",
    ),
    "tool": (
        lambda log: log.log_tool_execution("search", {"q": 1}, "ok"),
        "tool_execution",
        "system",
        "info",
    ),
    "tool failed": (
        lambda log: log.log_tool_execution("search", {}, "no", success=False),
        "tool_execution",
        "system",
        "error",
    ),
    "limit": (
        lambda log: log.log_rate_limit_exceeded("u", "minute"),
        "rate_limit_exceeded",
        "security",
        "warning",
    ),
    "signed in": (
        lambda log: log.log_authentication("u", True, "password"),
        "authentication",
        "access",
        "info",
    ),
    "not signed in": (lambda log: log.log_authentication("u", False), "authentication", "access", "warning"),
    "data": (lambda log: log.log_data_access("u", "REQ-1", "read"), "data_access", "access", "info"),
    "cut off": (lambda log: log.log_circuit_breaker("llm", "open"), "circuit_breaker", "system", "warning"),
    "let through": (
        lambda log: log.log_circuit_breaker("llm", "closed"),
        "circuit_breaker",
        "system",
        "info",
    ),
    "compliance": (
        lambda log: log.log_compliance_event("consent", "u", {"given": True}),
        "compliance_consent",
        "compliance",
        "info",
    ),
}


@pytest.mark.parametrize("name", SHORTHANDS)
def test_each_shorthand_has_its_type_category_and_severity(
    file_only: AuditLogger, logs: Path, name: str
) -> None:
    call, *expected = SHORTHANDS[name]
    known = call(file_only)
    (line,) = lines(logs)
    assert line["id"] == str(known)
    assert [line["event_type"], line["event_category"], line["severity"]] == expected


def test_of_blocked_content_a_hundred_redacted_characters_stay(file_only: AuditLogger, logs: Path) -> None:
    # The card number crosses the cut: half of it would not be recognised any more.
    file_only.log_blocked_content("y" * 89 + " 4111 1111 1111 1111 " + "z" * 100)
    details = lines(logs)[0]["details"]
    assert details["content_length"] == 210
    assert len(details["content_preview"]) == 100
    assert "4111" not in details["content_preview"]


# P-4: the newest ones, whatever day they are of.
def test_recent_events_are_the_newest_across_days(file_only: AuditLogger, logs: Path) -> None:
    for number in range(7):
        severity = "warning" if number % 3 == 0 else "info"
        file_only.log_event(f"type_{number % 2}", {"n": number}, severity=severity)
    assert len(list(logs.glob("audit-2026-12-0*.jsonl"))) == 3

    def numbers(*args: Any, **kwargs: Any) -> list[int]:
        return [event["details"]["n"] for event in file_only.get_recent_events(*args, **kwargs)]

    assert numbers() == [6, 5, 4, 3, 2, 1, 0]
    assert numbers(2) == [6, 5]
    assert numbers(2, severity="warning") == [6, 3]
    assert numbers(2, event_type="type_1") == [5, 3]
    assert numbers(0) == []
    with pytest.raises(InvalidInput, match="limit"):
        file_only.get_recent_events(-1)


def test_long_files_are_read_from_the_end(file_only: AuditLogger, logs: Path) -> None:
    file_only.log_event("first", {"text": "é" * 70_000})
    (path,) = logs.glob("*.jsonl")
    with path.open("ab") as handle:
        handle.write(b'{"id": "torn')
    known = [file_only.log_event("later", {"n": n, "text": "x" * 30_000}) for n in range(5)]
    assert [event["id"] for event in file_only.get_recent_events(3)] == [str(i) for i in known[:-4:-1]]
    assert len(file_only.get_recent_events()) == 6


def test_stats_count_todays_file(logs: Path) -> None:
    logger = AuditLogger(logs, use_database=False)
    assert logger.get_stats()["total_events"] == 0
    logger.log_authentication("u", True)
    logger.log_authentication("u", False)
    logger.log_event("other")
    stats = logger.get_stats()
    assert stats["total_events"] == 3
    assert stats["severity_counts"] == {"info": 2, "warning": 1}
    assert stats["event_type_counts"] == {"authentication": 2, "other": 1}
    assert stats["category_counts"] == {"access": 2, "general": 1}
    assert (stats["waiting"], stats["warnings"], stats["torn_lines"]) == (0, 0, 0)


def test_without_a_database_nothing_asks_for_one(logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USE_DATABASE", "False")
    monkeypatch.setenv("PROCUR_AUDIT_LOG_DIR", str(logs))
    monkeypatch.setattr(module, "get_db_session", None)
    monkeypatch.setattr(module, "_logger", None)
    assert get_audit_logger() is get_audit_logger()
    assert get_audit_logger().log_event("x")
    assert len(lines(logs)) == 1
    assert not (logs / "spool").exists()


def test_the_database_of_the_process_is_the_default(
    logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROCUR_DB_URL", f"sqlite:///{tmp_path / 'own.db'}")
    monkeypatch.setattr("procur.db.session._default", None)
    get_db_session().create_all_tables()
    AuditLogger(logs).log_event("x")
    assert len(rows(get_db_session())) == 1
    get_db_session().close()


REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "no type": ("event_type", {"event_type": ""}),
    "a long type": ("event_type", {"event_type": "x" * 121}),
    "severity": ("severity", {"severity": "loud"}),
    "event_category": ("event_category", {"event_category": "mine"}),
    "user_id": ("user_id", {"user_id": "u" * 65}),
    "a list": ("details", {"details": ["a"]}),
    "not of JSON": ("details", {"details": {"a": object()}}),
    "description": ("description", {"description": 5}),
    "id": ("event_id", {"event_id": "seven"}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_stored_is_refused_before_anything_is_written(
    logger: AuditLogger, logs: Path, database: DatabaseSession, case: str
) -> None:
    field, values = REFUSED[case]
    with pytest.raises(InvalidInput) as refused:
        logger.log_event(**{"event_type": "x", **values})
    assert refused.value.field == field
    assert field in refused.value.message
    assert lines(logs) == []
    assert rows(database) == []


def test_a_text_that_no_database_takes_cannot_stop_an_event(
    logger: AuditLogger, logs: Path, database: DatabaseSession
) -> None:
    bad = "a\x00b\ud800c"
    logger.log_event("x" + bad, {bad: [bad, {"deep": bad}]}, bad, description=bad)
    logger.log_blocked_content(bad)
    blocked, row = sorted(rows(database), key=lambda row: row.action)
    good = "a\ufffdb\ufffdc"
    assert (row.action, row.user_id, row.description) == ("x" + good, good, good)
    assert row.event_data == {good: [good, {"deep": good}]} == lines(logs)[0]["details"]
    assert blocked.event_data == {"content_preview": good, "content_length": 5}


def test_details_of_any_size_are_recorded(logger: AuditLogger, logs: Path, database: DatabaseSession) -> None:
    logger.log_event("x", {"text": "é" * 120_000})
    logger.log_event("y", {"text": "é" * 1_000_000, "more": [1, 2]})
    whole, cut = (line["details"] for line in lines(logs))
    assert len(whole["text"]) == 120_000
    assert cut["cut"].startswith("2000")
    assert cut["json"].startswith('{"text": "éé')
    assert len(cut["json"]) < 256_000
    assert {row.action: row.event_data for row in rows(database)} == {"x": whole, "y": cut}


def test_details_nested_too_deeply_are_refused(logger: AuditLogger, logs: Path) -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InvalidInput) as refused:
        logger.log_event("x", {"deep": deep})
    assert refused.value.field == "details"
    assert lines(logs) == []


def test_a_security_event_takes_details_in_place_of_a_text(file_only: AuditLogger, logs: Path) -> None:
    file_only.log_security_event("x", {})
    file_only.log_security_event("x", {"a": 1}, details={"b": 2})
    assert [line["details"] for line in lines(logs)] == [{}, {"a": 1, "b": 2}]


def test_no_card_that_a_cut_goes_through_stays(file_only: AuditLogger, logs: Path) -> None:
    key = "-----BEGIN PRIVATE KEY-----" + "a" * 1_920 + "-----END PRIVATE KEY----- "
    for card in ("4111 1111 1111 1111 and more", "4111111111111111 and more"):
        for cut in range(1, 20):
            file_only.log_blocked_content(key + "x " * ((2000 - cut - len(key)) // 2) + card)
    file_only.log_blocked_content("y" * 84 + " 4111111111111111y")
    for line in lines(logs):
        preview = line["details"]["content_preview"]
        assert "4111 1111 1" not in preview
        assert "411111111" not in preview


@pytest.mark.parametrize("given", ["sqlite://", object()])
def test_a_session_that_is_none_is_refused(logs: Path, given: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        AuditLogger(logs, db_session=given)
    assert refused.value.field == "db_session"


def test_what_a_browser_sends_cannot_stop_an_event(
    logger: AuditLogger, logs: Path, database: DatabaseSession
) -> None:
    logger.log_event("x", ip_address="10.0.0.1" * 30, user_agent="\x00\ud800curl " + "x" * 9000)
    assert len(lines(logs)) == 1
    (row,) = rows(database)
    assert row.user_agent is not None
    assert row.user_agent.startswith("curl xxx")


def test_an_event_of_a_known_id_is_one_row_and_one_recent_event(
    logger: AuditLogger, database: DatabaseSession
) -> None:
    known = uuid.uuid4()
    assert logger.log_event("x", event_id=known) == logger.log_event("x", event_id=str(known)) == known
    assert [row.id for row in rows(database)] == [known]
    assert len(logger.get_recent_events()) == 1
    with pytest.raises(Conflict):
        logger.log_event("x", {"other": 1.5}, event_id=known)
    assert [row.event_data for row in rows(database)] == [{}]


def test_an_unknown_organisation_is_said(logs: Path, impatient: DatabaseSession) -> None:
    with pytest.raises(NotFound):
        AuditLogger(logs, database=impatient, organization="nobody").log_event("x")


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="audit log"):
        AuditLogger(tmp_path / "file", use_database=False).log_event("x")


def test_a_row_can_be_part_of_the_callers_transaction(logs: Path, database: DatabaseSession) -> None:
    with pytest.raises(ZeroDivisionError), database.get_session() as session:  # noqa: PT012 - the session's end is part of it
        AuditLogger(logs, db_session=session).log_event("dropped")
        _ = 1 / 0
    with database.get_session() as session:
        AuditLogger(logs, db_session=session).log_event("kept")
    assert [row.action for row in rows(database)] == ["kept"]
    assert [line["event_type"] for line in lines(logs)] == ["dropped", "kept"]
    assert [row.action for row in rows(database)] == ["kept"]


def test_a_removed_file_is_made_again(file_only: AuditLogger, logs: Path) -> None:
    fixed = AuditLogger(logs, use_database=False, clock=SteppingClock(START))
    fixed.log_event("one")
    next(logs.glob("*.jsonl")).unlink()
    fixed.log_event("two")
    assert [line["event_type"] for line in lines(logs)] == ["two"]


def test_only_the_owner_reads_the_files(file_only: AuditLogger, logs: Path) -> None:
    file_only.log_event("x")
    assert next(logs.glob("*.jsonl")).stat().st_mode & 0o077 == 0
