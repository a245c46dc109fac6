"""The code blocks of the source documents run here, rewritten as docs/reference/coming-from.md says."""

import asyncio
import importlib
import inspect
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest
import sources
import sqlalchemy
from alembic.migration import MigrationContext
from alembic.operations import Operations
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient

from factories.buying import Desk
from procur import db
from procur.core.errors import InvalidInput
from procur.db import DatabaseSession, Session, get_session, system_session
from procur.db import repositories as ours
from procur.db.base import columns_of
from procur.db.models import Report, UserAccount, VendorProfileRecord

_WHERE = sources.folder()
needs_documents = pytest.mark.skipif(
    _WHERE is None,
    reason=f"the source documents are not beside the repository, nor does {sources.VARIABLE} name them",
)
# The blocks as they were when the page and the tests below were written.
MARKS = {
    "000-1": "aaa5324647ed",
    "000-2": "526e0fd80fe8",
    "000-3": "a26757b0c058",
    "000-4": "8c5993f253b5",
    "000-5": "f9ea4e71c3e2",
    "000-6": "a9a83207f27f",
    "000-7": "d5c6f847e4ba",
    "000-8": "ec70c874cf10",
    "000-9": "8f88e65a7a50",
    "000-10": "42d45d6d814f",
    "000-11": "403c837ad17d",
    "000-12": "f21fee84ccc1",
    "000-13": "f37cb47cf9da",
    "001-1": "737e36dcbd0f",
    "001-2": "2481e4b78c21",
    "001-3": "7cd6de51fecc",
    "001-4": "846a09e3c12d",
    "001-5": "6a086ce4aaa3",
    "001-6": "fff27cf011c7",
    "001-7": "5f5a8bbcf872",
    "001-8": "fd34bc15ccfe",
    "001-9": "7d96f7b8870b",
    "001-10": "b86816b85bd0",
    "001-11": "cd46b9217e15",
    "002-1": "833da0fe2e88",
    "002-2": "34074cc073f2",
    "003-1": "5a8ae001d15f",
    "003-2": "46013ad974f1",
    "003-3": "5231db3d8ca0",
    "003-4": "1f8d638afaba",
    "003-5": "99e1ebaee40f",
    "003-6": "a6779ab17c1a",
    "004-1": "1a60b24ab265",
}
PLAYED: set[str] = set()


def plays(*names: str) -> Callable[[Any], Any]:
    """Say which blocks a test runs; `play` sees to it that it runs all of them and no other."""
    PLAYED.update(names)

    def note(test: Any) -> Any:
        test.plays = names
        return needs_documents(test)

    return note


@dataclass
class Play:
    """Runs blocks one after the other, each with the names that those before it have left."""

    names: dict[str, Any] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)

    def run(self, name: str, **supplied: Any) -> dict[str, Any]:
        """Run a block with some names that it takes for granted; return all names there are then."""
        self.names |= supplied
        code = sources.rewritten(self.block(name), set(self.names))
        self.done.append(name)
        exec(compile(code, f"<{name}>", "exec"), self.names)  # noqa: S102 - the documents' code is the test
        return self.names

    def block(self, name: str) -> sources.Block:
        return sources.blocks(_WHERE)[name]


@pytest.fixture
def play(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Play]:
    """Run in an empty folder against the database that the environment names."""
    kind = "empty_database" if "empty_database" in request.fixturenames else "database"
    database: DatabaseSession = request.getfixturevalue(kind)
    for name in list(os.environ):
        if name.startswith(("PROCUR_DB_", "DB_", "DATABASE_", "SQL_ECHO", "USE_DATABASE")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DATABASE_URL", database.config.database_url)
    monkeypatch.setattr("procur.db.session._default", None)
    monkeypatch.chdir(tmp_path)
    played = Play()
    yield played
    db.get_db_session().close()
    assert sorted(played.done) == sorted(request.function.plays)


def somebody(**more: Any) -> UserAccount:
    """Write a person into the default organisation."""
    with get_session() as session:
        return ours.UserRepository(session).create(email="known@example.com", hashed_password="x", **more)


# -- 000 and 004: Procur's own -----------------------------------------------------------------------------


@plays("000-1", "000-2", "000-3", "000-4", "000-5", "000-7", "000-13")
def test_persistence_from_the_first_connection_to_a_query_of_ones_own(
    empty_database: DatabaseSession, play: Play
) -> None:
    assert play.run("000-1")["db"] is db.get_db_session()
    names = play.run("000-2")
    assert names["user"].hashed_password == "hashed_password_here"
    play.run("000-3")
    play.run("000-4")
    with get_session() as session:
        talks = ours.NegotiationRepository(session).get_by_session_id("neg-001")
        assert talks is not None
        assert (talks.status, talks.outcome, talks.savings_achieved) == (
            "completed",
            "accepted",
            Decimal(500),
        )
        assert (talks.current_round, talks.final_offer_id) == (2, names["offer"].id)
        assert ours.RequestRepository(session).named("req-001").budget_max == Decimal(60000)
        assert ours.VendorRepository(session).count(vendor_id="salesforce") == 1
        users = ours.UserRepository(session)
        assert users.get_by_email("buyer@company.com") is None
        gone = users.get(names["user"].id, include_deleted=True)
        assert (gone.full_name, gone.is_deleted) == ("John Q. Buyer", True)
    play.run("000-5")
    with get_session() as session:
        mandate = Desk(session, names["user"]).mandate(names["request"])
        accepted = {"accepted": True, "accepted_at": mandate.created_at, "mandate_id": mandate.id}
        ours.OfferRepository(session).update(names["offer"].id, **accepted)
        ours.RequestRepository(session).update(names["request"].id, status="approved")
        [entry] = ours.AuditRepository(session).get_by_resource("request", "req-001")
        assert (entry.action, entry.user_id) == ("create_request", str(names["user"].id))
        assert entry.event_data == {"category": "crm", "budget": 60000}
    assert [row.id for row in names["user_logs"]] == [row.id for row in names["resource_logs"]] == [entry.id]
    [(request, offer)] = play.run("000-7")["results"]
    assert (request.request_id, offer.offer_id) == ("req-001", "offer-001")
    answer = play.run("000-13")["check_database_health"]()
    assert answer == {"status": "healthy", "database": "connected"}


@plays("000-6")
def test_persistence_several_operations_in_one_transaction(
    database: DatabaseSession, play: Play, capsys: pytest.CaptureFixture[str]
) -> None:
    names = {name: getattr(ours, name) for name in ("UserRepository", "RequestRepository")}
    play.run("000-6", **names)
    assert capsys.readouterr().out == ""
    with get_session() as session:
        user = ours.UserRepository(session).get_by_email("test@example.com")
        assert user is not None
        assert [row.user_id for row in ours.RequestRepository(session).get_all()] == [user.id]


@plays("000-8")
def test_persistence_a_migration_by_hand(empty_database: DatabaseSession, play: Play) -> None:
    empty_database.create_all_tables()

    def columns() -> set[str]:
        return {
            column["name"]
            for column in sqlalchemy.inspect(empty_database.engine).get_columns("user_accounts")
        }

    for step, there in (("upgrade", True), ("downgrade", False)):
        with empty_database.engine.begin() as connection:
            names = {"op": Operations(MigrationContext.configure(connection)), "sa": sqlalchemy}
            (play.names if play.done else play.run("000-8", **names)).update(names)
            play.names[step]()
        assert ("phone" in columns()) is there


@plays("000-9", "000-10")
def test_persistence_settings_in_the_program(
    database: DatabaseSession, play: Play, capsys: pytest.CaptureFixture[str]
) -> None:
    config = play.run("000-9")["config"]
    printed = capsys.readouterr().out.strip()
    assert f"# {printed}" in play.block("000-9").text
    assert (config.pool_size, config.max_overflow) == (10, 20)
    config = play.run("000-10")["config"]
    assert config.echo
    assert config.echo_pool


@plays("000-11", "000-12")
def test_persistence_the_test_of_the_document_passes_as_a_test(
    empty_database: DatabaseSession, play: Play, tmp_path: Path
) -> None:
    for name, path in (("000-11", "conftest.py"), ("000-12", "test_document.py")):
        (tmp_path / path).write_text(sources.rewritten(play.block(name)), encoding="utf-8")
        play.done.append(name)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:randomly",
        str(tmp_path),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    tables = sqlalchemy.inspect(empty_database.engine).get_table_names()
    assert set(tables) <= {"alembic_version"}


@plays("004-1")
def test_platform_a_session_for_requests_and_in_a_block(database: DatabaseSession, play: Play) -> None:
    with get_session() as session:
        ours.VendorRepository(session).create(vendor_id="acme", name="Acme")
    app = FastAPI()
    play.run("004-1", app=app, Depends=Depends, Item=VendorProfileRecord)
    with TestClient(app) as client:
        [row] = client.get("/items").json()
    assert row["vendor_id"] == "acme"
    assert asyncio.run(ask_at_once(app, "/items", 64)) == [200] * 64


async def ask_at_once(app: FastAPI, path: str, count: int) -> list[int]:
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test", timeout=60) as client:
        return [one.status_code for one in await asyncio.gather(*(client.get(path) for _ in range(count)))]


# -- 001: procurement-ai ---------------------------------------------------------------------------------


@plays("001-1", "001-2", "001-3")
def test_tenders_an_organisation_with_its_allowance_and_tenders(
    database: DatabaseSession, play: Play
) -> None:
    assert play.run("001-1", os=os)["db"] is db.get_db_session()
    names = play.run("001-2")
    assert names["tenders"] == []
    with get_session("acme") as session:
        own = ours.OrganizationRepository(session).own()
        assert (own.name, own.subscription_tier, own.monthly_analysis_count) == ("Acme Corp", "pro", 1)
        tenders = ours.TenderRepository(session)
        tender = tenders.create(own.id, "Bridge", "A bridge", organization_name="Town")
        user = ours.UserRepository(session).create(email="a@acme.example", hashed_password="x")
        names = play.run("001-3", tender_repo=tenders, current_user=user, tender_id=tender.id)
    assert names["tender"].id == tender.id
    assert [row.id for row in names["tenders"]] == [tender.id]
    with get_session() as session:
        assert ours.TenderRepository(session).get_by_id(tender.id) is None


@plays("001-8")
def test_tenders_a_database_in_memory(
    sqlite_database: DatabaseSession, database: DatabaseSession, play: Play
) -> None:
    found = play.run("001-8")["db"]
    assert set(sqlalchemy.inspect(found.engine).get_table_names()) <= {"alembic_version"}
    found.create_all()
    with get_session() as session:
        assert ours.TenderRepository(session).get_all() == []


@plays("001-9")
def test_tenders_a_larger_pool(database: DatabaseSession, play: Play) -> None:  # T-14
    found = play.run("001-9", os=os)["db"]
    assert found.config.database_url == database.config.database_url
    assert (found.config.pool_size, found.config.max_overflow, found.config.pool_recycle) == (20, 40, 3600)
    assert found.health_check()
    found.close()


@plays("001-10")
def test_tenders_engines_of_ones_own(database: DatabaseSession, play: Play) -> None:
    url = database.config.database_url
    names = play.run(
        "001-10", create_engine=sqlalchemy.create_engine, PRIMARY_DB_URL=url, READ_REPLICA_URL=url
    )
    for engine in (names["write_engine"], names["read_engine"]):
        with engine.connect() as connection:
            assert connection.execute(sqlalchemy.text("SELECT 1")).scalar() == 1
        engine.dispose()


@needs_documents
@pytest.mark.parametrize("name", ["001-4", "001-5", "001-6", "001-7"])
def test_tenders_every_listed_method_is_there_with_its_arguments(name: str) -> None:
    block = sources.blocks(_WHERE)[name]
    repository = getattr(ours, sources.class_above(block, sources.documents(_WHERE)[block.document]))
    listed = sources.listed_methods(block)
    assert len(listed) == len([line for line in block.text.splitlines() if line.strip()])
    for method, arguments in listed.items():
        call = inspect.signature(getattr(repository, method))
        call.bind(None, **dict.fromkeys(arguments))
        others = set(arguments) - set(call.parameters)
        assert others <= set(columns_of(repository.model)), f"{method} knows no {others}"


# -- 002: ExportSathi --------------------------------------------------------------------------------------


@plays("002-1")
def test_exports_a_user_and_the_users_reports(database: DatabaseSession, play: Play) -> None:
    known = somebody(business_type="SaaS")
    with get_session() as session:
        values = {"business_type": "SaaS", "company_size": "Micro", "destination_country": "Kenya"}
        session.add(Report(user_id=known.id, product_name="Ledger", report_data={}, **values))
    names = play.run("002-1", user_id=known.id)
    assert [row.product_name for row in names["reports"]] == ["Ledger"]
    with get_session() as session:
        user = ours.UserRepository(session).get_by_email("user@example.com")
        assert user is not None
        assert (user.username, user.hashed_password) == ("user@example.com", "hashed")
        assert (user.business_type, user.company_size) == ("Manufacturing", "Small")


@plays("002-2")
def test_exports_a_session_for_requests(database: DatabaseSession, play: Play) -> None:
    known = somebody()
    app = FastAPI()
    play.run("002-2", app=app)
    with TestClient(app) as client:
        assert [row["id"] for row in client.get("/users").json()] == [str(known.id)]
        assert "parameters" not in app.openapi()["paths"]["/users"]["get"]


@plays("002-2", "004-1")
def test_more_requests_at_once_than_connections_are_all_served(
    database: DatabaseSession, play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_POOL_SIZE", "2")
    monkeypatch.setenv("DB_MAX_OVERFLOW", "0")
    monkeypatch.setenv("PROCUR_DB_POOL_TIMEOUT", "20")
    app = FastAPI()
    play.run("002-2", app=app)
    play.run("004-1", Item=UserAccount)
    for path in ("/users", "/items"):
        assert asyncio.run(ask_at_once(app, path, 64)) == [200] * 64


# -- 003: Procode ------------------------------------------------------------------------------------------


@plays("003-1", "003-2", "003-6")
def test_agents_conversations_and_the_audit_log(database: DatabaseSession, play: Play) -> None:
    known = somebody()
    with get_session() as session:
        names = play.run("003-1", repo=ours.ConversationRepository(session), user_id=known.id)
        assert [row.content for row in names["messages"]] == ["Hello, I need help"]
        assert names["total_cost"] == Decimal("0.002")
        talk = names["conversation"]
        names = play.run("003-2", repo=ours.AuditRepository(session))
        assert [row.id for row in names["logs"]] == [row.id for row in names["security_logs"]]
        [entry] = names["logs"]
        assert (entry.event_category, entry.event_data) == ("security", {"pii_types": ["email", "phone"]})
        repos = {"repo": ours.ConversationRepository(session), "audit_repo": ours.AuditRepository(session)}
        names = play.run("003-6", **repos, conversation_id=talk.id, user_id=1)
        assert len(names["messages"]) == len(names["recent_logs"]) == len(names["security_logs"]) == 1
    with get_session() as session:
        stored = ours.ConversationRepository(session).get(talk.id)
        assert (stored.user_id, stored.title) == (known.id, "Customer Support Chat")
        assert ours.MessageRepository(session).count(model_used="gpt-4") == 1


@plays("003-3")
def test_agents_a_memory_that_is_stored(database: DatabaseSession, play: Play) -> None:
    names = play.run("003-3", user_id=somebody().id)
    assert [(entry["role"], entry["content"]) for entry in names["history"]] == [("user", "Hello")]
    with get_session() as session:
        talks = ours.ConversationRepository(session)
        assert talks.get_conversation_cost("conv_123") == Decimal("0.001")
        assert talks.get("conv_123").user_id == play.names["user_id"]


@plays("003-4")
def test_agents_an_audit_log_in_a_file_and_the_database(
    database: DatabaseSession, play: Play, tmp_path: Path
) -> None:
    play.run("003-4")["logger"].close()
    [path] = (tmp_path / "logs" / "audit").glob("*.jsonl")
    assert "PII detected" in path.read_text(encoding="utf-8")
    with get_session() as session:
        [entry] = ours.AuditRepository(session).get_user_audit_logs("1")
        assert (entry.action, entry.event_category, entry.severity) == (
            "blocked_content",
            "security",
            "warning",
        )
        assert entry.event_data["reason"] == "PII detected"


@plays("003-5")
def test_agents_a_session_by_hand(
    database: DatabaseSession, play: Play, capsys: pytest.CaptureFixture[str]
) -> None:
    names = play.run("003-5", user_id=somebody().id)
    assert str(names["conversation"].id) in capsys.readouterr().out
    with get_session() as session:
        assert [row.title for row in ours.ConversationRepository(session).get_all()] == ["Test"]


# -- the page itself -------------------------------------------------------------------------------------


@needs_documents
def test_every_block_is_run_or_left_out_with_a_reason() -> None:
    found = sources.blocks(_WHERE)
    assert {name: block.mark for name, block in found.items()} == MARKS
    left_out = sources.declared().left_out
    assert set(left_out) | PLAYED == set(found)
    assert set(left_out) & PLAYED == set()
    assert set(sources.declared().instead) <= PLAYED


@needs_documents
def test_what_is_left_out_is_no_program() -> None:
    for name in sources.declared().left_out:
        with pytest.raises(SyntaxError):
            compile(sources.blocks(_WHERE)[name].text, name, "exec")


@needs_documents
def test_a_replacement_that_does_not_apply_or_an_unknown_import_fails() -> None:
    block = sources.blocks(_WHERE)["001-3"]
    with pytest.raises(sources.Undeclared, match="tender_id=123"):
        sources.rewritten(sources.Block("001-3", block.text.replace("123", "124")))
    with pytest.raises(sources.Undeclared, match="nowhere"):
        sources.rewritten(
            sources.Block("001-2", "from procurement_ai.storage import nowhere\ndb.get_session()")
        )
    with pytest.raises(sources.Undeclared, match="celery"):
        sources.rewritten(sources.Block("001-10", "import celery"))


def test_every_name_of_the_page_is_there() -> None:
    tables = sources.declared().imports
    assert sorted(tables) == ["000", "001", "002", "003", "004"]
    for here in {here for table in tables.values() for here in table.values()}:
        module, _, name = here.rpartition(".")
        assert hasattr(importlib.import_module(module), name), here


def test_an_id_of_one_finds_nobody_and_is_refused_by_name(session: Session) -> None:
    assert ours.UserRepository(session).get_by_id(1) is None  # type: ignore[arg-type]
    with pytest.raises(InvalidInput) as caught:
        ours.ConversationRepository(session).create_conversation(user_id=1)  # type: ignore[arg-type]
    assert caught.value.field == "user_id"


def test_an_organisation_takes_a_system_session(
    database: DatabaseSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("procur.db.session._default", database)
    with system_session() as session:
        assert ours.OrganizationRepository(session).create("Acme Corp", "acme", "pro").slug == "acme"
