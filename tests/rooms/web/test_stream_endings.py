"""How a stream ends before its time: nobody reads it, its key is closed, there are too many."""

import logging
import socket
import threading
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx2
import pytest

from factories.people import make_people
from factories.serving import Heard, append, listen, make_key, serving
from procur.core.metrics import metrics
from procur.db.repositories import ApiKeyRepository, EventRepository, UserRepository
from procur.events.numbering import number
from procur.web import followers, stream


def wait_for(condition, seconds=15):
    for _ in range(int(seconds * 50)):
        if condition():
            return
        threading.Event().wait(0.02)
    raise AssertionError("it did not come to that")


def follow(address, key, **query):
    """Read a stream to its end in a thread; return what it hears, and the thread."""
    heard, begun = Heard(), threading.Event()

    def run():
        headers = {"Authorization": f"Bearer {key}"}
        url = f"{address}/api/v1/events/stream"
        with httpx2.stream("GET", url, params=query, headers=headers, timeout=20) as answer:
            for line in answer.iter_lines():
                heard.take(line)
                begun.set()

    thread = threading.Thread(target=run)
    thread.start()
    assert begun.wait(10)
    return heard, thread


@pytest.fixture
def much(sqlite_database):
    """More facts than all buffers between server and client hold; lend a key to read them."""
    database, people = sqlite_database, make_people(sqlite_database)
    with database.get_session(people.organization_id) as session:
        for each in range(60):
            EventRepository(session).append(
                type="RequestMoved", aggregate_type="request", aggregate_id=f"REQ-{each}",
                payload={"n": "x" * 100_000},
            )  # fmt: skip
    number(database, people.organization_id)
    return make_key(database, people.alice, "events.read", "request.read")


@contextmanager
def lazy(server, address, key):
    """Ask for the stream and take nothing of it."""
    place = urlsplit(address)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect((place.hostname, place.port))
        asked = f"GET /api/v1/events/stream?after=0 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
        client.sendall(f"{asked}\r\n".encode())
        wait_for(lambda: any(each.transport.get_write_buffer_size() for each in held(server)))
        yield


def held(server):
    return list(server.server_state.connections)


def test_a_client_that_takes_nothing_is_cut_off_and_its_connection_is_gone(
    sqlite_database, much, monkeypatch
):
    monkeypatch.setattr(stream, "SLOW", 0.3)
    monkeypatch.setattr(stream, "HEARTBEAT", 0.2)  # a client is found to be slow when it is sent more
    dropped = metrics().stream_dropped._value.get()
    with serving(sqlite_database) as (server, address):
        with lazy(server, address, much):
            wait_for(lambda: metrics().stream_dropped._value.get() == dropped + 1)
            wait_for(lambda: not held(server), 3)
        # It is one client's trouble: others are served, and the slow one would go on where it was.
        assert listen(address, much, 2, after=58).ids == [59, 60]


def test_a_client_that_takes_nothing_does_not_hold_up_the_end(sqlite_database, much, monkeypatch, caplog):
    monkeypatch.setattr(stream, "LAST", 0.1)
    with serving(sqlite_database) as (server, address), lazy(server, address, much):
        server.should_exit = True
        wait_for(lambda: not held(server), 3)
    assert not [
        each for each in caplog.records if each.name == "uvicorn.error" and each.levelno >= logging.ERROR
    ]


def test_a_key_that_is_closed_ends_its_stream_within_a_heartbeat(database, people, monkeypatch):
    monkeypatch.setattr(stream, "HEARTBEAT", 0.2)
    revoked, left, narrowed = (make_key(database, one, "events.read", "request.read") for one in (
        people.alice, people.bob, people.alice,
    ))  # fmt: skip
    with serving(database) as (_, address):
        streams = [follow(address, key) for key in (revoked, left, narrowed)]
        with database.get_session(people.organization_id) as session:
            keys = ApiKeyRepository(session)
            keys.revoke(next(key.id for key in keys.get_all() if revoked.endswith(key.key_hint)))
            UserRepository(session).update(people.bob.id, is_active=False)
            narrow = next(key.id for key in keys.get_all() if narrowed.endswith(key.key_hint))
            keys.update(narrow, scopes=["events.read"])
        for heard, thread in streams[:2]:
            thread.join(10)
            assert not thread.is_alive()
            assert heard.comments[-1].startswith("closing: ")
        assert "revoked" in streams[0][0].comments[-1]
        assert "not active" in streams[1][0].comments[-1]
        heard, _ = streams[2]
        seen = len(heard.comments)
        wait_for(lambda: len(heard.comments) > seen + 1)
        append(database, people.organization_id, "REQ-1")
        wait_for(lambda: heard.data)
        assert heard.data[0]["withheld"] == "request.read"  # what the key may is looked up anew too
    streams[2][1].join(10)


def test_too_many_streams_of_one_key_are_refused_and_take_nobody_elses_place(
    served, database, people, alice_key, monkeypatch
):
    monkeypatch.setattr(followers, "MOST_OF_KEY", 2)
    monkeypatch.setattr(followers, "MOST_OF_ORGANIZATION", 3)
    monkeypatch.setattr(stream, "HEARTBEAT", 0.1)
    other, third, rival = (
        make_key(database, one, "events.read") for one in (people.alice, people.alice, people.charlie)
    )

    def ask(key):
        headers = {"Authorization": f"Bearer {key}"}
        with httpx2.stream("GET", f"{served}/api/v1/events/stream", headers=headers, timeout=10) as answer:
            if answer.status_code == 200:
                return 200, None
            answer.read()
            return answer.status_code, answer.json()

    before = metrics().stream_clients._value.get()
    url, headers = f"{served}/api/v1/events/stream", {"Authorization": f"Bearer {alice_key}"}
    with (
        httpx2.stream("GET", url, headers=headers, timeout=10),
        httpx2.stream("GET", url, headers=headers, timeout=10),
    ):
        status, told = ask(alice_key)
        assert (status, told["code"], told["details"]["limit"]) == (429, "limit_reached", 2)
        with httpx2.stream("GET", url, headers={"Authorization": f"Bearer {other}"}, timeout=10):
            status, told = ask(third)
            assert status == 429
            assert "organisation" in told["detail"]
            assert ask(rival)[0] == 200
    wait_for(lambda: metrics().stream_clients._value.get() == before)
    assert ask(alice_key)[0] == 200


def test_who_wants_nothing_of_what_happens_still_gets_on(served, database, people, alice_key, monkeypatch):
    monkeypatch.setattr(stream, "PROGRESS", 0.0)
    append(database, people.organization_id, *(f"REQ-{each}" for each in range(3)))
    heard = Heard()
    headers = {"Authorization": f"Bearer {alice_key}"}
    with httpx2.stream(
        "GET", f"{served}/api/v1/events/stream", params={"after": 0, "types": "Other"},
        headers=headers, timeout=10,
    ) as answer:  # fmt: skip
        for line in answer.iter_lines():
            heard.take(line)
            if not line and heard.last == "3":
                break
    assert heard.data == []
