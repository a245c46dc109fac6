"""Charlie, of another organisation, finds nothing of Alice's and writes nothing into it."""

from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, text, update

from factories.buying import Desk
from factories.neighbours import Neighbours
from factories.people import People
from factories.rows import Rows, fill
from procur.core.errors import InvalidInput, NotAllowed, NotFound, ProcurError
from procur.db import DatabaseSession, Session, repositories
from procur.db import models as tables
from procur.db.base import Base, OfOrganization
from procur.db.repositories import Repository, UserRepository, VendorRepository

KINDS: list[type[Repository[Any]]] = sorted(
    (
        kind
        for kind in vars(repositories).values()
        if isinstance(kind, type) and issubclass(kind, Repository) and kind is not Repository
    ),
    key=lambda kind: kind.__name__,
)
MODELS: list[Any] = sorted(
    (mapper.class_ for mapper in Base.registry.mappers if issubclass(mapper.class_, OfOrganization)),
    key=lambda model: model.__name__,
)


@pytest.fixture
def filled(database: DatabaseSession, people: People) -> Rows:
    """One row of Alice's organisation in every table."""
    with database.system_session() as session:
        return fill(session.connection(), people.organization_id, mark="acme")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_lists_show_own_rows_only(neighbours: Neighbours, kind: type[Repository[Any]]) -> None:
    people, rows = neighbours.people, neighbours.rows[kind.model.__tablename__]
    with neighbours.database.get_session("rival") as session:
        repository = kind(session)
        shown = {row.id for row in [*repository.get_all(), *repository.page().rows]}
        assert shown <= {people.charlie.id, people.other_organization_id}
        assert repository.count() == len(shown)
        assert not repository.exists(rows["id"])
    if getattr(kind, "kind", None) is None:  # else it shows rows of one kind only
        with neighbours.database.get_session("acme") as session:
            assert kind(session).exists(rows["id"])


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_plain_statements_stay_inside(neighbours: Neighbours, model: Any) -> None:
    people, database = neighbours.people, neighbours.database
    before = _contents(database)
    with database.get_session("rival") as session:
        own = model.organization_id == people.other_organization_id
        statement = select(func.count()).select_from(model)
        everything = session.scalar(statement)
        assert everything == session.scalar(statement.where(own))
        assert all(
            row.organization_id == people.other_organization_id for row in session.scalars(select(model))
        )
    changing = [update(model).values(organization_id=model.organization_id).where(~own)]
    if model is not tables.UserAccount:
        changing.append(delete(model).where(~own))
    for statement in changing:
        # Where nobody may change rows, the database role is refused before any row is looked at.
        with suppress(NotAllowed), database.get_session("rival") as session:
            session.execute(statement)
    assert _contents(database) == before


def test_a_row_of_another_organisation_cannot_be_flushed(database: DatabaseSession, people: People) -> None:
    row = {"vendor_id": "v", "name": "V", "organization_id": people.organization_id}
    with pytest.raises(NotAllowed), database.get_session("rival") as session:  # noqa: PT012 - the session's end is part of it
        session.add(tables.VendorProfileRecord(**row))
        session.flush()
    with pytest.raises(NotAllowed), database.get_session("rival") as session:
        session.execute(insert(tables.VendorProfileRecord), [row])
    with pytest.raises(NotFound), database.get_session("rival") as session:
        VendorRepository(session).create(**row)


def test_a_loaded_row_cannot_be_moved_or_edited_elsewhere(database: DatabaseSession, people: People) -> None:
    with database.get_session("acme") as session:
        row = VendorRepository(session).create(vendor_id="v", name="V")
    for change in ({"name": "Stolen"}, {"organization_id": people.other_organization_id}):
        with pytest.raises(NotAllowed), database.get_session("rival") as session:  # noqa: PT012 - the session's end is part of it
            session.add(row)
            for name, value in change.items():
                setattr(row, name, value)
            session.flush()
        with database.get_session("acme") as session:
            row = VendorRepository(session).named("v")
    with pytest.raises(NotAllowed), database.get_session("rival") as session:  # noqa: PT012 - the session's end is part of it
        session.delete(row)
        session.flush()


def test_no_reference_points_into_another_organisation(
    database: DatabaseSession, people: People, filled: Rows
) -> None:
    with database.get_session("rival") as session:
        desk = Desk(session, people.charlie)
        own, vendor = desk.request(), desk.vendor()
        foreign: list[tuple[str, Any]] = [
            ("user_id", lambda: desk.request(user_id=filled["user_accounts"]["id"])),
            ("approved_by", lambda: desk.request(approved_by=filled["user_accounts"]["id"])),
            ("request_id", lambda: desk.mandate(own, request_id=filled["requests"]["id"])),
            ("vendor_id", lambda: desk.talks(own, vendor, vendor_id=filled["vendor_profiles"]["id"])),
            ("mandate_id", lambda: desk.offer(own, vendor, mandate_id=filled["mandates"]["id"])),
            (
                "final_offer_id",
                lambda: desk.contract(desk.offer(own, vendor), final_offer_id=filled["offers"]["id"]),
            ),
        ]
        for field, attempt in foreign:
            with pytest.raises(InvalidInput) as caught, session.begin_nested():
                attempt()
            assert caught.value.field == field


def test_nor_by_plain_sql(database: DatabaseSession, people: People, filled: Rows) -> None:
    with database.get_session("rival") as session:
        own = Desk(session, people.charlie).request()
        for column, value in (
            ("user_id", filled["user_accounts"]["id"]),
            ("awarded_offer_id", filled["offers"]["id"]),
        ):
            table = tables.RequestRecord.__table__
            with pytest.raises(ProcurError), session.begin_nested():
                session.execute(update(table).where(table.c.id == own.id).values({column: value}))


def test_the_same_business_ids_live_side_by_side(database: DatabaseSession, people: People) -> None:
    for slug in ("acme", "rival"):
        with database.get_session(slug) as session:
            VendorRepository(session).create(vendor_id="northwind", name=slug)
    with database.get_session("rival") as session:
        assert VendorRepository(session).named("northwind").name == "rival"
    with database.system_session() as session:
        assert VendorRepository(session).count(vendor_id="northwind") == 2
        with pytest.raises(InvalidInput) as caught:
            VendorRepository(session).create(vendor_id="x", name="X")
        assert caught.value.field == "organization_id"
        made = VendorRepository(session).create(
            vendor_id="x", name="X", organization_id=people.organization_id
        )
        assert made.organization_id == people.organization_id


def test_sign_in_finds_people_across_organisations_in_a_system_session_only(
    database: DatabaseSession, people: People
) -> None:
    with database.system_session() as session:
        found = UserRepository(session).get_by_email("CHARLIE@rival.example")
        assert found is not None
        assert found.id == people.charlie.id
    with database.get_session("acme") as session:
        assert UserRepository(session).get_by_email("charlie@rival.example") is None


def _contents(database: DatabaseSession) -> dict[str, Any]:
    """Return everything Alice's organisation has."""
    with database.system_session(read_only=True) as session:
        connection = session.connection()
        key = connection.execute(text("SELECT id FROM organizations WHERE slug = 'acme'")).scalar()
        return {
            table.name: sorted(
                map(
                    str,
                    connection.execute(
                        text(f"SELECT * FROM {table.name} WHERE organization_id = :key"), {"key": key}
                    ),
                )
            )
            for table in Base.metadata.tables.values()
            if "organization_id" in table.columns
        }


def test_a_foreign_session_leaves_no_number_behind(database: DatabaseSession, people: People) -> None:
    with database.get_session("acme") as session:
        first: Session = session
        assert Desk(first, people.alice).request().request_id.endswith("00001")
