"""Two people, or two processes, do the same at the same moment: one is first, the other one is told."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event, Lock, get_ident
from typing import Any

import pytest

from factories.house import ALICE, BOB, DAY, OLGA, SETTLED, House
from procur.approvals.service import activate_policy
from procur.cli.steps import closing, negotiating
from procur.cli.workspace import simulated_clock
from procur.contracts.cancelling import cancel_request
from procur.contracts.orders import issue_order
from procur.contracts.service import Wanted, draft_contract
from procur.contracts.signing import Wanted as Signing
from procur.contracts.signing import sign_contract
from procur.core.actor import Actor
from procur.core.errors import Conflict, NotFound, OutsideMandate, ProcurError
from procur.db import Session
from procur.db.models import ContractRecord, RequestRecord
from procur.db.repositories import (
    ApprovalRepository,
    ContractRepository,
    NumberRepository,
    PurchaseOrderRepository,
    VendorRepository,
)
from procur.documents.store import LocalStore, StoredDocument
from procur.negotiation.award import decide_award, propose_award
from procur.negotiation.briefs import Economics
from procur.negotiation.mandates import changed, mandate_in_force, write_mandate
from procur.negotiation.offers_compared import compare_offers
from procur.sourcing.service import move_request
from procur.vendors.vocabulary import load

REQUEST, CONTRACT = "REQ-2026-00001", "CON-2026-00001"
SELLER = "sales@boards.example"
Work = Callable[[Session, Actor, RequestRecord], Any]


def together(house: House, works: Sequence[tuple[str, Work]]) -> list[Any]:
    """Let each person do their work at once, having read the request before the other one writes.

    On SQLite a transaction begins with the write lock, so they meet before it. Return what came of each.
    """
    meeting = Barrier(len(works), timeout=30)
    on_sqlite = house.database.engine.dialect.name == "sqlite"

    def run(who: str, work: Work) -> Any:
        if on_sqlite:
            meeting.wait()
        try:
            with house.database.get_session("acme") as session:
                actor, request = house.actor(session, who), house.row(session, REQUEST)
                for row in ContractRepository(session).for_request(request.id):
                    assert row.contract_id
                if not on_sqlite:
                    meeting.wait()
                return work(session, actor, request) or "done"
        except ProcurError as error:
            return error

    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result() for future in [pool.submit(run, *each) for each in works]]


def kinds(results: Sequence[Any]) -> list[type]:
    """Return the errors among the results."""
    return [type(each) for each in results if isinstance(each, ProcurError)]


def award(house: House, choice: str = "boards") -> Work:
    now = house.workspace.clock.now()

    def work(session: Session, actor: Actor, request: RequestRecord) -> Any:
        compared = compare_offers(session, request, Economics(), now=now)
        return propose_award(session, actor, request, compared, choice=choice, now=now)

    return work


@pytest.fixture
def negotiating_house(house: House) -> House:
    house.negotiate(house.request(), rounds=2)
    house.add(SELLER, "vendor", "boards")
    return house


@pytest.fixture
def approved(negotiating_house: House) -> House:
    negotiating_house.award(REQUEST, "boards")
    negotiating_house.approve(REQUEST)
    return negotiating_house


@pytest.fixture
def drafted(approved: House) -> House:
    approved.draft(REQUEST, "boards")
    return approved


def test_two_awards_leave_one_set_of_approvals(negotiating_house: House) -> None:
    house = negotiating_house
    results = together(house, [(ALICE, award(house)), (OLGA, award(house, "tasklane"))])
    assert kinds(results) == [Conflict]
    with house.session() as session:
        assert ApprovalRepository(session).count() == 1
        won = next(each for each in results if not isinstance(each, ProcurError))
        row = house.row(session, REQUEST)
        assert (row.status, row.awarded_offer_id) == ("awaiting_approval", won.offer.id)


def test_of_two_last_approvals_at_once_the_second_one_approves(negotiating_house: House) -> None:
    house = negotiating_house
    carol, now = house.add("carol@acme.example", "approver"), house.workspace.clock.now()
    need = {"require_approval": {"role": "approver", "order": 1, "count": 2}}
    rule = {"id": "two", "description": "two", "priority": 1, "when": {"all": []}, "then": [need]}
    data = {"name": "p", "version": 1, "currency": "USD", "roles": ["approver"], "rules": [rule]}
    with house.workspace.session() as session:
        activate_policy(session, house.actor(session, OLGA), data, now=now)
    house.award(REQUEST, "boards")

    def work(session: Session, actor: Actor, request: RequestRecord) -> Any:
        return decide_award(session, actor, request, approve=True, reason=None, now=now)

    assert kinds(together(house, [(BOB, work), (carol, work)])) == []
    with house.session() as session:
        assert house.row(session, REQUEST).status == "approved"


def test_an_approval_and_a_rejection_at_once_do_not_both_count(negotiating_house: House) -> None:
    house = negotiating_house
    carol, now = house.add("carol@acme.example", "approver"), house.workspace.clock.now()
    house.award(REQUEST, "boards")

    def work(approve: bool) -> Work:
        return lambda session, actor, request: decide_award(
            session, actor, request, approve=approve, reason="so", now=now
        )

    results = together(house, [(BOB, work(True)), (carol, work(False))])
    assert kinds(results) == [NotFound]


class Meeting(LocalStore):
    """A store at which writers meet: each has planned before the first one records."""

    def __init__(self, house: House, writers: int = 2) -> None:
        super().__init__(house.workspace.home / "documents")
        self._barrier, self._met, self._lock = Barrier(writers, timeout=30), set[int](), Lock()

    def get(self, path: str, *, sha256: str | None = None) -> bytes:
        self._meet()
        return super().get(path, sha256=sha256)

    def put(self, name: str, data: bytes) -> StoredDocument:
        self._meet()
        return super().put(name, data)

    def _meet(self) -> None:
        with self._lock:
            first = get_ident() not in self._met
            self._met.add(get_ident())
        if first:
            self._barrier.wait()


def printing(house: House, works: Sequence[tuple[str, Callable[[Actor, Meeting], Any]]]) -> list[Any]:
    """Let each person print at once; return what came of each."""
    store = Meeting(house, len(works))

    def run(who: str, work: Callable[[Actor, Meeting], Any]) -> Any:
        with house.session() as session:
            actor = house.actor(session, who)
        try:
            return work(actor, store)
        except ProcurError as error:
            return error

    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result() for future in [pool.submit(run, *each) for each in works]]


def test_two_drafts_leave_one_contract(approved: House) -> None:
    now, open_session = approved.workspace.clock.now(), approved.workspace.session

    def work(actor: Actor, store: Meeting) -> Any:
        return draft_contract(open_session, actor, store, load(None), Wanted(REQUEST), now=now)

    results = printing(approved, [(ALICE, work), (OLGA, work)])
    assert kinds(results) == []
    with approved.session() as session:
        rows = ContractRepository(session).for_request(approved.row(session, REQUEST).id)
        assert [row.status for row in rows] == ["terminated", "pending_signature"]
    # Both had printed the same first number with the same words; the later one printed again as the second.
    assert sorted(row.document_path or "" for row in rows) == ["CON-2026-00001.pdf", "CON-2026-00002.pdf"]
    assert sorted(path.name for path in (approved.workspace.home / "documents").iterdir()) == [
        "CON-2026-00001.pdf",
        "CON-2026-00002.pdf",
    ]


def contract_of(house: House) -> ContractRecord:
    with house.session() as session:
        return ContractRepository(session).named(CONTRACT)


def signing(house: House, side: str) -> Callable[[Actor, Meeting], Any]:
    now, contract = house.workspace.clock.now(), contract_of(house)

    def work(actor: Actor, store: Meeting) -> Any:
        wanted = Signing(contract.id, side)
        return sign_contract(house.workspace.session, actor, store, wanted, now=now)

    return work


def test_two_signatures_at_once_put_the_contract_in_force(drafted: House) -> None:
    works = [(ALICE, signing(drafted, "buyer")), (SELLER, signing(drafted, "vendor"))]
    assert kinds(printing(drafted, works)) == []
    row = contract_of(drafted)
    assert (row.signed_by_buyer, row.signed_by_vendor, row.status) == (True, True, "active")
    certificate = row.special_terms["certificate"]
    assert drafted.workspace.store.get(certificate["path"], sha256=certificate["sha256"])
    with drafted.session() as session:
        assert drafted.row(session, REQUEST).status == "contracted"


def test_one_side_signs_once(drafted: House) -> None:
    works = [(ALICE, signing(drafted, "buyer")), (BOB, signing(drafted, "buyer"))]
    assert kinds(printing(drafted, works)) == [Conflict]


def test_two_orders_leave_one(drafted: House) -> None:
    closing.sign(drafted.alice, CONTRACT, "buyer")
    closing.sign(drafted.as_(SELLER), CONTRACT, "vendor")
    now, contract = drafted.workspace.clock.now(), contract_of(drafted)

    def work(actor: Actor, store: Meeting) -> Any:
        return issue_order(drafted.workspace.session, actor, store, contract.id, now=now)

    assert kinds(printing(drafted, [(ALICE, work), (OLGA, work)])) == [Conflict]
    with drafted.session() as session:
        assert PurchaseOrderRepository(session).count() == 1


def test_nothing_is_printed_while_a_transaction_is_open(approved: House) -> None:
    """A store that is slow keeps nobody waiting: others write while it stores."""

    class Busy(LocalStore):
        def put(self, name: str, data: bytes) -> StoredDocument:
            with approved.database.get_session("acme") as session:
                hold = VendorRepository(session)
                hold.update(hold.named("boards").id, website=f"https://{name.lower()}.example")
            return super().put(name, data)

    approved.address("boards")
    approved.workspace._store = Busy(approved.workspace.home / "documents")
    drafted = closing.draft(approved.alice, REQUEST, details=SETTLED)
    closing.sign(approved.alice, CONTRACT, "buyer")
    assert closing.sign(approved.as_(SELLER), CONTRACT, "vendor")["status"] == "active"
    assert closing.issue(approved.alice, CONTRACT)["po_number"] == "PO-2026-00001"
    assert closing.show_contract(approved.alice, CONTRACT)["sha256"] == drafted["sha256"]


def test_what_changes_all_the_time_is_a_conflict_in_the_end(approved: House) -> None:
    class Restless(LocalStore):
        def put(self, name: str, data: bytes) -> StoredDocument:
            with approved.database.get_session("acme") as session:
                vendors = VendorRepository(session)
                row = vendors.named("boards")
                vendors.update(row.id, name=row.name + "!")
            return super().put(name, data)

    approved.workspace._store = Restless(approved.workspace.home / "documents")
    with pytest.raises(Conflict, match="changed while it was printed"):
        closing.draft(approved.alice, REQUEST)
    with approved.session() as session:
        assert ContractRepository(session).count() == 0
        assert NumberRepository(session).upcoming("CON", 2026) == CONTRACT


def test_what_is_cancelled_is_not_awarded_at_the_same_moment(negotiating_house: House) -> None:
    house, now = negotiating_house, negotiating_house.workspace.clock.now()

    def cancel(session: Session, actor: Actor, request: RequestRecord) -> Any:
        return cancel_request(session, actor, request, reason="no need", now=now)

    # An award that is on record already may be cancelled; what is cancelled is not awarded.
    assert kinds(together(house, [(ALICE, award(house)), (OLGA, cancel)])) in ([], [Conflict])
    with house.session() as session:
        waits = ApprovalRepository(session).count(decision="pending")
        assert (house.row(session, REQUEST).status, waits) in {("cancelled", 0), ("awaiting_approval", 1)}


def while_it_waits(house: House, first: Work, second: Callable[[], Any]) -> Any:
    """Do the second thing while the first one is written but not committed; return what came of it."""
    started = Event()

    def run() -> Any:
        started.set()
        try:
            return second()
        except ProcurError as error:
            return error

    with ThreadPoolExecutor(1) as pool:
        with house.database.get_session("acme") as session:
            first(session, house.actor(session, ALICE), house.row(session, REQUEST))
            future: Future[Any] = pool.submit(run)
            started.wait(10)
            # It has to wait for us: either at once (SQLite), or at the request (PostgreSQL).
            with pytest.raises(TimeoutError):
                future.result(timeout=0.5)
        return future.result(timeout=30)


def tighter(house: House) -> Work:
    def work(session: Session, actor: Actor, request: RequestRecord) -> Any:
        limits = changed(mandate_in_force(session, request).limits, max_unit_price=1)
        return write_mandate(session, actor, request, limits, now=house.workspace.clock.now())

    return work


def test_a_tighter_mandate_written_at_the_same_moment_stops_the_award(negotiating_house: House) -> None:
    house = negotiating_house
    result = while_it_waits(house, tighter(house), lambda: house.award(REQUEST, "boards"))
    assert isinstance(result, OutsideMandate)
    with house.session() as session:
        assert house.row(session, REQUEST).status == "negotiating"


def test_a_tighter_mandate_written_at_the_same_moment_stops_the_signature(drafted: House) -> None:
    result = while_it_waits(drafted, tighter(drafted), lambda: closing.sign(drafted.alice, CONTRACT, "buyer"))
    assert isinstance(result, OutsideMandate)


def test_the_buyer_signs_inside_the_mandate_in_force_only(drafted: House) -> None:
    negotiating.set_mandate(drafted.alice, REQUEST, max_unit_price=1)
    with pytest.raises(OutsideMandate, match="unit price"):
        closing.sign(drafted.alice, CONTRACT, "buyer")
    negotiating.set_mandate(drafted.alice, REQUEST, max_unit_price=100)
    drafted.workspace.clock = simulated_clock(DAY + timedelta(days=91))
    with pytest.raises(OutsideMandate, match="ended on"):
        closing.sign(drafted.alice, CONTRACT, "buyer")
    assert not closing.show_contract(drafted.alice, CONTRACT)["signed_by_buyer"]
    # The vendor binds itself, not us.
    assert closing.sign(drafted.as_(SELLER), CONTRACT, "vendor")["signed_by_vendor"] == SELLER
    negotiating.set_mandate(drafted.alice, REQUEST)
    assert closing.sign(drafted.alice, CONTRACT, "buyer")["status"] == "active"


def test_a_request_that_moved_meanwhile_is_not_moved_from_where_it_was_seen(house: House) -> None:
    house.request()
    with house.session() as session:
        seen = house.row(session, REQUEST)
    house.negotiate(REQUEST, rounds=1)
    with house.session() as session, pytest.raises(Conflict, match="by now"):
        move_request(session, house.actor(session), seen, "cancelled", now=house.workspace.clock.now())
