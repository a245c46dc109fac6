"""The generic repository: create, read, page, change, delete, restore."""

from uuid import uuid4

import pytest
from sqlalchemy import select

from factories.buying import Desk
from factories.people import People
from procur.core.errors import Conflict, InvalidInput, NotFound
from procur.db import DatabaseSession, Session
from procur.db.models import VendorProfileRecord
from procur.db.repositories import RequestRepository, VendorRepository


@pytest.fixture
def desk(session: Session, people: People) -> Desk:
    return Desk(session, people.alice)


def test_a_row_is_found_by_id_as_uuid_or_text(session: Session, desk: Desk) -> None:
    vendors, row = VendorRepository(session), desk.vendor()
    assert vendors.get(row.id) is vendors.get(str(row.id)) is row
    assert vendors.get_by_vendor_id("northwind") is row
    assert vendors.get_by_id(1) is None  # type: ignore[arg-type]
    assert vendors.get_by_id("nonsense") is None
    assert vendors.exists(row.id)
    assert not vendors.exists(uuid4())
    with pytest.raises(NotFound):
        vendors.get(uuid4())


def test_unknown_fields_are_errors_everywhere(session: Session, desk: Desk) -> None:
    vendors, row = VendorRepository(session), desk.vendor()
    for attempt in (
        lambda: vendors.update(row.id, colour="red"),
        lambda: vendors.create(vendor_id="x", name="X", colour="red"),
        lambda: vendors.find(colour="red"),
        lambda: vendors.count(colour="red"),
        lambda: vendors.page(colour="red"),
    ):
        with pytest.raises(InvalidInput) as caught:
            attempt()
        assert caught.value.field == "colour"


@pytest.mark.parametrize("field", ["organization_id", "created_at", "updated_at"])
def test_keys_and_stamps_cannot_be_changed(session: Session, desk: Desk, field: str) -> None:
    row = desk.vendor()
    with pytest.raises(InvalidInput) as caught:
        VendorRepository(session).update(row.id, **{field: getattr(row, field)})
    assert caught.value.field == field


def test_pages_show_every_row_once_newest_first(session: Session, desk: Desk) -> None:
    made = [desk.vendor(f"v{number:02}") for number in range(25)]
    vendors, seen, cursor = VendorRepository(session), [], None
    for _ in range(4):
        page = vendors.page(limit=7, cursor=cursor)
        seen += page.rows
        cursor = page.next_cursor
    assert cursor is None
    assert seen == made[::-1]


@pytest.mark.parametrize("cursor", ["", "x", "é", "MjAyNg", "MjAyNi0wMS0wMSAxMjM"])
def test_a_foreign_cursor_is_refused(session: Session, cursor: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        VendorRepository(session).page(cursor=cursor)
    assert caught.value.field == "cursor"


def test_get_all_takes_limit_offset_and_values(session: Session, desk: Desk) -> None:
    for number in range(5):
        desk.vendor(f"v{number}", category="crm" if number % 2 else "erp")
    vendors = VendorRepository(session)
    assert [row.vendor_id for row in vendors.get_all(limit=2, offset=1)] == ["v1", "v2"]
    assert [row.vendor_id for row in vendors.get_all(category="crm")] == ["v1", "v3"]
    assert vendors.count(category=["crm", "erp"]) == 5
    assert vendors.get_all(category=None) == []
    with pytest.raises(InvalidInput):
        vendors.get_all(limit=-1)


def test_deleted_rows_hide_until_asked_for(session: Session, desk: Desk) -> None:
    vendors, row = VendorRepository(session), desk.vendor()
    assert vendors.soft_delete(row.id)
    assert row.is_deleted
    assert vendors.get_by_id(row.id) is None
    assert vendors.find(vendor_id="northwind") is None
    assert (vendors.count(), vendors.count(include_deleted=True)) == (0, 1)
    assert not vendors.exists(row.id)
    assert vendors.get_all() == vendors.page().rows == []
    assert vendors.get(row.id, include_deleted=True) is row
    statement = select(VendorProfileRecord).where(VendorProfileRecord.is_deleted)
    assert session.scalars(statement).all() == []
    assert session.scalars(statement, execution_options={"include_deleted": True}).all() == [row]
    vendors.restore(row.id)
    assert vendors.get(row.id) is row
    assert not row.is_deleted


def test_a_deleted_business_id_may_be_given_again(session: Session, desk: Desk) -> None:
    vendors, first = VendorRepository(session), desk.vendor()
    vendors.soft_delete(first.id)
    second = desk.vendor()
    assert vendors.get_by_vendor_id("northwind") is second
    with pytest.raises(Conflict) as caught:
        vendors.restore(first.id)
    assert caught.value.field == "vendor_id"


def test_a_row_that_others_refer_to_is_not_removed(session: Session, desk: Desk, people: People) -> None:
    request = desk.request()
    desk.mandate(request)
    with pytest.raises(Conflict, match="refer"):
        RequestRepository(session).delete(request.id)


def test_delete_removes_for_good(session: Session, desk: Desk) -> None:
    vendors, row = VendorRepository(session), desk.vendor()
    assert vendors.delete(row.id)
    assert vendors.count(include_deleted=True) == 0


def test_advance_moves_only_from_the_expected_state(session: Session, desk: Desk) -> None:
    requests, row = RequestRepository(session), desk.request()
    assert requests.move(row.id, to="sourcing", expected=["draft", "pending"]).status == "sourcing"
    with pytest.raises(Conflict):
        requests.move(row.id, to="negotiating", expected="draft")
    assert row.status == "sourcing"
    with pytest.raises(NotFound):
        requests.move(uuid4(), to="sourcing", expected="draft")


def test_many_rows_come_in_one_query(session: Session, desk: Desk) -> None:
    rows = [desk.vendor(f"v{number}") for number in range(3)]
    found = VendorRepository(session).get_many([*(row.id for row in rows), uuid4(), "nonsense"])
    assert found == {row.id: row for row in rows}


def test_numbers_are_given_when_none_is(database: DatabaseSession, people: People) -> None:
    with database.get_session("acme") as session:
        desk = Desk(session, people.alice)
        given, made, next_one = desk.request(request_id="req-001"), desk.request(), desk.request()
        year = made.created_at.year
        assert (given.request_id, made.request_id) == ("req-001", f"REQ-{year}-00001")
        assert next_one.request_id == f"REQ-{year}-00002"
    with database.get_session("rival") as session:
        assert Desk(session, people.charlie).request().request_id == f"REQ-{year}-00001"


def test_for_update_reads_what_the_database_has(session: Session, desk: Desk) -> None:
    vendors, row = VendorRepository(session), desk.vendor()
    assert vendors.get(row.id, for_update=True) is row
