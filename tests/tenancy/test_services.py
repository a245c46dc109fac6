"""Charlie, of another organisation, does nothing with what is Alice's: not found, nothing written."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from factories.house import House, make_house
from procur.cli.steps import auditing, closing, deciding, negotiating, purchase, requesting, setting_up
from procur.cli.workspace import Workspace
from procur.core.errors import DecisionNeeded, NotFound
from procur.db import DatabaseSession
from procur.db import repositories as tables
from procur.db.repositories import Repository, TrailFilter
from procur.identity.service import add_user, own_organization

REQUEST, TALKS, CONTRACT, ORDER = "REQ-2026-00001", "NEG-2026-00001", "CON-2026-00001", "PO-2026-00001"
CHARLIE = "charlie@rival.example"

STEPS: dict[str, Callable[[Workspace], Any]] = {
    "show_request": lambda w: requesting.show_request(w, REQUEST),
    "match_request": lambda w: requesting.match_request(w, REQUEST, limit=5),
    "show_mandate": lambda w: negotiating.show_mandate(w, REQUEST),
    "set_mandate": lambda w: negotiating.set_mandate(w, REQUEST),
    "negotiate_request": lambda w: negotiating.negotiate_request(w, REQUEST),
    "resume": lambda w: negotiating.negotiate_request(w, REQUEST, resume=True),
    "show_negotiations": lambda w: negotiating.show_negotiations(w, REQUEST),
    "show_negotiation": lambda w: negotiating.show_negotiation(w, TALKS),
    "replay_negotiation": lambda w: negotiating.replay_negotiation(w, TALKS),
    "answer_for_vendor": lambda w: negotiating.answer_for_vendor(w, TALKS, "accept", message=None),
    "compare_request": lambda w: deciding.compare_request(w, REQUEST),
    "award_request": lambda w: deciding.award_request(w, REQUEST, "best_value"),
    "approve_request": lambda w: deciding.approve_request(w, REQUEST, approve=True, reason=None),
    "reject_request": lambda w: deciding.approve_request(w, REQUEST, approve=False, reason="no"),
    "draft": lambda w: closing.draft(w, REQUEST),
    "show_contract": lambda w: closing.show_contract(w, CONTRACT),
    "sign": lambda w: closing.sign(w, CONTRACT, "buyer"),
    "issue": lambda w: closing.issue(w, CONTRACT),
    "show_order": lambda w: closing.show_order(w, ORDER),
    "savings": lambda w: closing.savings(w, REQUEST),
    "show_vendor": lambda w: setting_up.show_vendor(w, "boards"),
    "update_vendor": lambda w: setting_up.update_vendor(w, "boards", country="DE"),
    "add_evidence": lambda w: setting_up.add_evidence(
        w, vendor_id="boards", framework="SOC 2", kind="report", source="x", valid_until=date(2030, 1, 1)
    ),
    "add_person": lambda w: setting_up.add_person(
        w, email="x@boards.example", full_name="X", role="vendor", vendor_id="boards"
    ),
    "go_on": lambda w: purchase.go_on(w, REQUEST, lambda _name, _told: None, {}),
}


@pytest.fixture
def house(database: DatabaseSession, tmp_path: Any) -> House:
    """Alice has bought; Charlie owns a company of his own beside it."""
    house = make_house(database, tmp_path)
    house.negotiate(house.request(), rounds=2)
    house.award(REQUEST, "boards")
    house.approve(REQUEST)
    house.draft(REQUEST, "boards")
    house.sign(CONTRACT, "boards")
    closing.issue(house.alice, CONTRACT)
    with database.get_session("rival") as session:
        rights = replace(house.actor(session, CHARLIE), role="owner")
        add_user(
            session, rights, own_organization(session), email="ceo@rival.example", full_name="Ceo",
            role="owner", now=house.workspace.clock.now(),
        )  # fmt: skip
    return house


def everything(database: DatabaseSession) -> dict[str, int]:
    kinds = [
        kind
        for kind in vars(tables).values()
        if isinstance(kind, type) and issubclass(kind, Repository) and kind is not Repository
    ]
    with database.system_session() as session:
        return {kind.__name__: kind(session).count(include_deleted=True) for kind in kinds}


def test_no_step_finds_what_belongs_to_somebody_else(house: House, database: DatabaseSession) -> None:
    charlie = replace(house.workspace, organization="rival", who="ceo@rival.example", _database=database)
    before = everything(database)
    for name, step in STEPS.items():
        with pytest.raises(NotFound):
            step(charlie)
        assert everything(database) == before, name


def test_lists_hold_what_is_ones_own_only(house: House, database: DatabaseSession) -> None:
    charlie = replace(house.workspace, organization="rival", who="ceo@rival.example", _database=database)
    assert requesting.list_requests(charlie, status=None, limit=50, cursor=None)["requests"] == []
    assert (
        setting_up.list_vendors(charlie, category=None, search=None, limit=50, cursor=None)["vendors"] == []
    )
    assert (
        setting_up.list_vendors(charlie, category=None, search="boa", limit=50, cursor=None)["vendors"] == []
    )
    assert {each["email"] for each in setting_up.list_people(charlie)["people"]} == {
        CHARLIE,
        "ceo@rival.example",
    }
    assert deciding.waiting_approvals(charlie)["waiting"] == []
    entries = auditing.trail(charlie, limit=1000)["entries"]
    assert {each["action"] for each in entries} <= {"user_added"}
    assert auditing.trail(charlie, TrailFilter(REQUEST))["entries"] == []
    assert auditing.verify_trail(charlie)["intact"]


def test_people_of_another_organisation_do_not_act_in_this_one(
    house: House, database: DatabaseSession
) -> None:
    before = everything(database)
    for who in (CHARLIE, "ceo@rival.example"):
        with pytest.raises(NotFound, match="Nobody here"):
            deciding.award_request(house.as_(who), REQUEST, "boards")
        with pytest.raises(NotFound, match="Nobody here"):
            closing.sign(house.as_(who), CONTRACT, "buyer")
    assert everything(database) == before


def test_the_numbers_of_two_organisations_do_not_disturb_one_another(
    house: House, database: DatabaseSession
) -> None:
    charlie = replace(house.workspace, organization="rival", who="ceo@rival.example", _database=database)
    with pytest.raises(DecisionNeeded):
        requesting.new_request(charlie, "CRM")
    text = "CRM for 5 people, at most $900 a year"
    assert requesting.new_request(charlie, text)["request_id"] == "REQ-2026-00001"
    assert house.request() == "REQ-2026-00002"
