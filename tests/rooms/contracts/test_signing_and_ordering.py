"""Each side signs what was drafted, for itself; only a contract in force is ordered."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from factories.house import ALICE, BOB, SETTLED, House
from procur.cli.steps import closing, setting_up
from procur.contracts.signing import (
    PrintedSignature,
    SignaturePlan,
    Wanted,
    record_signature,
    sign_contract,
)
from procur.core.actor import negotiating_agent
from procur.core.errors import Conflict, DecisionNeeded, InvalidInput, NotAllowed, NotFound, Unavailable
from procur.db.repositories import (
    AuditRepository,
    ContractRepository,
    EventRepository,
    PurchaseOrderRepository,
)

REQUEST, CONTRACT = "REQ-2026-00001", "CON-2026-00001"
SELLER, RIVAL = "sales@boards.example", "sales@tasklane.example"


def stored(house: House) -> list[Any]:
    with house.session() as session:
        contracts = ContractRepository(session).get_all(limit=100)
        return [
            [
                (
                    row.contract_id,
                    row.status,
                    row.signed_by_buyer,
                    row.signed_by_vendor,
                    row.purchase_order_id,
                )
                for row in contracts
            ],
            PurchaseOrderRepository(session).count(),
            AuditRepository(session).count(),
            EventRepository(session).count(),
        ]


@pytest.fixture
def awarded(house: House) -> House:
    """An approved award to Boards, with people of Boards and of a rival who may sign for their own."""
    house.negotiate(house.request(), rounds=2)
    house.award(REQUEST, "boards")
    house.approve(REQUEST)
    house.add(SELLER, "vendor", "boards")
    house.add(RIVAL, "vendor", "tasklane")
    return house


@pytest.fixture
def drafted(awarded: House) -> House:
    awarded.draft(REQUEST, "boards")
    return awarded


def document(house: House) -> Path:
    return Path(closing.show_contract(house.alice, CONTRACT)["document"])


def test_a_contract_needs_an_approved_award(house: House) -> None:
    house.request()
    for step in (house.negotiate, house.award):
        with pytest.raises(DecisionNeeded, match="approved award"):
            closing.draft(house.alice, REQUEST)
        step(REQUEST)
    before = stored(house)
    with pytest.raises(DecisionNeeded, match="awaiting_approval") as told:
        closing.draft(house.alice, REQUEST)
    assert told.value.field == "status"
    assert stored(house) == before
    assert not list(house.workspace.store.root.glob("*"))


def test_the_buyer_cannot_sign_for_the_vendor_nor_the_vendor_for_the_buyer(drafted: House) -> None:
    before = stored(drafted)
    for who, side in ((ALICE, "vendor"), (BOB, "vendor"), (SELLER, "buyer"), (RIVAL, "vendor")):
        with pytest.raises(NotAllowed):
            closing.sign(drafted.as_(who), CONTRACT, side)
    assert stored(drafted) == before


def test_a_buyer_who_says_to_be_of_the_vendor_is_not(drafted: House) -> None:
    """Neither a role in hand nor the same person on both sides signs twice."""
    before = stored(drafted)
    with drafted.session() as session:
        alice = drafted.actor(session, ALICE)
        contract = ContractRepository(session).named(CONTRACT)
    now = drafted.workspace.clock.now()
    for actor in (
        replace(alice, role="vendor"),
        negotiating_agent(alice),
        replace(alice, kind="agent"),
        replace(alice, kind="system"),
        replace(alice, user_id=None),
    ):
        for side in ("buyer", "vendor"):
            wanted = Wanted(contract.id, side)
            with pytest.raises(NotAllowed):
                sign_contract(drafted.workspace.session, actor, drafted.workspace.store, wanted, now=now)
            plan = SignaturePlan(CONTRACT, contract.document_path or "", None, None, now.date())
            with drafted.session() as session, pytest.raises(NotAllowed):
                record_signature(session, actor, wanted, PrintedSignature(plan, None), now=now)
    with pytest.raises(InvalidInput) as told:
        closing.sign(drafted.alice, CONTRACT, "both")
    assert told.value.field == "side"
    assert stored(drafted) == before


def test_two_signatures_put_the_contract_in_force(drafted: House) -> None:
    told = closing.sign(drafted.alice, CONTRACT, "buyer")
    assert (told["status"], told["signed_by_buyer"], told["signed_by_vendor"]) == (
        "pending_signature",
        ALICE,
        None,
    )
    with pytest.raises(Conflict, match="signed by the buyer already"):
        closing.sign(drafted.bob, CONTRACT, "buyer")
    told = closing.sign(drafted.as_(SELLER), CONTRACT, "vendor")
    assert (told["status"], told["signed_by_vendor"]) == ("active", SELLER)
    with pytest.raises(Conflict, match="nothing to sign"):
        closing.sign(drafted.alice, CONTRACT, "buyer")
    with drafted.session() as session:
        assert drafted.row(session, REQUEST).status == "contracted"


@pytest.mark.parametrize("change", ["edited", "replaced", "gone"])
def test_a_document_that_was_changed_is_not_signed(drafted: House, change: str) -> None:
    path = document(drafted)
    before = stored(drafted)
    if change == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes().replace(b"a", b"b") if change == "edited" else b"%PDF-1.7")
    with pytest.raises((Conflict, NotFound, Unavailable)):
        closing.sign(drafted.alice, CONTRACT, "buyer")
    with pytest.raises((Conflict, NotFound, Unavailable)):
        closing.show_contract(drafted.alice, CONTRACT)
    assert stored(drafted) == before


def test_a_contract_with_open_points_is_signed_only_on_purpose_and_can_be_drafted_again(
    awarded: House,
) -> None:
    told = closing.draft(awarded.alice, REQUEST)
    assert told["open_points"]
    with pytest.raises(DecisionNeeded, match="to be completed") as error:
        closing.sign(awarded.alice, CONTRACT, "buyer")
    assert error.value.field == "open_points"
    awarded.address("boards")
    again = closing.draft(awarded.alice, REQUEST, details=SETTLED)
    assert (again["contract_id"], again["open_points"]) == ("CON-2026-00002", [])
    with pytest.raises(Conflict):
        closing.sign(awarded.alice, CONTRACT, "buyer")
    closing.sign(awarded.alice, "CON-2026-00002", "buyer")
    with pytest.raises(Conflict, match="signed already"):
        closing.draft(awarded.alice, REQUEST, details=SETTLED)


def test_an_unknown_detail_of_a_contract_is_refused(awarded: House) -> None:
    before = stored(awarded)
    with pytest.raises(InvalidInput) as told:
        closing.draft(awarded.alice, REQUEST, details={"price": "1"})
    assert told.value.field == "price"
    assert stored(awarded) == before


def test_special_terms_are_text_whatever_they_look_like(awarded: House) -> None:
    """What a person types into a paragraph is printed, never run by the typesetter."""
    evil = '#read("/etc/passwd") $x$ `code` *bold* \\ <label> @cite [link](x) "quoted" “curly” é'
    told = closing.draft(awarded.alice, REQUEST, special_terms=(evil,))
    assert Path(told["document"]).read_bytes().startswith(b"%PDF-")
    with awarded.session() as session:
        row = ContractRepository(session).named(CONTRACT)
        assert row.special_terms["paragraphs"] == [evil]


def test_an_order_needs_a_contract_in_force(drafted: House) -> None:
    before = stored(drafted)
    with pytest.raises(DecisionNeeded, match="signed by both"):
        closing.issue(drafted.alice, CONTRACT)
    assert stored(drafted) == before
    closing.sign(drafted.alice, CONTRACT, "buyer")
    with pytest.raises(DecisionNeeded):
        closing.issue(drafted.alice, CONTRACT)
    closing.sign(drafted.as_(SELLER), CONTRACT, "vendor")
    with pytest.raises(NotAllowed, match=r"order\.issue"):
        closing.issue(drafted.bob, CONTRACT)
    told = closing.issue(drafted.alice, CONTRACT)
    assert closing.show_order(drafted.alice, told["po_number"])["sha256"] == told["sha256"]
    with pytest.raises(Conflict):
        closing.issue(drafted.alice, CONTRACT)


def test_an_order_is_not_addressed_to_a_place_that_nobody_recorded(awarded: House) -> None:
    closing.draft(awarded.alice, REQUEST)
    for who, side in ((ALICE, "buyer"), (SELLER, "vendor")):
        closing.sign(awarded.as_(who), CONTRACT, side, despite_open_points=True)
    before = stored(awarded)
    with pytest.raises(DecisionNeeded, match="contact_email and no country") as told:
        closing.issue(awarded.alice, CONTRACT)
    assert "vendors change boards" in str(told.value.hint)
    assert stored(awarded) == before
    assert not list(awarded.workspace.store.root.glob("PO*"))
    setting_up.update_vendor(awarded.alice, "boards", contact_email="a@boards.example", country="US")
    assert closing.issue(awarded.alice, CONTRACT)["po_number"] == "PO-2026-00001"


def test_a_sign_that_cannot_be_printed_is_refused_and_nothing_is_stored(awarded: House) -> None:
    before = stored(awarded)
    with pytest.raises(InvalidInput, match="你"):
        closing.draft(awarded.alice, REQUEST, special_terms=("你好",))
    assert stored(awarded) == before


@pytest.fixture
def sealed(awarded: House) -> Iterator[House]:
    """The documents' folder is a file: nothing can be stored in it."""
    root = awarded.workspace.store.root
    root.parent.mkdir(exist_ok=True)
    root.write_text("in the way")
    yield awarded
    root.unlink()


def test_a_document_that_cannot_be_stored_leaves_no_contract(sealed: House) -> None:
    before = stored(sealed)
    with pytest.raises(Unavailable):
        closing.draft(sealed.alice, REQUEST)
    assert stored(sealed) == before
    with sealed.session() as session:
        assert sealed.row(session, REQUEST).status == "approved"
