import threading
import time
from datetime import UTC, datetime, timedelta

import httpx2

from factories.serving import append, listen, make_key, serving
from procur.core.metrics import metrics
from procur.db.repositories import ApiKeyRepository
from procur.web import hub as hubs

WRITERS, EACH, CUTS = 3, 40, 5


def test_reconnecting_while_others_write_misses_nothing_and_doubles_nothing(
    served, database, people, alice_key, monkeypatch
):
    monkeypatch.setattr(hubs, "KEPT", 20)  # so that some of it is in the database only
    total, organization = WRITERS * EACH, people.organization_id

    def write(writer):
        for number in range(EACH):
            append(database, organization, f"{writer}-{number}")

    writers = [threading.Thread(target=write, args=(each,)) for each in range(WRITERS)]
    for each in writers:
        each.start()
    heard = listen(served, alice_key, 1, after=0)
    for cut in range(1, CUTS):
        listen(served, alice_key, cut * total // CUTS, heard)
    listen(served, alice_key, total, heard)
    for each in writers:
        each.join()
    assert heard.ids == list(range(1, total + 1))
    assert {fact["payload"]["n"] for fact in heard.data} == {
        f"{writer}-{number}" for writer in range(WRITERS) for number in range(EACH)
    }
    again = listen(served, alice_key, total, after=0)
    assert again.data == heard.data


def test_a_fact_says_what_happened_and_withholds_what_the_key_may_not_see(served, database, people):
    append(database, people.organization_id, "REQ-1", kind="MandateWritten")
    append(database, people.organization_id, "REQ-1", "REQ-2")
    narrow = make_key(database, people.alice, "events.read", "request.read")
    mandate, moved, _ = listen(served, narrow, 3, after=0).data
    assert mandate["type"] == "MandateWritten"
    assert (mandate["payload"], mandate["withheld"]) == (None, "negotiation.read")
    assert moved["payload"] == {"n": "REQ-1"}
    assert moved["aggregate_type"] == "request"
    assert (moved["position"], moved["version"]) == (2, 2)
    assert listen(served, narrow, 1, after=0, types="RequestMoved,Other").ids == [2]
    assert listen(served, narrow, 1, after=0, aggregate="request:REQ-2").ids == [3]
    heard = listen(served, narrow, 1, after=1, types="RequestMoved")
    assert heard.comments[0] == "following"


def test_facts_of_another_organisation_never_appear(served, database, people, alice_key):
    rivals = make_key(database, people.charlie, "events.read", "request.read")
    append(database, people.other_organization_id, *(f"rival-{number}" for number in range(30)))
    append(database, people.organization_id, *(f"acme-{number}" for number in range(20)))
    ours, theirs = listen(served, alice_key, 20, after=0), listen(served, rivals, 30, after=0)
    assert {fact["aggregate_id"][:4] for fact in ours.data} == {"acme"}
    assert {fact["aggregate_id"][:5] for fact in theirs.data} == {"rival"}
    # Both follow live now: what one organisation writes wakes nobody of the other.
    heard = []
    listener = threading.Thread(target=lambda: heard.append(listen(served, alice_key, 2, after=20)))
    listener.start()
    append(database, people.other_organization_id, "rival-x")
    append(database, people.organization_id, "acme-x")
    append(database, people.other_organization_id, "rival-y")
    append(database, people.organization_id, "acme-y")
    listener.join(20)
    assert [fact["aggregate_id"] for fact in heard[0].data] == ["acme-x", "acme-y"]


def test_keys_that_open_nothing_are_refused_and_say_why(served, database, people):
    def ask(key, **more):
        headers = {"Authorization": key} if key else {}
        answer = httpx2.get(f"{served}/api/v1/events/stream", headers=headers | more, timeout=10)
        assert answer.headers["content-type"] == "application/problem+json"
        told = answer.json()
        assert told["status"] == answer.status_code
        assert told["correlation_id"] == answer.headers["x-correlation-id"]
        return answer.status_code, told["code"], told["detail"]

    ended = make_key(
        database, people.alice, "events.read", expires_at=datetime.now(UTC) - timedelta(seconds=1)
    )
    revoked = make_key(database, people.alice, "events.read")
    with database.get_session(people.organization_id) as session:
        keys = ApiKeyRepository(session)
        keys.revoke(next(key.id for key in keys.get_all() if revoked.endswith(key.key_hint)))
    assert ask(None)[:2] == (401, "not_signed_in")
    assert ask("Basic abc")[:2] == (401, "not_signed_in")
    assert "not known" in ask("Bearer procur_nonsense")[2]
    assert "not known" in ask("Bearer " + "x" * 5000)[2]
    assert "expired" in ask(f"Bearer {ended}")[2]
    assert "revoked" in ask(f"Bearer {revoked}")[2]
    unscoped = make_key(database, people.alice, "request.read")
    assert ask(f"Bearer {unscoped}")[:2] == (403, "not_allowed")
    good = make_key(database, people.alice, "events.read")
    for bad in ("-1", "x", "1.5", "9" * 30, "٣"):
        assert ask(f"Bearer {good}", **{"Last-Event-ID": bad.encode()})[:2] == (422, "invalid_input")
    assert ask(f"Bearer {good}", **{"Last-Event-ID": "1"})[:2] == (409, "conflict")  # the log is empty


def test_stopping_tells_followers_where_to_go_on_and_does_not_wait_for_them(database, people, alice_key):
    append(database, people.organization_id, "one")
    lines: list[str] = []
    following = threading.Event()
    before = metrics().stream_clients._value.get()

    def follow(address):
        headers = {"Authorization": f"Bearer {alice_key}"}
        url = f"{address}/api/v1/events/stream?after=0"
        with httpx2.stream("GET", url, headers=headers, timeout=20) as answer:
            for line in answer.iter_lines():
                lines.append(line)
                if line.startswith("data:"):
                    following.set()

    with serving(database) as (server, address):
        client = threading.Thread(target=follow, args=(address,))
        client.start()
        assert following.wait(10)
        started = time.monotonic()
        server.should_exit = True
        client.join(10)
    assert time.monotonic() - started < 5
    assert ": closing: connect again" in lines
    assert lines[-2:] == ["id: 1", ""]
    assert metrics().stream_clients._value.get() == before
