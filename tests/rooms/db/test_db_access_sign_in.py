"""Sessions, past passwords, attempts and accounts elsewhere."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from factories.people import People
from procur.core.clock import SteppingClock
from procur.core.errors import Conflict, NotAllowed, NotFound
from procur.db import DatabaseSession, Session
from procur.db.models import UserSession
from procur.db.repositories import (
    LoginAttemptRepository,
    OAuthConnectionRepository,
    OrganizationRepository,
    PasswordHistoryRepository,
    UserRepository,
    UserSessionRepository,
)

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def _signed_in(database: DatabaseSession, user_id: UUID) -> tuple[UUID, str]:
    with database.system_session() as session:
        session.info["clock"] = SteppingClock(NOW)
        row, token = UserSessionRepository(session).open(user_id, NOW + HOUR, ip_address="192.0.2.1")
        return row.id, token


def _found(database: DatabaseSession, token: str, at: datetime = NOW) -> UserSession | None:
    with database.system_session() as session:
        session.info["clock"] = SteppingClock(at)
        return UserSessionRepository(session).find_by_token(token)


def test_a_session_is_found_by_its_token_until_it_ends(database: DatabaseSession, people: People) -> None:
    key, token = _signed_in(database, people.alice.id)
    found = _found(database, token)
    assert found is not None
    assert (found.id, found.organization_id, found.user_id) == (key, people.organization_id, people.alice.id)
    assert token not in repr(found.token_hash)
    assert _found(database, token, NOW + HOUR) is None
    assert _found(database, found.token_hash) is None
    assert _found(database, "acme") is None
    assert _found(database, token) is not None


def test_tokens_are_looked_up_in_a_system_session_only(session: Session) -> None:
    with pytest.raises(NotAllowed):
        UserSessionRepository(session).find_by_token("x")


def test_a_revoked_session_is_closed(database: DatabaseSession, people: People) -> None:
    key, token = _signed_in(database, people.alice.id)
    with database.get_session("rival") as session, pytest.raises(NotFound):
        UserSessionRepository(session).revoke(key)
    assert _found(database, token) is not None
    with database.system_session() as session:
        session.info["clock"] = SteppingClock(NOW)
        assert UserSessionRepository(session).revoke(key)
        assert not UserSessionRepository(session).revoke(key)
    assert _found(database, token) is None


def _leaves(session: Session, people: People) -> None:
    UserRepository(session).soft_delete(people.alice.id)


def _is_locked_out(session: Session, people: People) -> None:
    UserRepository(session).update(people.alice.id, is_active=False)


def _closes(session: Session, people: People) -> None:
    OrganizationRepository(session).soft_delete(people.organization_id)


def _stops(session: Session, people: People) -> None:
    OrganizationRepository(session).update(people.organization_id, is_active=False)


@pytest.mark.parametrize("end", [_leaves, _is_locked_out, _closes, _stops])
def test_nothing_opens_for_somebody_who_is_gone(
    database: DatabaseSession, people: People, end: Callable[[Session, People], None]
) -> None:
    _key, token = _signed_in(database, people.alice.id)
    with database.system_session() as session:
        OAuthConnectionRepository(session).link(people.alice.id, "google", "117")
    with database.system_session() as session:
        end(session, people)
    assert _found(database, token) is None
    with database.system_session() as session:
        assert OAuthConnectionRepository(session).find_by_subject("google", "117") is None


def test_a_rotated_token_is_dead_and_its_successor_lives(database: DatabaseSession, people: People) -> None:
    key, token = _signed_in(database, people.alice.id)
    with database.get_session("acme", clock=SteppingClock(NOW)) as session:
        row, fresh = UserSessionRepository(session).rotate(key)
        assert (row.rotated_from, row.expires_at, row.ip_address) == (key, NOW + HOUR, "192.0.2.1")
    assert _found(database, token) is None
    assert _found(database, fresh) is not None
    with database.get_session("acme", clock=SteppingClock(NOW)) as session, pytest.raises(Conflict):
        UserSessionRepository(session).rotate(key)


def test_of_several_rotations_at_once_one_succeeds(database: DatabaseSession, people: People) -> None:
    key, _token = _signed_in(database, people.alice.id)

    def rotate(_: int) -> bool:
        try:
            with database.get_session("acme", clock=SteppingClock(NOW)) as session:
                UserSessionRepository(session).rotate(key)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(rotate, range(8))) == 1
    with database.get_session("acme", clock=SteppingClock(NOW)) as session:
        assert len(UserSessionRepository(session).live(people.alice.id)) == 1


def test_all_sessions_of_a_person_end_together(database: DatabaseSession, people: People) -> None:
    first, one = _signed_in(database, people.alice.id)
    _second, two = _signed_in(database, people.alice.id)
    _bobs, bobs = _signed_in(database, people.bob.id)
    with database.get_session("acme", clock=SteppingClock(NOW)) as session:
        sessions = UserSessionRepository(session)
        assert len(sessions.live(people.alice.id)) == 2
        assert sessions.revoke_all(people.alice.id, but=first) == 1
        assert [row.id for row in sessions.live(people.alice.id)] == [first]
    assert [_found(database, token) is not None for token in (one, two, bobs)] == [True, False, True]
    with database.get_session("rival", clock=SteppingClock(NOW)) as session:
        assert UserSessionRepository(session).revoke_all(people.alice.id) == 0


def test_use_moves_last_seen(database: DatabaseSession, people: People) -> None:
    key, _token = _signed_in(database, people.alice.id)
    with database.get_session("acme", clock=SteppingClock(NOW + HOUR / 2)) as session:
        UserSessionRepository(session).seen(key)
        assert UserSessionRepository(session).get(key).last_seen_at == NOW + HOUR / 2


def test_nobody_is_signed_in_across_organisations(session: Session, people: People) -> None:
    with pytest.raises(NotFound):
        UserSessionRepository(session).open(people.charlie.id, NOW + HOUR)


def test_past_passwords_are_remembered_newest_first(session: Session, people: People) -> None:
    history = PasswordHistoryRepository(session)
    for number in range(4):
        history.remember(people.alice.id, f"hash-{number}", keep=3)
    history.remember(people.bob.id, "other")
    assert history.recent(people.alice.id, limit=2) == ["hash-3", "hash-2"]
    assert history.recent(people.alice.id, limit=9) == ["hash-3", "hash-2", "hash-1"]
    assert history.recent(people.charlie.id) == []


def test_failures_are_counted_by_account_and_by_address(database: DatabaseSession, people: People) -> None:
    with database.system_session() as session:
        session.info["clock"] = SteppingClock(NOW)
        attempts = LoginAttemptRepository(session)
        for person in (people.alice, people.bob, people.charlie):
            attempts.record(person.id, succeeded=False, reason="password", ip_address="192.0.2.9")
        attempts.record(people.alice.id, succeeded=True, ip_address="192.0.2.9")
        assert attempts.failures(since=NOW, ip_address="192.0.2.9") == 3
        assert attempts.failures(since=NOW, ip_address="192.0.2.9", user_id=people.alice.id) == 1
        assert attempts.failures(since=NOW + HOUR, ip_address="192.0.2.9") == 0
    with database.get_session("acme") as session:
        attempts = LoginAttemptRepository(session)
        assert attempts.failures(since=NOW) == 2
        assert attempts.failures(since=NOW, user_id=people.charlie.id) == 0
        assert [row.succeeded for row in attempts.recent(people.alice.id)] == [True, False]
        assert attempts.forget_before(NOW + HOUR) == 3
    with database.get_session("rival") as session:
        assert LoginAttemptRepository(session).count() == 1


def test_an_account_elsewhere_belongs_to_one_person(database: DatabaseSession, people: People) -> None:
    with database.get_session("acme") as session:
        connections = OAuthConnectionRepository(session)
        row = connections.link(people.alice.id, "google", "117", email="alice@mail.example")
        with pytest.raises(NotAllowed):
            connections.find_by_subject("google", "117")
    with pytest.raises(Conflict) as caught, database.system_session() as session:
        OAuthConnectionRepository(session).link(people.charlie.id, "google", "117")
    assert caught.value.field == "subject"
    with database.system_session() as session:
        connections = OAuthConnectionRepository(session)
        found = connections.find_by_subject("google", "117")
        assert found is not None
        assert (found.id, found.user_id) == (row.id, people.alice.id)
        assert connections.find_by_subject("github", "117") is None
    with database.get_session("rival") as session:
        assert OAuthConnectionRepository(session).unlink(people.alice.id, "google") == 0
    with database.get_session("acme") as session:
        connections = OAuthConnectionRepository(session)
        assert [one.id for one in connections.of_user(people.alice.id)] == [row.id]
        assert connections.unlink(people.alice.id, "google") == 1
