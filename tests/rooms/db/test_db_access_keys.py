"""Keys of programs: shown once, never wider than their maker, dead when revoked, expired or orphaned."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from factories.people import People
from procur.core.clock import SteppingClock
from procur.core.errors import InvalidInput, NotAllowed, NotFound
from procur.db import DatabaseSession, Session
from procur.db.models import ApiKey
from procur.db.repositories import ApiKeyRepository, OrganizationRepository, UserRepository

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def _key(database: DatabaseSession, people: People, *scopes: str, expires_at: datetime | None = None) -> str:
    with database.get_session("acme") as session:
        return ApiKeyRepository(session).create_key("CI", scopes, people.alice.id, expires_at)[1]


def _opens(database: DatabaseSession, plain: str, at: datetime | None = None) -> ApiKey | None:
    with database.system_session() as session:
        session.info["clock"] = None if at is None else SteppingClock(at)
        return ApiKeyRepository(session).find_by_key(plain)


def test_a_key_opens_for_its_maker_and_is_stored_as_its_hash_only(
    database: DatabaseSession, people: People
) -> None:
    plain = _key(database, people, "request.read", "vendor.read")
    row = _opens(database, plain)
    assert row is not None
    assert (row.organization_id, row.created_by, row.key_hint) == (
        people.organization_id,
        people.alice.id,
        plain[-4:],
    )
    assert len(plain.removeprefix("procur_")) >= 43  # 256 bits
    with database.system_session() as session:
        stored = session.execute(select(ApiKey.__table__)).one()
    assert plain not in repr(stored)
    assert plain.removeprefix("procur_") not in repr(stored)


@pytest.mark.parametrize(
    "nonsense", ["acme", "", "procur_", "procur_" + "a" * 43, "%", "\x00", "\ud800", "é"]
)
def test_a_slug_or_nonsense_is_never_a_key(database: DatabaseSession, people: People, nonsense: str) -> None:
    # T-9: the peer took an organisation's slug for its key
    _key(database, people)
    assert _opens(database, nonsense) is None


def test_the_stored_hash_does_not_open(database: DatabaseSession, people: People) -> None:
    row = _opens(database, _key(database, people))
    assert row is not None
    assert _opens(database, row.key_hash) is None


def test_a_revoked_key_says_so_and_keeps_its_first_reason(database: DatabaseSession, people: People) -> None:
    # P-8: the peer called a revoked key "inactive"
    plain = _key(database, people)
    with database.get_session("acme") as session:
        keys = ApiKeyRepository(session)
        key = keys.find(name="CI")
        assert key is not None
        assert keys.revoke(key.id, by=people.bob.id, reason="laptop lost")
        assert not keys.revoke(key.id, reason="again")
        assert (key.revoked_by, key.revoked_reason) == (people.bob.id, "laptop lost")
    with pytest.raises(NotAllowed, match="revoked"):
        _opens(database, plain)


def test_an_expired_key_says_so(database: DatabaseSession, people: People) -> None:
    plain = _key(database, people, expires_at=NOW)
    assert _opens(database, plain, NOW - timedelta(seconds=1)) is not None
    with pytest.raises(NotAllowed, match="expired"):
        _opens(database, plain, NOW)


def _leaves(session: Session, people: People) -> None:
    UserRepository(session).soft_delete(people.alice.id)


def _is_locked_out(session: Session, people: People) -> None:
    UserRepository(session).update(people.alice.id, is_active=False)


def _closes(session: Session, people: People) -> None:
    OrganizationRepository(session).soft_delete(people.organization_id)


def _stops(session: Session, people: People) -> None:
    OrganizationRepository(session).update(people.organization_id, is_active=False)


@pytest.mark.parametrize("end", [_leaves, _is_locked_out, _closes, _stops])
def test_a_key_without_a_live_maker_and_organisation_opens_nothing(
    database: DatabaseSession, people: People, end: Callable[[Session, People], None]
) -> None:
    # T-7: soft-deleting an organisation left everything of it usable
    plain = _key(database, people)
    with database.system_session() as session:
        end(session, people)
    with pytest.raises(NotAllowed):
        _opens(database, plain)


@pytest.mark.parametrize("scope", ["*", "award.approve", "nonsense", "", "request.*"])
def test_no_key_is_wider_than_its_maker(session: Session, people: People, scope: str) -> None:
    # P-9: the peer's default scope "*" was an administrator everywhere
    keys = ApiKeyRepository(session)
    with pytest.raises(InvalidInput) as caught:
        keys.create_key("CI", ["request.read", scope], people.alice.id)
    assert caught.value.field == "scopes"
    assert keys.count() == 0
    row, _plain = keys.create_key("CI", ["request.read"], people.alice.id)
    with pytest.raises(InvalidInput):
        keys.update(row.id, scopes=[scope])
    with pytest.raises(InvalidInput):
        keys.create(
            name="x", key_prefix="x", key_hash="x", key_hint="x", created_by=people.alice.id, scopes=[scope]
        )
    assert keys.count() == 1


def test_a_key_loses_what_its_maker_loses(session: Session, people: People) -> None:
    keys = ApiKeyRepository(session)
    row, _plain = keys.create_key("CI", ["request.read", "order.issue"], people.alice.id)
    assert keys.permissions_of(row.id) == {"request.read", "order.issue"}
    UserRepository(session).update(people.alice.id, role="viewer")
    assert keys.permissions_of(row.id) == {"request.read"}


def test_a_key_is_made_for_somebody_of_the_own_organisation(session: Session, people: People) -> None:
    with pytest.raises(InvalidInput) as caught:
        ApiKeyRepository(session).create_key("CI", [], people.charlie.id)
    assert caught.value.field == "created_by"


@pytest.mark.parametrize("field", ["key_hash", "key_prefix", "key_hint", "created_by"])
def test_the_secret_and_the_maker_of_a_key_stay(session: Session, people: People, field: str) -> None:
    keys = ApiKeyRepository(session)
    row, _plain = keys.create_key("CI", [], people.alice.id)
    with pytest.raises(InvalidInput) as caught:
        keys.update(row.id, **{field: str(people.bob.id)})
    assert caught.value.field == field


def test_keys_are_looked_up_in_a_system_session_only(session: Session, people: People) -> None:
    keys = ApiKeyRepository(session)
    _row, plain = keys.create_key("CI", [], people.alice.id)
    with pytest.raises(NotAllowed):
        keys.find_by_key(plain)


def test_each_request_is_counted(database: DatabaseSession, people: People) -> None:
    key = _opens(database, _key(database, people))
    assert key is not None

    def use(_: int) -> None:
        for _number in range(10):
            with database.system_session() as session:
                ApiKeyRepository(session).touch(key.id)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(use, range(4)))
    with database.get_session("acme") as session:
        row = ApiKeyRepository(session).get(key.id)
        assert row.total_requests == 40
        assert row.last_used_at is not None
    with database.get_session("rival") as session, pytest.raises(NotFound):
        ApiKeyRepository(session).touch(key.id)


def test_keys_are_listed_for_their_own_organisation(session: Session, people: People) -> None:
    keys = ApiKeyRepository(session)
    first, _plain = keys.create_key("one", [], people.alice.id)
    second, _other = keys.create_key("two", [], people.bob.id)
    keys.revoke(first.id)
    assert keys.list_by_organization("acme") == [first, second]
    assert keys.list_by_organization("acme", revoked=False) == [second]
    with pytest.raises(NotFound):
        keys.list_by_organization("rival")
