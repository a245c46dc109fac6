"""Sealing: every committed entry once, in order, whatever happens meanwhile; and exports."""

import csv
import io
import json
from decimal import Decimal

import pytest

from factories.people import People
from procur.audit.export import export_trail
from procur.audit.leaves import DOCUMENTS, leaf_of
from procur.audit.seal import seal, seal_waiting
from procur.audit.verify import verify
from procur.db import DatabaseSession, Session
from procur.db.repositories import AuditRepository, AuditSealRepository, TrailFilter


def write(session: Session, *actions: str) -> None:
    for action in actions:
        data = {"step": action, "price": 1.5, "huge": 1e22, "tiny": 1e-7, "n": None, "é": ["ü", True]}
        AuditRepository(session).log_action(action=action, event_data=data, description=f"did {action}")


def numbers(session: Session) -> dict[str, int | None]:
    return {each.row.action: each.sequence for each in AuditRepository(session).trail().rows}


def test_entries_wait_and_are_sealed_in_order(database: DatabaseSession, people: People) -> None:
    with database.get_session("acme") as session:
        assert verify(session).intact
        write(session, "a", "b", "c")
    with database.get_session("acme") as session:
        report = verify(session)
        assert (report.intact, report.entries, report.sealed, report.waiting) == (True, 3, 0, 3)
        assert numbers(session) == {"a": None, "b": None, "c": None}
    assert seal_waiting(lambda: database.get_session("acme"), batch=2).sealed == 3
    with database.get_session("acme") as session:
        assert numbers(session) == {"a": 1, "b": 2, "c": 3}
        assert seal(session).sealed == 0
        report = verify(session)
        assert (report.intact, report.sealed, report.waiting, report.size) == (True, 3, 0, 3)
    with database.get_session("rival") as session:
        assert verify(session).entries == 0


def test_an_entry_that_is_committed_late_is_sealed_by_the_next_run(
    postgres_database: DatabaseSession,
) -> None:
    """The commit horizon: the early entry is not visible while the later one is sealed."""
    late = postgres_database.get_session()
    session = late.__enter__()
    write(session, "early")
    with postgres_database.get_session() as other:
        write(other, "later")
    with postgres_database.get_session() as other:
        assert seal(other).sealed == 1
    late.__exit__(None, None, None)
    with postgres_database.get_session() as other:
        assert seal(other).sealed == 1
        assert numbers(other) == {"later": 1, "early": 2}
        assert verify(other).intact


def test_a_sealing_that_is_broken_off_has_not_happened(
    database: DatabaseSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.get_session() as session:
        write(session, "a", "b")
    append = AuditSealRepository.append

    def broken(self: AuditSealRepository, *given: object) -> None:
        append(self, *given)  # type: ignore[arg-type]
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(AuditSealRepository, "append", broken)
        with pytest.raises(ZeroDivisionError), database.get_session() as session:
            seal(session)
    with database.get_session() as session:
        assert numbers(session) == {"a": None, "b": None}
        assert seal(session).sealed == 2
        assert verify(session).intact


def test_a_rolled_back_entry_leaves_nothing(database: DatabaseSession) -> None:
    with pytest.raises(ZeroDivisionError), database.get_session() as session:  # noqa: PT012 - the session's end is part of it
        write(session, "a")
        _ = 1 / 0
    with database.get_session() as session:
        write(session, "b")
        seal(session)
        assert numbers(session) == {"b": 1}
        assert verify(session).intact


def test_each_line_of_an_export_hashes_to_its_leaf(database: DatabaseSession, people: People) -> None:
    with database.get_session("acme") as session:
        write(session, "a", "b", "c")
        seal(session)
        write(session, "d")
        lines = [
            json.loads(line, parse_float=Decimal, parse_int=Decimal)
            for line in export_trail(session, batch=2)
        ]
        assert [line["sequence"] for line in lines] == [1, 2, 3, None]
        raw = list(AuditSealRepository(session).export(TrailFilter(), batch=3))
        assert [row["action"] for row in raw] == ["a", "b", "c", "d"]
        for row, line in zip(raw, lines, strict=True):
            entry = {name: row[name] for name in row if name not in {"sequence", "leaf_hash", "chain_hash"}}
            assert {name: line[name] for name in entry if name not in DOCUMENTS} == {
                name: entry[name] for name in entry if name not in DOCUMENTS
            }
            assert line["event_data"]["huge"] == Decimal("1e22")
            assert row["leaf_hash"] in {None, leaf_of(entry).hex()}
        assert [json.loads(line)["action"] for line in export_trail(session, TrailFilter(action="b"))] == [
            "b"
        ]
    with database.get_session("rival") as session:
        assert list(export_trail(session)) == []


def test_a_spreadsheet_runs_nothing_of_an_export(session: Session) -> None:
    evil = ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", " =1", "\n+1", " \n @x", "\u00a0-1", "\ufeff=1"]
    for text in evil:
        AuditRepository(session).log_action(
            action="a", description=text, user_id=text, resource_id='plain, "q"\n'
        )
    rows = list(csv.DictReader(io.StringIO("".join(export_trail(session, form="csv")), newline="")))
    assert {row["user_id"] for row in rows} == {f"'{text}" for text in evil}
    assert {row["resource_id"] for row in rows} == {'plain, "q"\n'}


def test_an_export_of_nothing_still_says_its_columns(session: Session) -> None:
    (header,) = export_trail(session, form="csv")
    AuditRepository(session).log_action(action="a")
    first, row = export_trail(session, form="csv")
    assert first == header
    assert header.startswith("sequence,leaf_hash,chain_hash,organization_id,id,")
    assert next(csv.DictReader(io.StringIO(first + row)))["action"] == "a"
