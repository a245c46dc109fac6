"""One effect per request: fresh, in flight, replayed or refused, under threads, crashes and time."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from factories.people import People
from procur.core.clock import SteppingClock
from procur.core.errors import Conflict, InvalidInput
from procur.db import DatabaseSession, Session
from procur.db.repositories import (
    Fresh,
    IdempotencyRepository,
    InFlight,
    Mismatch,
    Replay,
    VendorRepository,
)

START = datetime(2026, 5, 1, tzinfo=UTC)


@contextmanager
def _keys(database: DatabaseSession, seconds: float = 0) -> Iterator[IdempotencyRepository]:
    """Open a transaction of Acme at a moment."""
    clock = SteppingClock(START + timedelta(seconds=seconds))
    with database.get_session("acme", clock=clock) as session:
        yield IdempotencyRepository(session)


def _taken(keys: IdempotencyRepository, key: str = "k", request_hash: str = "h", **more: Any) -> Fresh:
    begun = keys.begin(key, request_hash, **more)
    assert isinstance(begun, Fresh)
    return begun


def test_an_answer_is_given_again(database: DatabaseSession, people: People) -> None:
    with _keys(database) as keys:
        keys.finish(_taken(keys), status=201, body={"request_id": "REQ-1", "price": "1.10"})
    with _keys(database, 5) as keys:
        assert keys.begin("k", "h") == Replay(201, {"request_id": "REQ-1", "price": "1.10"})
        assert keys.begin("k", "another") == Mismatch()


def test_an_answer_without_a_body_is_an_answer(database: DatabaseSession, people: People) -> None:
    with _keys(database) as keys:
        keys.finish(_taken(keys), status=204)
    with _keys(database) as keys:
        assert keys.begin("k", "h") == Replay(204, None)


@pytest.mark.parametrize("status", [-5, 0, 99, 600, 10**20, None, "200", True])
def test_a_status_that_is_none_of_http_is_refused(session: Session, status: Any) -> None:
    keys = IdempotencyRepository(session)
    begun = _taken(keys)
    with pytest.raises(InvalidInput) as caught:
        keys.finish(begun, status=status)
    assert caught.value.field == "status"


@pytest.mark.parametrize("status", [99, 600])
def test_the_database_refuses_such_a_status_too(session: Session, status: int) -> None:
    keys = IdempotencyRepository(session)
    row = keys.get(_taken(keys).key_id)
    with pytest.raises(InvalidInput) as caught:
        keys.update(row.id, response_status=status)
    assert caught.value.field == "response_status"


def test_a_key_in_flight_is_held_until_its_lock_ends(database: DatabaseSession, people: People) -> None:
    with _keys(database) as keys:
        first = _taken(keys, lock_seconds=60)
    with _keys(database, 59) as keys:
        assert keys.begin("k", "h") == InFlight(START + timedelta(seconds=60))
        assert keys.begin("k", "another") == Mismatch()
    with _keys(database, 60) as keys:
        assert keys.begin("k", "another") == Mismatch()
        second = _taken(keys)
    with pytest.raises(Conflict), _keys(database, 61) as keys:
        keys.finish(first, status=200)
    with _keys(database, 62) as keys:
        keys.finish(second, status=200)
    with pytest.raises(Conflict), _keys(database, 63) as keys:
        keys.finish(second, status=500)


def test_a_lost_key_undoes_the_effect(database: DatabaseSession, people: People) -> None:
    with _keys(database) as keys:
        slow = _taken(keys, lock_seconds=1)
    with _keys(database, 2) as keys:
        quick = _taken(keys)
    with _keys(database, 3) as keys:
        VendorRepository(keys.session).create(vendor_id="v", name="V")
        keys.finish(quick, status=201)
    with pytest.raises(Conflict):
        _create_vendor_and_finish(database, slow)
    with database.get_session("acme") as session:
        assert VendorRepository(session).keys_of(["v", "w"]).keys() == {"v"}


def _create_vendor_and_finish(database: DatabaseSession, begun: Fresh) -> None:
    with _keys(database, 4) as keys:
        VendorRepository(keys.session).create(vendor_id="w", name="W")
        keys.finish(begun, status=201)


def test_a_rolled_back_effect_frees_the_key(database: DatabaseSession, people: People) -> None:
    scope = database.get_session("acme")
    session = scope.__enter__()
    keys = IdempotencyRepository(session)
    begun = _taken(keys)
    VendorRepository(session).create(vendor_id="v", name="V")
    keys.finish(begun, status=201)
    scope.close()
    with _keys(database) as keys:
        _taken(keys, request_hash="another")
        assert VendorRepository(keys.session).count() == 0


def test_keys_expire(database: DatabaseSession, people: People) -> None:
    with _keys(database) as keys:
        keys.finish(_taken(keys, keep_seconds=100), status=200)
        _taken(keys, "other")
    with _keys(database, 99) as keys:
        assert keys.expire() == 0
        assert keys.begin("k", "h") == Replay(200, None)
    with _keys(database, 100) as keys:
        assert keys.expire() == 1
        assert keys.count() == 1
        _taken(keys, request_hash="another")


def test_an_expired_key_is_free_before_anybody_cleans_up(database: DatabaseSession, people: People) -> None:
    with _keys(database) as keys:
        keys.finish(_taken(keys, keep_seconds=100), status=200)
    with _keys(database, 100) as keys:
        _taken(keys, request_hash="another")
        assert keys.count() == 1


def test_scopes_and_organisations_have_their_own_keys(database: DatabaseSession, people: People) -> None:
    with _keys(database) as keys:
        keys.finish(_taken(keys), status=200, body={"of": "acme"})
        _taken(keys, scope="POST /requests")
    with database.get_session("rival") as session:
        foreign = IdempotencyRepository(session)
        assert isinstance(foreign.begin("k", "another"), Fresh)
        assert foreign.count() == 1
    with database.get_session("rival") as session:
        assert IdempotencyRepository(session).expire(START + timedelta(days=800)) == 1
    with _keys(database) as keys:
        assert keys.begin("k", "h") == Replay(200, {"of": "acme"})


def test_an_answer_cannot_be_written_for_another_organisation(
    database: DatabaseSession, people: People
) -> None:
    with _keys(database) as keys:
        begun = _taken(keys)
    with pytest.raises(Conflict), database.get_session("rival") as session:
        IdempotencyRepository(session).finish(begun, status=200)


def test_of_fifty_who_begin_together_one_is_fresh(database: DatabaseSession, people: People) -> None:
    """Each thread has a transaction of its own, and keeps it while the others try."""

    def begin(_: int) -> str:
        with database.get_session("acme") as session:
            return type(IdempotencyRepository(session).begin("k", "h")).__name__

    with ThreadPoolExecutor(15) as pool:
        told = Counter(pool.map(begin, range(50)))
    assert told == {"Fresh": 1, "InFlight": 49}


def test_of_fifty_whole_requests_one_has_its_effect(database: DatabaseSession, people: People) -> None:
    def serve(number: int) -> tuple[int, Any]:
        with database.get_session("acme") as session:
            keys = IdempotencyRepository(session)
            begun = keys.begin("k", "h")
            if isinstance(begun, Fresh):
                VendorRepository(session).create(vendor_id=f"v{number}", name="V")
                keys.finish(begun, status=201, body={"vendor": f"v{number}"})
                return 201, f"v{number}"
            assert isinstance(begun, Replay)
            assert begun.body is not None
            return begun.status, begun.body["vendor"]

    with ThreadPoolExecutor(15) as pool:
        answers = set(pool.map(serve, range(50)))
    assert len(answers) == 1
    with database.get_session("acme") as session:
        assert VendorRepository(session).count() == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("key", ""),
        ("key", "x" * 256),
        ("key", "a\x00"),
        ("key", "\ud800"),
        ("key", None),
        ("request_hash", ""),
        ("request_hash", 1),
        ("scope", "x" * 201),
        ("lock_seconds", 0),
        ("lock_seconds", 1.5),
        ("keep_seconds", 1),
    ],
)
def test_an_unfit_key_is_refused_by_name(session: Session, field: str, value: object) -> None:
    keys = IdempotencyRepository(session)
    given: dict[str, Any] = {"key": "k", "request_hash": "h", field: value}
    with pytest.raises(InvalidInput) as caught:
        keys.begin(**given)
    assert caught.value.field == field
    assert keys.count() == 0


def test_an_answer_has_a_status(session: Session) -> None:
    keys = IdempotencyRepository(session)
    begun = _taken(keys)
    with pytest.raises(InvalidInput):
        keys.finish(begun, status=None)  # type: ignore[arg-type]
    with pytest.raises(Conflict):
        keys.finish(Fresh(uuid4(), uuid4()), status=200)
