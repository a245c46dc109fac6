"""What is missing or contradictory is asked for; a request lives by its states."""

from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from factories.house import ALICE, House
from procur.cli.steps import requesting
from procur.core.actor import negotiating_agent
from procur.core.errors import Conflict, DecisionNeeded, InvalidInput, NotAllowed, NotFound
from procur.db import Session
from procur.db.repositories import AuditRepository, EventRepository, RequestRepository
from procur.sourcing.intake import read_request
from procur.sourcing.service import NEXT, move_request, open_request
from procur.vendors.vocabulary import load

REQUEST = "REQ-2026-00001"


def written(session: Session) -> tuple[int, int, int]:
    tables = (RequestRepository, AuditRepository, EventRepository)
    return tuple(table(session).count() for table in tables)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("CRM", {"quantity", "budget"}),
        ("CRM for 50 people", {"budget"}),
        ("Something nice for at most $9,000 a year", {"category", "quantity"}),
        ("CRM for 50 people, at most $9,000 a year, but not more than $100 a year", {"budget_yearly"}),
    ],
)
def test_an_incomplete_request_is_not_stored_and_every_question_is_asked(
    house: House, text: str, fields: set[str]
) -> None:
    with house.session() as session:
        before = written(session)
    with pytest.raises(DecisionNeeded) as told:
        requesting.new_request(house.alice, text)
    asked = told.value.details["question"] + told.value.details["contradiction"]
    for field in fields:
        assert any(line.startswith(field.partition("_")[0]) for line in asked), asked
    assert told.value.field
    assert "--answer" in str(told.value.hint)
    with house.session() as session:
        assert written(session) == before


def test_the_service_itself_refuses_an_incomplete_request(desk: Session, negotiated: House) -> None:
    intake = read_request("CRM", vocabulary=load(None), today=negotiated.workspace.clock.today())
    before = written(desk)
    with pytest.raises(DecisionNeeded):
        open_request(desk, negotiated.actor(desk, ALICE), intake, now=negotiated.workspace.clock.now())
    assert written(desk) == before


def test_answers_complete_a_request(house: House) -> None:
    told = requesting.new_request(
        house.alice, "Project tracking", answers={"quantity": "50", "budget": "$9,000 a year"}
    )
    with house.session() as session:
        row = house.row(session, told["request_id"])
    assert (row.quantity, str(row.budget_max), row.currency) == (50, "9000.0000", "USD")
    assert row.status == "pending"


def test_a_request_moves_only_to_the_states_that_follow(desk: Session, negotiated: House) -> None:
    row = negotiated.row(desk, REQUEST)
    actor, now = negotiated.actor(desk, ALICE), negotiated.workspace.clock.now()
    for before, after in product(NEXT, NEXT):
        if after in NEXT[before]:
            continue
        row.status = before
        desk.flush()
        entries = written(desk)
        with pytest.raises(Conflict, match=f"is {before} and cannot become {after}") as told:
            move_request(desk, actor, row, after, now=now)
        assert told.value.field == "status"
        assert (row.status, written(desk)) == (before, entries)


def test_each_move_is_on_record(desk: Session, negotiated: House) -> None:
    row = negotiated.row(desk, REQUEST)
    actor, now = negotiated.actor(desk, ALICE), negotiated.workspace.clock.now()
    _, entries, events = written(desk)
    for number, status in enumerate(("awaiting_approval", "rejected", "negotiating", "cancelled"), 1):
        move_request(desk, actor, row, status, now=now + timedelta(seconds=number))
        assert written(desk)[1:] == (entries + number, events + number)


def test_agents_and_viewers_open_no_requests(house: House) -> None:
    viewer = house.as_(house.add("vic@acme.example", "viewer"))
    with pytest.raises(NotAllowed, match=r"request\.write"):
        requesting.new_request(viewer, "Project tracking for 50 people, at most $9,000 a year")
    intake = read_request(
        "Project tracking for 50 people, at most $9,000 a year",
        vocabulary=load(None),
        today=house.workspace.clock.today(),
    )
    with house.session() as session:
        agent = negotiating_agent(house.actor(session))
        with pytest.raises(NotAllowed, match=r"request\.write"):
            open_request(session, agent, intake, now=house.workspace.clock.now())


def test_matching_says_why_each_other_vendor_is_left_out(house: House) -> None:
    request_id = house.request("Project tracking for 50 people, at most $9,000 a year, kanban a must")
    told = requesting.match_request(house.alice, request_id, limit=1)
    assert len(told["shortlist"]) == 1
    assert {each["vendor_id"] for each in told["shortlist"] + told["left_out"]} == {
        "boards",
        "tasklane",
        "planwell",
    }
    assert all(each["reason"] for each in told["left_out"])


def test_a_request_for_which_there_is_no_vendor_is_not_negotiated(house: House) -> None:
    request_id = house.request("CRM for 50 people, at most $9,000 a year")
    with house.session() as session:
        before = written(session)
    with pytest.raises(DecisionNeeded, match="no vendor fits"):
        house.negotiate(request_id)
    with house.session() as session:
        assert written(session) == before


def test_numbers_are_not_given_twice_nor_skipped_by_refused_requests(house: House) -> None:
    first = house.request()
    with pytest.raises(DecisionNeeded):
        house.request("CRM")
    assert [first, house.request()] == ["REQ-2026-00001", "REQ-2026-00002"]


@pytest.mark.parametrize("name", ["REQ-2026-99999", "", "x" * 500, "'; DROP TABLE requests; --", "REQ\x00"])
def test_an_unknown_request_is_not_found(house: House, name: str) -> None:
    steps: tuple[Any, ...] = (requesting.show_request, house.negotiate, house.award, house.approve)
    for step in steps:
        with pytest.raises((NotFound, InvalidInput)):
            step(house.alice, name) if step is requesting.show_request else step(name)
