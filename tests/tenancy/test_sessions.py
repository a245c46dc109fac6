"""Ways around the walls that stood open once: stale names, set-based writes, exists(), reloads, readers."""

import multiprocessing
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import exists, func, insert, literal, select, text, update
from sqlalchemy.orm import make_transient_to_detached
from sqlalchemy.orm.exc import StaleDataError

from factories.people import People
from procur.core.errors import Conflict, InvalidInput, NotAllowed, NotFound, ProcurError
from procur.db import DatabaseSession, Session
from procur.db.models import Organization, RequestRecord, UserAccount, VendorProfileRecord
from procur.db.repositories import (
    IdempotencyRepository,
    JobRepository,
    NumberRepository,
    OrganizationRepository,
    UsageRepository,
    VendorRepository,
)

V = VendorProfileRecord


def _vendor(database: DatabaseSession, slug: str, vendor_id: str = "v") -> UUID:
    with database.get_session(slug) as session:
        return VendorRepository(session).create(vendor_id=vendor_id, name=slug).id


def _names(database: DatabaseSession) -> list[str]:
    with database.system_session() as session:
        return sorted(session.scalars(select(V.name)))


@pytest.mark.parametrize("how", ["closed", "renamed"])
@pytest.mark.parametrize("who", ["this process", "another one"])
def test_a_slug_that_went_to_another_organisation_opens_that_one(
    database: DatabaseSession, people: People, how: str, who: str
) -> None:
    _vendor(database, "rival")
    other = database if who == "this process" else DatabaseSession(database.config)
    with other.system_session() as session:
        organizations = OrganizationRepository(session)
        if how == "closed":
            organizations.soft_delete(people.other_organization_id)
        else:
            organizations.update(people.other_organization_id, slug="rival-old")
        session.flush()
        new = organizations.create(name="Rival 2", slug="rival").id
    with database.get_session("rival") as session:
        assert VendorRepository(session).count() == 0
        assert VendorRepository(session).create(vendor_id="v", name="new").organization_id == new
    if how == "closed":
        with pytest.raises(NotFound), database.get_session(people.other_organization_id) as session:
            VendorRepository(session).count()
    other.close()


def test_a_session_ends_with_its_organisation(database: DatabaseSession, people: People) -> None:
    with pytest.raises(NotFound), database.get_session("rival") as session:  # noqa: PT012 - the second transaction is what is tested
        VendorRepository(session).count()
        session.commit()
        with database.system_session() as operator:
            OrganizationRepository(operator).soft_delete(people.other_organization_id)
        VendorRepository(session).count()


SET_BASED: dict[str, Callable[[Session, UUID, UUID, UUID], Any]] = {
    "bulk update": lambda s, _a, b, key: s.execute(
        update(V), [{"organization_id": b, "id": key, "name": "pwned"}]
    ),
    "bulk update by an owner of one's own": lambda s, a, _b, key: s.execute(
        update(V), [{"organization_id": a, "id": key, "name": "pwned"}]
    ),
    "bulk_update_mappings": lambda s, _a, b, key: s.bulk_update_mappings(
        V, [{"organization_id": b, "id": key, "name": "pwned"}]
    ),
    "bulk_insert_mappings": lambda s, _a, b, _key: s.bulk_insert_mappings(
        V, [{"organization_id": b, "vendor_id": "x", "name": "pwned"}]
    ),
    "bulk_save_objects": lambda s, _a, b, _key: s.bulk_save_objects(
        [V(organization_id=b, vendor_id="x", name="pwned")]
    ),
    "insert values": lambda s, a, b, _key: s.execute(
        insert(V).values([{"organization_id": b, "vendor_id": "x", "name": "pwned"}]),
        [{"organization_id": a}],
    ),
    "insert one by values": lambda s, _a, b, _key: s.execute(
        insert(V).values(organization_id=b, vendor_id="x", name="pwned")
    ),
    "insert from select": lambda s, _a, _b, _key: s.execute(
        insert(V).from_select(["vendor_id", "name"], select(V.vendor_id, V.name))
    ),
    "give one's own away": lambda s, _a, b, _key: s.execute(
        update(V).where(V.vendor_id == "own").values(organization_id=b)
    ),
    "the neighbour itself": lambda s, _a, b, _key: s.execute(
        update(Organization), [{"id": b, "name": "pwned"}]
    ),
}


@pytest.mark.parametrize("way", SET_BASED)
def test_set_based_writes_stay_inside(database: DatabaseSession, people: People, way: str) -> None:
    key = _vendor(database, "rival", "theirs")
    _vendor(database, "acme", "own")
    before = _names(database)
    # SQLAlchemy's own where it counts the rows it has changed: none of them was there.
    with pytest.raises((ProcurError, StaleDataError)), database.get_session("acme") as session:
        SET_BASED[way](session, people.organization_id, people.other_organization_id, key)
    assert _names(database) == before
    with database.system_session() as session:
        assert session.scalar(select(func.count()).where(Organization.name == "pwned")) == 0
        owned = V.organization_id == people.organization_id
        assert session.scalar(select(func.count()).where(owned)) == 1


def test_set_based_writes_of_ones_own_pass(database: DatabaseSession, people: People) -> None:
    own = people.organization_id
    key = _vendor(database, "acme")
    with database.get_session("acme") as session:
        session.execute(update(V), [{"organization_id": own, "id": key, "name": "bulk"}])
        session.execute(insert(V).values(organization_id=own, vendor_id="w", name="one"))
        session.execute(insert(V), [{"organization_id": own, "vendor_id": "x", "name": "many"}])
        session.execute(update(V).where(V.vendor_id == "x").values(name="changed"))
    assert _names(database) == ["bulk", "changed", "one"]


def test_exists_over_a_model_in_where_alone_is_refused(database: DatabaseSession, people: People) -> None:
    theirs = exists().where(UserAccount.username == "charlie")
    for statement in (select(theirs), select(literal(1)).where(theirs), select(literal(1)).where(~theirs)):
        with pytest.raises(NotAllowed, match="exists"), database.get_session("acme") as session:
            session.execute(statement)
    with database.get_session("acme") as session:
        filtered = exists(select(UserAccount.id).where(UserAccount.username == "charlie"))
        assert session.scalar(select(filtered)) is False
        assert (
            session.query(session.query(UserAccount).filter_by(username="charlie").exists()).scalar() is False
        )
    assert people.charlie.username == "charlie"


def test_a_session_sees_and_writes_its_own_organisation_only(
    database: DatabaseSession, people: People
) -> None:
    with database.get_session("acme") as session:
        assert session.scalars(select(Organization.slug)).all() == ["acme"]
        assert session.get(Organization, people.other_organization_id) is None
        done: Any = session.execute(update(Organization).values(industry="x"))
        assert done.rowcount == 1
    people.other_organization.name = "pwned"
    with pytest.raises(NotAllowed), database.get_session("acme") as session:
        session.add(people.other_organization)


@pytest.mark.parametrize("claimed", ["own", "true"])
def test_a_row_that_only_claims_to_be_loaded_is_not_reloaded(
    database: DatabaseSession, people: People, claimed: str
) -> None:
    owner = people.organization_id if claimed == "own" else people.other_organization_id
    row = UserAccount(id=people.charlie.id, organization_id=owner)
    make_transient_to_detached(row)
    with database.get_session("acme") as session:
        session.add(row)
        with pytest.raises(Exception, match=r"refresh|not present|deleted"):
            session.refresh(row)
        session.expunge_all()


WRITING: dict[str, Callable[[Session], Any]] = {
    "usage": lambda s: UsageRepository(s).spend("analyses"),
    "idempotency": lambda s: IdempotencyRepository(s).begin("k", "h"),
    "jobs": lambda s: JobRepository(s).enqueue("k", dedupe_key="d"),
    "numbers": lambda s: NumberRepository(s).next("REQ", 2026),
    "plain SQL": lambda s: s.execute(text("UPDATE requests SET description = 'x'")),
    "a statement": lambda s: s.execute(update(RequestRecord).values(description="x")),
    "the unit of work": lambda s: VendorRepository(s).create(vendor_id="v", name="V"),
}


@pytest.mark.parametrize("way", WRITING)
@pytest.mark.usefixtures("people")
def test_a_reader_writes_nothing(database: DatabaseSession, way: str) -> None:
    with (
        pytest.raises(NotAllowed, match="only reads"),
        database.get_session("acme", read_only=True) as session,
    ):
        WRITING[way](session)
    with database.get_session("acme") as session:
        assert VendorRepository(session).create(vendor_id="v", name="V").id


def test_what_somebody_sets_for_a_whole_connection_ends_with_their_transaction(
    postgres_database: DatabaseSession,
) -> None:
    single = DatabaseSession(postgres_database.config.database_url, pool_size=1, max_overflow=0)
    with single.system_session() as session:
        OrganizationRepository(session).create(name="Acme", slug="acme")
    with single.get_session("acme") as session:
        session.execute(text("SET procur.every = 'on'"))
    with single.get_session("acme") as session:
        assert session.execute(text("SELECT count(*) FROM organizations")).scalar() == 1
    single.close()


@pytest.mark.parametrize("reference", ["", "  ", 5, ["x"], "a\x00b", "\ud800"])
def test_nothing_but_none_falls_back_to_the_default_organisation(
    database: DatabaseSession, reference: Any
) -> None:
    with pytest.raises(InvalidInput) as caught:
        database.get_session(reference)
    assert caught.value.field == "organization"


def test_a_refused_step_that_is_passed_over_is_told_at_the_end(
    database: DatabaseSession, people: People
) -> None:
    assert people.organization.slug == "acme"
    _vendor(database, "acme", "taken")
    told = pytest.raises(Conflict, match="nothing was written")
    with told, database.get_session("acme") as session, suppress(Conflict):
        VendorRepository(session).create(vendor_id="taken", name="again")
    with database.get_session("acme") as session:
        with suppress(Conflict), session.begin_nested():
            VendorRepository(session).create(vendor_id="taken", name="again")
        VendorRepository(session).create(vendor_id="next", name="next")
    assert _names(database) == ["acme", "next"]


def test_a_forked_child_opens_connections_of_its_own(database: DatabaseSession, people: People) -> None:
    with database.get_session("acme") as session:
        assert VendorRepository(session).count() == 0
    pipe, far = multiprocessing.Pipe()
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=_count_own, args=(database, slug, far)) for slug in ("acme", "rival")]
    for child in children:
        child.start()
    for _ in range(50):
        with database.get_session("acme") as session:
            assert session.scalars(select(Organization.slug)).all() == ["acme"]
    for child in children:
        child.join()
    assert sorted(pipe.recv() for _ in children) == ["acme 50", "rival 50"]
    assert [child.exitcode for child in children] == [0, 0]
    assert people.alice.id


def _count_own(database: DatabaseSession, slug: str, pipe: Any) -> None:
    own = 0
    for _ in range(50):
        with database.get_session(slug) as session:
            own += session.scalars(select(Organization.slug)).all() == [slug]
    pipe.send(f"{slug} {own}")
