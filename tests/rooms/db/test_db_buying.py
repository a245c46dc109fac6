"""The repositories of the buying flow."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import event, text

from factories.buying import Desk
from factories.people import People
from procur.core.errors import Conflict, InvalidInput, NotAllowed
from procur.db import Session
from procur.db.repositories import (
    ApprovalRepository,
    ContractRepository,
    NegotiationRepository,
    OfferRepository,
    PolicyRepository,
    PurchaseOrderRepository,
    RequestRepository,
    UserRepository,
    VendorRepository,
)


@pytest.fixture
def desk(session: Session, people: People) -> Desk:
    return Desk(session, people.alice)


def test_nobody_decides_on_their_own_request(session: Session, people: People) -> None:
    approvals = ApprovalRepository(session)
    row = approvals.create(subject_type="request", subject_id="r", requester_id=people.alice.id)
    with pytest.raises(NotAllowed):
        approvals.decide(row.id, decision="approved", decided_by=people.alice.id)
    with pytest.raises(NotAllowed), session.begin_nested():
        session.execute(text("UPDATE approvals SET decision = 'approved', decided_by = requester_id"))
    with pytest.raises(InvalidInput), session.begin_nested():
        session.execute(text("UPDATE approvals SET decision = 'approved'"))
    assert approvals.decide(row.id, decision="approved", decided_by=people.bob.id).decided_at is not None
    with pytest.raises(Conflict):
        approvals.decide(row.id, decision="rejected", decided_by=people.bob.id)


def test_an_inbox_shows_what_its_owner_may_decide(session: Session, people: People) -> None:
    approvals = ApprovalRepository(session)
    plain = {"subject_type": "request", "requester_id": people.alice.id}
    for_role = approvals.create(subject_id="1", required_role="approver", **plain)
    for_bob = approvals.create(subject_id="2", required_person_id=people.bob.id, **plain)
    approvals.create(subject_id="3", required_role="owner", **plain)
    assert approvals.pending_for(roles=["approver"], person_id=people.bob.id) == [for_role, for_bob]
    assert approvals.pending_for(roles=["approver"], person_id=people.alice.id) == []
    assert len(approvals.pending()) == 3
    assert approvals.for_subject("request", "1") == [for_role]


def test_a_policy_has_one_version_in_force(session: Session, people: People) -> None:
    policies = PolicyRepository(session)
    first = policies.new_version("limits", policy_type="approval", policy_data={"max": "100"})
    second = policies.new_version("limits", policy_type="approval", created_by=people.bob.id)
    assert (first.version, second.version) == (1, 2)
    assert policies.active("approval") == [second]
    assert policies.get_active_policy("limits") is second
    assert policies.history("limits") == [first, second]
    policies.soft_delete(second.id)
    assert policies.new_version("limits", policy_type="approval").version == 3
    assert policies.deactivate("limits") == 1
    assert policies.active() == []


def test_a_catalogue_is_written_and_written_again(session: Session, desk: Desk) -> None:
    vendors = VendorRepository(session)
    deleted = desk.vendor("old")
    vendors.soft_delete(deleted.id)
    lines = [
        {"vendor_id": f"v{number}", "name": f"V {number}", "list_price": number} for number in range(1200)
    ]
    assert vendors.upsert_many([*lines, {"vendor_id": "old", "name": "Old again"}]) == {
        "created": 1201,
        "updated": 0,
    }
    known = vendors.get_by_vendor_id("v7")
    assert known is not None
    told = vendors.upsert_many([{"vendor_id": "v7", "name": "Seven"}, {"vendor_id": "new", "name": "New"}])
    assert told == {"created": 1, "updated": 1}
    assert (known.name, known.list_price) == ("Seven", Decimal(7))
    assert vendors.count() == 1202
    assert [row.name for row in vendors.search("v 11")][:2] == ["V 11", "V 110"]


def test_a_bad_line_stops_the_whole_catalogue_and_is_named(session: Session) -> None:
    vendors = VendorRepository(session)
    with pytest.raises(InvalidInput, match="vendor 2") as caught:
        vendors.upsert_many(
            [{"vendor_id": "a", "name": "A"}, {"vendor_id": "b", "name": "B", "currency": "?"}]
        )
    assert caught.value.field == "currency"
    assert vendors.count() == 0


def test_evidence_of_many_vendors_comes_in_one_query(session: Session, desk: Desk) -> None:
    vendors = VendorRepository(session)
    rows = [desk.vendor(f"v{number}") for number in range(20)]
    for row in rows:
        vendors.add_evidence(row.id, framework="SOC 2", kind="certified", source="auditor")
    vendors.add_evidence(
        rows[0].id, framework="SOC 2", kind="certified", source="auditor", valid_until=date(2027, 1, 1)
    )
    statements: list[str] = []
    listen = lambda *given: statements.append(given[2])  # noqa: E731 - a listener
    event.listen(session.get_bind(), "before_cursor_execute", listen)
    found = vendors.evidence_for([row.id for row in rows])
    event.remove(session.get_bind(), "before_cursor_execute", listen)
    assert len(statements) == 1
    assert [one.valid_until for one in found[rows[0].id]] == [date(2027, 1, 1)]
    assert all(len(evidence) == 1 for evidence in found.values())
    assert vendors.remove_evidence(rows[0].id) == 1


def test_standing_offers_are_the_newest_of_each_vendor(session: Session, desk: Desk) -> None:
    request, offers = desk.request(), OfferRepository(session)
    expected = []
    for name, prices in (("dear", (150, 130)), ("cheap", (120, 110))):
        vendor = desk.vendor(name)
        talks = desk.talks(request, vendor)
        for number, price in enumerate(prices, start=1):
            keys = {"negotiation_session_id": talks.id, "round_number": number}
            desk.offer(request, vendor, unit_price=100, actor="buyer", **keys)
            last = desk.offer(request, vendor, unit_price=price, **keys)
        expected.append(last)
    dear, cheap = expected
    assert offers.standing(request.id) == [cheap, dear]
    offers.reject(cheap.id)
    assert offers.standing(request.id) == [dear]
    assert len(offers.for_request(request.id)) == 8
    assert [row.round_number for row in offers.for_session(dear.negotiation_session_id)] == [1, 1, 2, 2]
    assert offers.latest(dear.negotiation_session_id, "seller") is dear
    assert NegotiationRepository(session).find_for(request.id, dear.vendor_id) is not None
    assert len(NegotiationRepository(session).for_request(request.id)) == 2


def test_contracts_that_end_or_renew_soon(session: Session, desk: Desk) -> None:
    vendor, contracts = desk.vendor(), ContractRepository(session)
    ends = [date(2027, 3, 1), date(2027, 1, 1), date(2028, 1, 1)]
    offers = [desk.offer(desk.request(), vendor) for _ in range(4)]
    rows = [
        desk.contract(offer, end_date=end, renewal_date=end, status="active")
        for offer, end in zip(offers, ends, strict=False)
    ]
    desk.contract(offers[3], end_date=ends[1])
    assert contracts.expiring_before(date(2027, 6, 1)) == [rows[1], rows[0]]
    assert contracts.renewing_before(date(2027, 2, 1)) == [rows[1]]
    assert contracts.get_by_contract_id(rows[0].contract_id) is rows[0]
    assert contracts.for_vendor(vendor.id)[:3] == rows
    assert len(contracts.get_active()) == 3
    with pytest.raises(InvalidInput) as caught:
        desk.contract(desk.offer(desk.request(), vendor), end_date=date(2020, 1, 1))
    assert caught.value.field == "end_date"


def test_a_request_has_one_contract_that_is_not_terminated(session: Session, desk: Desk) -> None:
    offer = desk.offer(desk.request(), desk.vendor())
    contracts = ContractRepository(session)
    first = desk.contract(offer)
    with pytest.raises(Conflict) as caught, session.begin_nested():
        desk.contract(offer)
    assert caught.value.field == "request_id"
    contracts.update(first.id, status="terminated")
    second = desk.contract(offer)
    contracts.soft_delete(second.id)
    desk.contract(offer)
    assert len(contracts.for_request(offer.request_id)) == 2


def test_a_contract_has_one_order_that_is_not_cancelled(session: Session, desk: Desk) -> None:
    contract = desk.contract(desk.offer(desk.request(), desk.vendor()))
    orders = PurchaseOrderRepository(session)
    values = {
        "contract_id": contract.id,
        "vendor_id": contract.vendor_id,
        "issue_date": date(2026, 12, 1),
        "line_total": "1",
        "payable": "1",
    }
    first = orders.create(**values)
    with pytest.raises(Conflict) as caught, session.begin_nested():
        orders.create(**values)
    assert caught.value.field == "contract_id"
    orders.update(first.id, status="cancelled")
    orders.create(**values)
    assert len(orders.for_contract(contract.id)) == 2


def test_an_order_comes_with_its_lines(session: Session, desk: Desk) -> None:
    contract = desk.contract(desk.offer(desk.request(), desk.vendor()))
    orders = PurchaseOrderRepository(session)
    line = {"item_name": "Seat", "quantity": "50", "unit_price": "120", "line_total": "6000"}
    order = orders.create(
        contract_id=contract.id,
        vendor_id=contract.vendor_id,
        issue_date=date(2026, 12, 1),
        line_total="6000",
        tax_total="1200",
        payable="7200",
        lines=[line, line],
    )
    assert [row.line_number for row in orders.lines_of(order.id)] == [1, 2]
    assert orders.get_by_po_number(order.po_number) is order
    assert orders.for_contract(contract.id) == [order]
    with pytest.raises(InvalidInput) as caught:
        orders.update(order.id, payable="1")
    assert caught.value.field == "payable"


def test_requests_by_person_and_state(session: Session, desk: Desk, people: People) -> None:
    requests = RequestRepository(session)
    rows = [desk.request(), desk.request(status="pending")]
    assert requests.get_by_user(people.alice.id) == rows[::-1]
    assert requests.get_by_status("pending") == [rows[1]]
    assert requests.count_by_status() == {"draft": 1, "pending": 1}
    offer = desk.offer(rows[0], desk.vendor())
    assert requests.award(rows[0].id, offer.id).awarded_offer_id == offer.id


def test_people_are_found_the_documented_ways(session: Session, people: People) -> None:
    users = UserRepository(session)
    assert users.get_by_email("ALICE@acme.example").id == people.alice.id  # type: ignore[union-attr]
    assert users.get_by_email("alice@acme.exampl") is None
    assert users.get_by_username("bob").id == people.bob.id  # type: ignore[union-attr]
    assert len(users.get_by_organization("acme")) == 2
    assert len(users.list_by_organization(people.organization_id)) == 2
    assert [row.username for row in users.with_role("approver", "owner")] == ["bob"]
    assert users.update_last_login(people.bob.id)
    assert users.names({people.alice.id}) == {people.alice.id: "Alice"}
    users.update(people.alice.id, email="Alice.New@acme.example")
    assert users.get_by_email("alice.new@ACME.example") is not None
