"""Looking a key up, and counting its uses, wait for nobody."""

import pytest

from factories.people import make_people
from factories.serving import make_key
from procur.core.errors import NotSignedIn
from procur.db import DatabaseSession
from procur.db.repositories import ApiKeyRepository
from procur.web import uses
from procur.web.deps import actor_by_key


def test_who_asks_does_not_wait_for_who_writes(sqlite_database):
    people = make_people(sqlite_database)
    key = make_key(sqlite_database, people.alice, "events.read")
    impatient = DatabaseSession(sqlite_database.config.database_url, busy_timeout=0)
    counted = uses.KeyUses(impatient)
    with sqlite_database.get_session(people.organization_id) as session:
        ApiKeyRepository(session).create_key("another", ["events.read"], people.alice.id)  # holds the lock
        with pytest.raises(NotSignedIn, match="not known"):
            actor_by_key(impatient, "procur_nonsense")
        actor = actor_by_key(impatient, key)
        counted.note(actor.key_id)  # cannot be written now, which is nobody's trouble
    counted.flush()
    impatient.close()
    with sqlite_database.get_session(people.organization_id, read_only=True) as session:
        assert ApiKeyRepository(session).get(actor.key_id).total_requests == 1


def test_uses_are_written_once_a_minute_and_at_the_end(database, people, monkeypatch):
    key = actor_by_key(database, make_key(database, people.alice, "events.read")).key_id
    counted = uses.KeyUses(database)

    def written():
        with database.get_session(people.organization_id, read_only=True) as session:
            return ApiKeyRepository(session).get(key).total_requests

    for _ in range(5):
        counted.note(key)
    assert written() == 1
    monkeypatch.setattr(uses, "EVERY", 0.0)
    counted.note(key)
    assert written() == 6
    monkeypatch.setattr(uses, "EVERY", 60.0)
    counted.note(key)
    counted.flush()
    counted.flush()
    assert written() == 7
    with database.get_session(people.organization_id) as session:
        ApiKeyRepository(session).delete(key)
    counted.note(key)
    counted.flush()  # a key that is gone is no error
