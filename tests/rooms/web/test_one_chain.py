"""A request, its job, the job's fact, what reacts to it, and the audit trail: one chain, one trace."""

import io
import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.testclient import TestClient

from factories.serving import listen, make_key, serving
from factories.terminal import Terminal
from procur.app import create_app
from procur.audit.trail import record
from procur.core import logs, tracing
from procur.db.repositories import AuditRepository, EventRepository, JobRepository
from procur.events.facts import RequestMoved
from procur.events.handlers import on
from procur.events.inprocess import deliver
from procur.jobs.drain import drain
from procur.jobs.kinds import Kind
from procur.jobs.task import Task

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@dataclass(frozen=True)
class Move:
    request_id: str


MOVE = Kind("move", "default", Move)
TELL = Kind("tell", "default", Move)


def _move(session, work, payload, _thought):
    record(
        session,
        work.actor,
        RequestMoved(payload.request_id, "open", "matched"),
        now=work.now(),
        description="moved",
    )


@on(RequestMoved, group="followers")
def tell(session, event):
    TELL.ask(session, Move(event.aggregate_id), dedupe_key=str(event.id))


TASKS = (Task(MOVE, commit=_move), Task(TELL))


@pytest.fixture
def collector(monkeypatch) -> Iterator[list[Any]]:
    """A collector of traces on loopback; lend the spans it has got once tracing has ended."""
    got: list[Any] = []

    class Collect(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
            got.extend(
                span for one in asked.resource_spans for scope in one.scope_spans for span in scope.spans
            )
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Collect)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_address[1]}")
    yield got
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def written():
    root, stream = logging.getLogger(), io.StringIO()
    level = root.level
    handler = logs.configure(logs.LogSettings(format="json"), stream=stream)
    yield lambda: [json.loads(text) for text in stream.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(level)


def asking(database, organization):
    """The application, with a route that asks for work."""
    app = create_app(database)

    def ask():
        with database.get_session(organization) as session:
            return {"job": str(MOVE.ask(session, Move("REQ-2026-00007"))[0].id)}

    app.post("/requests/{key}/move")(ask)
    return app


def test_one_id_and_one_trace_lead_from_the_request_to_the_audit_trail(database, people, collector, written):
    organization = people.organization_id
    end = tracing.configure()
    headers = {"X-Correlation-ID": "case-7", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    with TestClient(asking(database, organization)) as client:
        job = client.post("/requests/7/move", headers=headers).json()["job"]
    assert drain(database, TASKS, organization=organization) == 1
    assert deliver(database, (tell,), organization=organization) == 1
    assert drain(database, TASKS, organization=organization) == 1
    end()
    assert tracing._tracer is None

    with database.get_session(organization) as session:
        told, moved = JobRepository(session).page().rows
        (fact,) = EventRepository(session).get_all(type="RequestMoved")
        (entry,) = AuditRepository(session).get_all(action="request_moved")
    chain = [moved, fact, told, entry]
    assert [row.correlation_id for row in chain] == ["case-7"] * 4
    assert (str(moved.id), fact.causation_id, told.causation_id) == (job, job, str(fact.id))
    assert {row.trace.split("-")[1] for row in (moved, fact, told)} == {TRACE}

    spans = {span.name: span for span in collector}
    assert {span.trace_id.hex() for span in collector} == {TRACE}
    names = ["POST /requests/{key}/move", "job move", "fact RequestMoved", "job tell"]
    assert sorted(spans) == sorted(names)
    parents = [spans[name].parent_span_id.hex() for name in names]
    assert parents == ["00f067aa0ba902b7", *(spans[name].span_id.hex() for name in names[:3])]

    lines = [one for one in written() if one.get("correlation_id") == "case-7"]
    assert [(one["event"], one.get("kind")) for one in lines] == [
        ("request", None), ("job", "move"), ("job", "tell"),
    ]  # fmt: skip
    assert all(one["trace_id"] == TRACE for one in lines)
    assert (lines[1]["job_id"], lines[1]["outcome"]) == (job, "done")


def test_a_command_has_an_id_of_its_own_too(tmp_path):
    terminal = Terminal(tmp_path)
    terminal.told("init", "--email", "alice@acme.example")
    terminal.told("keys", "add", "k", "--scope", "events.read")
    facts = terminal.told("events", "tail")["events"]
    chains = {fact["type"]: terminal.told("events", "show", fact["id"])["causation_id"] for fact in facts}
    assert chains["OrganizationSetUp"] == chains["UserAdded"] != chains["ApiKeyMade"]
    assert all(chain.startswith("command ") for chain in chains.values())


def test_an_attempt_that_fails_is_a_line_and_a_failed_span(sqlite_database, collector, written):
    def broken(_work, _payload):
        raise ConnectionError("cannot reach ann@example.com")

    end = tracing.configure()
    with sqlite_database.get_session() as session:
        MOVE.ask(session, Move("REQ-1"))
    assert drain(sqlite_database, (Task(MOVE, think=broken),)) == 1
    end()
    (span,) = collector
    (told,) = [one for one in written() if one["event"] == "job"]
    assert (told["outcome"], told["attempt"]) == ("retried", 1)
    assert told["error"] == "ConnectionError: cannot reach [REDACTED_EMAIL]"
    assert (span.name, span.status.code) == ("job move", 2)
    assert "ann@" not in str(span)


def test_the_stream_shows_the_chain_to_whoever_follows(database, people):
    key = make_key(database, people.alice, "events.read", "request.read")
    with serving(database) as (_, address):
        with TestClient(asking(database, people.organization_id)) as client:
            client.post("/requests/7/move", headers={"X-Correlation-ID": "case-8"})
        drain(database, TASKS, organization=people.organization_id)
        deliver(database, (), organization=people.organization_id)
        (fact,) = listen(address, key, 1, after=0).data
    assert fact["correlation_id"] == "case-8"
    assert fact["payload"]["after"] == "matched"
