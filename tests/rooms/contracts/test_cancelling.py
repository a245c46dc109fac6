"""A request that is given up leaves nothing behind that somebody could still decide or sign."""

from collections.abc import Callable
from typing import Any

import pytest

from factories.house import ALICE, BOB, OLGA, House
from procur.cli.steps import closing, deciding, requesting
from procur.core.errors import Conflict, InvalidInput, NotAllowed, NotFound, ProcurError
from procur.db.repositories import (
    ApprovalRepository,
    AuditRepository,
    ContractRepository,
    EventRepository,
    NegotiationRepository,
)

REQUEST, CONTRACT = "REQ-2026-00001", "CON-2026-00001"
SELLER = "sales@boards.example"


def talks(house: House) -> None:
    house.negotiate(house.request(), rounds=2, counterpart="person")


def asked(house: House) -> None:
    house.negotiate(house.request(), rounds=2)
    house.award(REQUEST, "boards")


def half_signed(house: House) -> None:
    asked(house)
    house.approve(REQUEST)
    house.draft(REQUEST, "boards")
    closing.sign(house.alice, CONTRACT, "buyer")


def unsigned(house: House) -> None:
    asked(house)
    house.approve(REQUEST)
    house.draft(REQUEST, "boards")


@pytest.mark.parametrize(
    ("until", "ended"),
    [
        (House.request, set()),
        (talks, {"negotiation_failed"}),
        (asked, {"approvals_expired"}),
        (unsigned, {"contract_withdrawn"}),
        (half_signed, {"contract_withdrawn"}),
    ],
)
def test_what_is_cancelled_leaves_nothing_open(
    house: House, until: Callable[[House], Any], ended: set[str]
) -> None:
    until(house)
    house.add(SELLER, "vendor", "boards")
    with house.session() as session:
        known = AuditRepository(session).since()[-1].id
    told = requesting.cancel_request(house.alice, REQUEST, reason="  the team is\ndissolved ")
    assert told["status"] == "cancelled"
    with house.session() as session:
        request = house.row(session, REQUEST)
        assert request.status == "cancelled"
        assert {row.status for row in NegotiationRepository(session).for_request(request.id)}.isdisjoint(
            {"active"}
        )
        assert ApprovalRepository(session).count(decision="pending") == 0
        assert all(row.status == "terminated" for row in ContractRepository(session).for_request(request.id))
        entries = AuditRepository(session).since(known)
        assert {each.action for each in entries} == {"request_moved", *ended}
        assert {each.correlation_id for each in entries} == {REQUEST}
        assert all("the team is dissolved" in (each.description or "") for each in entries)
        assert {each.actor_id for each in entries} == {ALICE}
        assert EventRepository(session).count() == AuditRepository(session).count()
    for step in (
        lambda: house.approve(REQUEST),
        lambda: house.award(REQUEST, "boards"),
        lambda: closing.sign(house.as_(SELLER), CONTRACT, "vendor"),
        lambda: closing.draft(house.alice, REQUEST),
        lambda: requesting.cancel_request(house.alice, REQUEST, reason="again"),
    ):
        with pytest.raises(ProcurError):
            step()
    assert deciding.waiting_approvals(house.bob)["waiting"] == []


def test_a_contracted_request_is_not_cancelled(house: House) -> None:
    half_signed(house)
    house.add(SELLER, "vendor", "boards")
    closing.sign(house.as_(SELLER), CONTRACT, "vendor")
    with pytest.raises(Conflict, match="contracted"):
        requesting.cancel_request(house.as_(OLGA), REQUEST, reason="too late")
    assert closing.show_contract(house.alice, CONTRACT)["status"] == "active"


def test_who_may_not_ask_may_not_cancel(house: House) -> None:
    asked(house)
    for who in (BOB, house.add("vic@acme.example", "viewer"), house.add(SELLER, "vendor", "boards")):
        with pytest.raises(NotAllowed, match=r"request\.write"):
            requesting.cancel_request(house.as_(who), REQUEST, reason="no")
    with pytest.raises(InvalidInput) as told:
        requesting.cancel_request(house.alice, REQUEST, reason=" \n ")
    assert told.value.field == "reason"
    with pytest.raises(NotFound):
        requesting.cancel_request(house.alice, "REQ-2026-00009", reason="no")
    assert requesting.show_request(house.alice, REQUEST)["status"] == "awaiting_approval"
