"""While the database is away events wait; when it is back they are moved, each once."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest

import outages
from factories.people import People
from procur.audit import AuditLogger
from procur.audit import logger as module
from procur.audit.lines import LineFile, line_of
from procur.audit.spool import Spool
from procur.core.errors import InvalidInput, Unavailable
from procur.db import DatabaseSession
from procur.db.repositories import AuditRepository, OrganizationRepository


def stored(database: DatabaseSession, organization: str | None = None) -> list[int]:
    with database.get_session(organization) as session:
        entries = AuditRepository(session).since(limit=1000)
        return [entry.event_data["n"] for entry in sorted(entries, key=lambda entry: entry.created_at)]


def write(logger: AuditLogger, *numbers: int) -> None:
    for number in numbers:
        logger.log_event("step", {"n": number})


def test_the_next_event_takes_the_waiting_ones_along(
    logger: AuditLogger, away: Any, database: DatabaseSession
) -> None:
    write(logger, 0)
    with away():
        write(logger, 1, 2, 3)
        stats = logger.get_stats()
        assert (stats["waiting"], stats["warnings"], stats["stored"]) == (3, 3, 1)
        assert stats["last_problem"]
        assert logger.replay().stopped_by
    assert stored(database) == [0]
    write(logger, 4)
    assert stored(database) == [0, 1, 2, 3, 4]
    stats = logger.get_stats()
    assert (stats["waiting"], stats["replayed"], stats["rejected"]) == (0, 4, 0)
    assert stats["total_events"] == 5


def test_replay_moves_them_too_and_again_moves_nothing(
    logger: AuditLogger, away: Any, database: DatabaseSession
) -> None:
    with away():
        write(logger, *range(5))
    result = logger.replay()
    assert (result.moved, result.rejected, result.torn, result.stopped_by) == (5, 0, 0, None)
    assert logger.replay().moved == 0
    assert stored(database) == [0, 1, 2, 3, 4]
    assert list((logger.log_dir / "spool").glob("*.jsonl")) == []


def test_another_process_finds_what_waits(
    logger: AuditLogger, away: Any, logs: Path, database: DatabaseSession
) -> None:
    with away():
        write(logger, 1)
    write(AuditLogger(logs, database=database), 2)
    assert stored(database) == [1, 2]


def test_an_event_that_was_committed_and_spooled_is_one_row(
    logger: AuditLogger, database: DatabaseSession
) -> None:
    write(logger, 1)
    (event,) = logger.get_recent_events()
    logger.spool.add(line_of(event))  # the connection broke between the commit and the answer
    result = logger.replay()
    assert (result.moved, result.known) == (0, 1)
    assert stored(database) == [1]


def test_a_replay_that_was_interrupted_goes_on_where_it_stopped(
    logger: AuditLogger, away: Any, database: DatabaseSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("procur.audit.spool._BATCH", 2)
    with away():
        write(logger, *range(5))
    calls: list[int] = []

    def store(events: list[dict[str, Any]]) -> int:
        calls.append(len(events))
        if len(calls) == 3:
            raise SystemExit
        return logger._store(events)

    with pytest.raises(SystemExit):
        logger.spool.replay(store)
    assert stored(database) == [0, 1, 2, 3]
    assert logger.get_stats()["waiting"] == 1
    assert Spool(logger.spool.folder).replay(logger._store).moved == 1
    assert stored(database) == [0, 1, 2, 3, 4]


def test_a_long_queue_is_moved_piece_by_piece(
    logger: AuditLogger, away: Any, database: DatabaseSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("procur.audit.spool._BATCH", 2)
    monkeypatch.setattr(module, "_AT_ONCE", 3)
    with away():
        write(logger, *range(7))
    write(logger, 7)
    assert stored(database) == [0, 1, 2, 3]
    assert logger.get_stats()["waiting"] == 4
    write(logger, 8)
    assert stored(database) == list(range(8))
    write(logger, 9)
    assert stored(database) == list(range(10))
    assert logger.get_stats()["waiting"] == 0


def test_short_processes_drain_a_long_queue(
    logger: AuditLogger, logs: Path, away: Any, impatient: DatabaseSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("procur.audit.spool._BATCH", 2)
    monkeypatch.setattr(module, "_AT_ONCE", 4)
    with away():
        write(logger, *range(11))
    waiting = []
    for number in range(11, 16):
        fresh = AuditLogger(logs, database=impatient)
        write(fresh, number)
        fresh.close()
        waiting.append(logger.get_stats()["waiting"])
    assert waiting == [8, 5, 2, 0, 0]
    assert stored(impatient) == list(range(16))


def test_progress_that_cannot_be_read_or_kept_loses_and_doubles_nothing(
    logger: AuditLogger, away: Any, database: DatabaseSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("procur.audit.spool._BATCH", 2)
    monkeypatch.setattr(module, "_AT_ONCE", 4)
    with away():
        write(logger, *range(7))
    write(logger, 7)
    (done,) = logger.spool.folder.glob("*.done")
    done.write_text("")
    done.with_suffix(".next").mkdir()
    result = logger.replay()
    assert (result.moved, result.known, result.stopped_by) == (4, 2, None)
    assert stored(database) == list(range(8))


def test_refused_events_leave_no_file_open(logger: AuditLogger, away: Any) -> None:
    with away():
        for _ in range(20):
            logger.spool.add(b'{"id": "7"}\n')
    logger.replay()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        assert logger.replay().rejected == 20
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


def test_a_spool_that_cannot_be_used_stops_the_replay_only(logger: AuditLogger, away: Any) -> None:
    with away():
        write(logger, 1)
    lock = logger.spool.folder / "replay.lock"
    lock.unlink(missing_ok=True)
    lock.mkdir()
    write(logger, 2)
    assert "spool" in logger.get_stats()["last_problem"]
    assert logger.replay().stopped_by
    lock.rmdir()
    assert logger.replay().moved == 2


def test_what_the_database_refuses_is_set_aside_and_blocks_nothing(
    logs: Path, logger: AuditLogger, away: Any, impatient: DatabaseSession, database: DatabaseSession
) -> None:
    stranger = AuditLogger(logs, database=impatient, organization="nobody-yet")
    with away():
        write(logger, 1)
        write(stranger, 2)
        write(logger, 3)
        logger.spool.add(b'{"id": "7"}\n')
        logger.spool.add(b"[]\n")
    result = logger.replay()
    assert (result.moved, result.rejected, result.torn) == (2, 2, 1)
    assert stored(database) == [1, 3]
    assert logger.get_stats()["rejected"] == 2
    assert (logger.replay().moved, logger.get_stats()["rejected"]) == (0, 2)  # they get another try each time


def rename_and_replace(database: DatabaseSession) -> None:
    """Acme is called Acme Old from now on, and somebody else takes its name."""
    with database.system_session() as session:
        companies = OrganizationRepository(session)
        company = companies.get_by_slug("acme")
        assert company is not None
        companies.update(company.id, slug="acme-old")
        companies.create(name="Another Acme", slug="acme")


def reasons(logger: AuditLogger) -> list[str]:
    lines = (logger.spool.folder / "rejected.jsonl").read_text().splitlines()
    return [json.loads(line)["reason"] for line in lines]


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.usefixtures("people")
def test_what_waited_does_not_go_to_another_company_that_took_the_name(
    logs: Path, away: Any, impatient: DatabaseSession, database: DatabaseSession, known: bool
) -> None:
    logger = AuditLogger(logs, database=impatient, organization="acme")
    if known:
        write(logger, 0)
    with away():
        write(logger, 1)
    (event,) = logger.get_recent_events(1)
    assert event["organization"] == "acme"
    assert (event["organization_id"] is not None) == known
    rename_and_replace(database)
    fresh = outages.impatient(database)
    later = AuditLogger(logs, database=fresh)
    result = later.replay()
    fresh.close()
    assert (result.moved, result.rejected) == (0, 1)
    (reason,) = reasons(later)
    assert ("another organisation by now" if known else "set up after this happened") in reason
    assert (stored(database, "acme"), stored(database, "acme-old")) == ([], [0] if known else [])


def test_a_company_that_only_has_another_name_gets_what_waited(
    logs: Path, away: Any, impatient: DatabaseSession, database: DatabaseSession, people: People
) -> None:
    logger = AuditLogger(logs, database=impatient, organization="acme")
    write(logger, 0)
    with away():
        write(logger, 1)
    with database.system_session() as session:
        OrganizationRepository(session).update(people.organization_id, slug="acme-old")
    assert logger.replay().moved == 1
    write(logger, 2)
    assert stored(database, "acme-old") == [0, 1, 2]


def test_what_a_callers_transaction_could_not_take_waits_for_the_same_company(
    logs: Path, database: DatabaseSession, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise Unavailable("gone")

    with database.get_session("acme") as session:
        AuditRepository(session).since()  # the caller is at work already
        logger = AuditLogger(logs, db_session=session)
        with monkeypatch.context() as patch:
            patch.setattr(module, "_write", refuse)
            write(logger, 1)
    (event,) = logger.get_recent_events()
    assert (event["organization"], event["organization_id"]) == ("acme", str(people.organization_id))
    assert AuditLogger(logs, database=database).replay().moved == 1
    assert stored(database, "acme") == [1]


def test_an_event_without_a_time_blocks_nothing(logger: AuditLogger, database: DatabaseSession) -> None:
    for time in ("2026-01-01", "soon", None):
        logger.spool.add(line_of({"id": 1, "timestamp": time}))
    assert logger.replay().rejected == 3


def test_a_torn_line_is_counted_and_harms_no_other(
    logger: AuditLogger, away: Any, database: DatabaseSession
) -> None:
    with away():
        write(logger, 1)
        with (logger.spool.folder / "waiting.jsonl").open("ab") as handle:
            handle.write(b'{"id": "0190')
        with next(logger.log_dir.glob("*.jsonl")).open("ab") as handle:
            handle.write(b'{"id": "0190')
        write(logger, 2)
    result = logger.replay()
    assert (result.moved, result.torn) == (2, 1)
    assert stored(database) == [1, 2]
    assert (logger.get_stats()["total_events"], logger.get_stats()["torn_lines"]) == (2, 1)


def test_a_last_line_without_its_end_is_read(tmp_path: Path) -> None:
    file = LineFile(tmp_path / "waiting.jsonl")
    file.append(line_of({"id": 1}))
    file.append(line_of({"id": 2}).rstrip())
    file.close()
    seen: list[Any] = []
    assert Spool(tmp_path).replay(lambda events: seen.extend(events) or len(events)).moved == 2
    assert seen == [{"id": 1}, {"id": 2}]


def test_a_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    file = LineFile(tmp_path / "x.jsonl")
    file.append(b'{"n": 1}\n')
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:4]))
    with pytest.raises(OSError, match="space"):
        file.append(b'{"n": 2}\n')
    monkeypatch.undo()
    file.append(b'{"n": 3}\n')
    file.close()
    assert (tmp_path / "x.jsonl").read_text() == '{"n": 1}\n{"n": 3}\n'


def test_what_neither_database_nor_spool_takes_is_not_acknowledged(logger: AuditLogger, away: Any) -> None:
    logger.log_dir.mkdir()
    (logger.log_dir / "spool").write_text("in the way")
    with away(), pytest.raises(Unavailable):
        write(logger, 1)


def test_a_slow_failure_gives_the_database_a_rest(
    logger: AuditLogger, monkeypatch: pytest.MonkeyPatch, database: DatabaseSession
) -> None:
    time = [0.0]
    monkeypatch.setattr("procur.audit.logger.time.monotonic", lambda: time[0])
    tries: list[int] = []

    def slow(_organization: Any) -> Any:
        tries.append(1)
        time[0] += 2
        raise Unavailable("nobody answers")

    with monkeypatch.context() as patch:
        patch.setattr(logger._database, "get_session", slow)
        write(logger, 1)
        assert len(tries) == 1
        write(logger, 2, 3)
        assert len(tries) == 1
    time[0] += 20
    write(logger, 4)
    assert stored(database) == [1, 2, 3, 4]


def test_many_threads_lose_nothing(logger: AuditLogger, away: Any, database: DatabaseSession) -> None:
    def work(start: int) -> None:
        write(logger, *range(start, start + 10))

    def all_at_once(*starts: int) -> None:
        threads = [threading.Thread(target=work, args=(start,)) for start in starts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    with away():
        all_at_once(0, 10, 20, 30)
    all_at_once(40, 50, 60, 70)
    logger.replay()
    assert sorted(stored(database)) == list(range(80))
    lines = [
        json.loads(line) for path in logger.log_dir.glob("*.jsonl") for line in path.read_text().splitlines()
    ]
    assert sorted(line["details"]["n"] for line in lines) == list(range(80))


def test_a_caller_whose_transaction_cannot_take_it_goes_on(
    logs: Path, away: Any, impatient: DatabaseSession, database: DatabaseSession
) -> None:
    reader = impatient.get_session()
    logger = AuditLogger(logs, db_session=reader.__enter__())
    with away():
        write(logger, 1)
    reader.close()
    assert logger.get_stats()["waiting"] == 1
    write(AuditLogger(logs, database=database), 2)
    assert stored(database) == [1, 2]


def test_a_refusal_of_the_row_is_said(logger: AuditLogger, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise InvalidInput("no")

    monkeypatch.setattr(module, "_write", refuse)
    with pytest.raises(InvalidInput):
        write(logger, 1)
    assert logger.get_stats()["waiting"] == 0
