"""Contracts drafted by a job: whatever happens in between, one contract with the bytes of its first draft."""

from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import obstore
import pytest

from factories.house import ALICE, BOB, SETTLED, House
from procur.cli.steps import closing
from procur.contracts.kinds import GENERATE, GenerateContract
from procur.contracts.tasks import generate_contract
from procur.core.clock import SteppingClock
from procur.core.errors import Conflict, InvalidInput, NotAllowed, Unavailable
from procur.db.models import ContractRecord, JobRecord
from procur.db.repositories import (
    ContractRepository,
    EventRepository,
    JobRepository,
    OrganizationRepository,
)
from procur.documents.s3 import S3Store
from procur.documents.store import LocalStore, StoredDocument
from procur.jobs.drain import drain
from procur.negotiation.mandates import VALID_DAYS
from procur.vendors.vocabulary import load
from s3 import Server

REQUEST, CONTRACT = "REQ-2026-00001", "CON-2026-00001"


@pytest.fixture
def approved(house: House) -> House:
    house.negotiate(house.request(), rounds=2)
    house.award(REQUEST, "boards")
    house.approve(REQUEST)
    house.address("boards")
    return house


def ask(house: House, **more: Any) -> Any:
    payload = GenerateContract(REQUEST, **{"asked_by": ALICE, "details": dict(SETTLED), **more})
    with house.database.get_session("acme") as session:
        return GENERATE.ask(session, payload)[0].id


def work(house: House, *, days: int = 0, store: Any = None) -> int:
    """Do what is due, so many days later by the clock of the trade."""
    kept = store or LocalStore(house.workspace.home / "documents")
    clock = SteppingClock(house.workspace.clock.now() + timedelta(days=days), timedelta(seconds=1))
    task = generate_contract(lambda: kept, cache(load))
    return drain(house.database, [task], organization="acme", clock=clock)


def job(house: House, key: Any) -> JobRecord:
    with house.session() as session:
        return JobRepository(session).get(key)


def contracts(house: House) -> list[ContractRecord]:
    with house.session() as session:
        return ContractRepository(session).get_all()


def due_again(house: House) -> None:
    with house.database.get_session("acme") as session:
        for row in JobRepository(session).by_state("ready"):
            JobRepository(session).update(row.id, run_at=row.created_at)


def test_a_job_drafts_the_contract_as_the_command_would(approved: House) -> None:
    key = ask(approved)
    assert work(approved) == 1
    done, (row,) = job(approved, key), contracts(approved)
    assert done.state == "done", done.last_error
    assert done.result == {
        "contract_id": CONTRACT,
        "document": f"{CONTRACT}.pdf",
        "sha256": row.document_hash,
    }
    assert row.special_terms["open_points"] == []
    with approved.session() as session:
        fact = EventRepository(session).find(type="ContractDrafted")
        assert fact is not None
        assert (fact.actor_id, fact.payload["document_hash"]) == (ALICE, row.document_hash)
    assert approved.workspace.store.get(row.document_path or "", sha256=row.document_hash)


def test_stopped_between_storing_and_recording_it_drafts_one_contract_with_the_same_bytes(
    approved: House,
) -> None:
    """The job dies when the file is there and the row is not, twice, and goes on the same day."""
    key, kept = ask(approved), LocalStore(approved.workspace.home / "documents")
    stored = die(approved, kept, times=2)
    assert work(approved, store=kept) == 1
    assert job(approved, key).state == "done"
    (row,) = contracts(approved)
    assert {each.path for each in stored} == {row.document_path}
    assert {each.sha256 for each in stored} == {row.document_hash}
    assert [path.name for path in kept.root.iterdir()] == [row.document_path]


def test_a_late_draft_is_dated_and_judged_by_the_day_on_which_it_is_recorded(approved: House) -> None:
    """The house stood still between storing and recording; where it is, the day before goes on."""
    set_zone(approved, "Pacific/Niue")
    key, kept = ask(approved), LocalStore(approved.workspace.home / "documents")
    stored = die(approved, kept)
    began = approved.workspace.clock.now()
    assert work(approved, days=2, store=kept) == 1
    assert job(approved, key).state == "done"
    (row,) = contracts(approved)
    assert row.document_hash not in {each.sha256 for each in stored}
    late = began + timedelta(days=2)
    there = late.astimezone(ZoneInfo("Pacific/Niue")).date()
    assert (late.date(), row.start_date) == (there + timedelta(days=1), there)
    with approved.session() as session:
        fact = EventRepository(session).find(type="ContractDrafted")
        assert fact is not None
        assert fact.occurred_at >= late


def test_a_late_draft_does_not_outlive_its_mandate(approved: House) -> None:
    key, kept = ask(approved), LocalStore(approved.workspace.home / "documents")
    die(approved, kept)
    work(approved, days=VALID_DAYS + 1, store=kept)
    ended = job(approved, key)
    assert (ended.state, contracts(approved)) == ("failed", [])
    assert "mandate 1 ended on" in str(ended.last_error)


def die(house: House, kept: LocalStore, *, times: int = 1) -> list[StoredDocument]:
    """Let workers die when the file is stored and the row is not written; return what they stored."""
    stored: list[StoredDocument] = []

    class Dying(LocalStore):
        def put(self, name: str, data: bytes) -> StoredDocument:
            stored.append(super().put(name, data))
            raise KeyboardInterrupt

    for _ in range(times):
        with pytest.raises(KeyboardInterrupt):
            work(house, store=Dying(kept.root))
        assert contracts(house) == []
        due_again(house)
    return stored


def set_zone(house: House, name: str) -> None:
    with house.database.get_session("acme") as session:
        own = OrganizationRepository(session).own()
        OrganizationRepository(session).update(own.id, settings={**own.settings, "timezone": name})


def test_a_file_that_nobody_recorded_keeps_its_content_and_its_name(approved: House) -> None:
    orphan = approved.workspace.store.put(f"{CONTRACT}.pdf", b"of another attempt, with other terms")
    ask(approved)
    work(approved)
    (row,) = contracts(approved)
    assert row.document_path == f"{CONTRACT}-{(row.document_hash or '')[:12]}.pdf"
    assert approved.workspace.store.get(orphan.path, sha256=orphan.sha256)


def test_what_a_person_has_to_decide_first_is_not_tried_again(house: House) -> None:
    house.request()
    for asked in (ask(house), ask(house, details={"colour": "red"}), ask(house, asked_by=BOB)):
        work(house)
        ended = job(house, asked)
        assert (ended.state, ended.attempt) == ("failed", 1)
        assert ended.last_error
    assert contracts(house) == []


def test_a_draft_overtaken_while_it_was_printed_is_printed_again(approved: House) -> None:
    """Somebody drafts by hand between storing and recording: the job's number is taken."""
    key = ask(approved)

    class Overtaken(LocalStore):
        def put(self, name: str, data: bytes) -> StoredDocument:
            approved.draft(REQUEST, "boards")
            return super().put(name, data)

    work(approved, store=Overtaken(approved.workspace.home / "documents"))
    assert job(approved, key).state == "ready"
    due_again(approved)
    work(approved)
    assert job(approved, key).state == "done"
    assert [(row.contract_id, row.status) for row in contracts(approved)] == [
        (CONTRACT, "terminated"),
        ("CON-2026-00002", "pending_signature"),
    ]


def test_a_person_asks_for_it_in_the_background(approved: House) -> None:
    asked = closing.ask_for_draft(approved.alice, REQUEST, details=SETTLED)
    assert contracts(approved) == []
    work(approved)
    assert job(approved, asked["job_id"]).state == "done"
    with pytest.raises(InvalidInput, match="colour"):
        closing.ask_for_draft(approved.alice, REQUEST, details={"colour": "red"})
    with pytest.raises(NotAllowed):
        closing.ask_for_draft(approved.as_(BOB), REQUEST)


def test_a_purchase_ends_in_a_bucket_and_waits_while_the_bucket_is_away(approved: House) -> None:
    server, name = Server(), f"papers-{uuid4().hex[:8]}"
    try:
        bucket = replace(server.bucket(name, "acme"), timeout=1)
        approved.workspace._store = S3Store(bucket)
        server.stop()
        with pytest.raises(Unavailable, match="does not answer"):
            approved.draft(REQUEST, "boards")
        assert contracts(approved) == []
        server.start()
        told = approved.draft(REQUEST, "boards")
        assert told["document"] == f"s3://{name}/acme/{CONTRACT}.pdf"
        signed = approved.sign(CONTRACT, "boards")
        assert signed["certificate"] == f"s3://{name}/acme/{CONTRACT}-signatures.pdf"
        order = closing.issue(approved.alice, CONTRACT)
        assert closing.show_order(approved.alice, order["po_number"])["xml"].startswith(
            f"s3://{name}/acme/PO-"
        )
        obstore.put(approved.workspace._store._client, f"{CONTRACT}.pdf", b"another contract")
        with pytest.raises(Conflict, match="was changed after it was stored"):
            closing.show_contract(approved.alice, CONTRACT)
    finally:
        server.stop()
