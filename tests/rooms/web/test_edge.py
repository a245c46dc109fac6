import io
import json
import logging

import httpx2
import pytest
from starlette.testclient import TestClient

from procur.app import create_app
from procur.core import logs
from procur.core.context import current_cause
from procur.core.errors import Unavailable

KEY = "procur_" + "aB3_" * 11
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def written():
    root, stream = logging.getLogger(), io.StringIO()
    level = root.level
    handler = logs.configure(logs.LogSettings(format="json", level="info"), stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
def app(sqlite_database):
    return create_app(sqlite_database)


def test_a_request_has_one_correlation_id_from_header_to_log_line(app, written):
    app.get("/items/{key}")(lambda key: {"cause": current_cause().correlation_id, "key": key})
    with TestClient(app) as client:
        answer = client.get("/items/7", headers={"X-Correlation-ID": "order-7", "traceparent": TRACE})
        assert answer.json() == {"cause": "order-7", "key": "7"}
        assert answer.headers["x-correlation-id"] == "order-7"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        # Without an id of its own the trace names the chain; what does not fit is replaced.
        assert client.get("/items/7", headers={"traceparent": TRACE}).json()["cause"] == TRACE.split("-")[1]
        for unfit in ("a b", "x" * 65, "ann@example.com", "sk-abcdefghijklmnop1234", KEY, "", "-x"):
            made = client.get("/items/7", headers={"X-Correlation-ID": unfit}).json()["cause"]
            assert len(made) == 32
        for unfit in (TRACE + "-x", TRACE.replace("00-4", "01-4"), "00-" + "0" * 32 + "-00f067aa0ba902b7-01"):
            made = client.get("/items/7", headers={"traceparent": unfit}).json()["cause"]
            assert made != unfit.split("-")[1]
    first = next(line for line in written() if line["event"] == "request")
    assert (first["method"], first["route"], first["status"]) == ("GET", "/items/{key}", 200)
    assert (first["correlation_id"], first["trace_id"]) == ("order-7", TRACE.split("-")[1])
    assert first["ms"] >= 0


def test_every_error_is_a_problem_that_names_its_request(app, written):
    def broken():
        raise ZeroDivisionError("the password=abc123 is in the message")

    app.get("/broken")(broken)
    app.get("/closed")(lambda: (_ for _ in ()).throw(Unavailable("closed", hint="come back")))
    with TestClient(app) as client:
        for path, method, status, code in (
            ("/broken", "GET", 500, "unexpected"),
            ("/closed", "GET", 503, "unavailable"),
            ("/nowhere", "GET", 404, "not_found"),
            ("/healthz", "PUT", 405, "method_not_allowed"),
            ("/healthz", "BREW", 405, "method_not_allowed"),
        ):
            answer = client.request(method, path)
            told = answer.json()
            assert answer.headers["content-type"] == "application/problem+json"
            assert (answer.status_code, told["status"], told["code"]) == (status, status, code)
            assert told["type"] == f"urn:procur:error:{code}"
            assert told["correlation_id"] == answer.headers["x-correlation-id"]
        assert client.get("/closed").json()["hint"] == "come back"
        client.get("/api/v1/events/stream")
        figures = client.get("/metrics").text
    assert 'route="/api/v1/events/stream",status="401"' in figures
    failed = next(line for line in written() if line["event"] == "request failed")
    assert "ZeroDivisionError" in failed["exception"]
    assert "abc123" not in json.dumps(written())
    assert 'route="(none)",status="404"' in figures
    assert 'method="OTHER",route="/healthz",status="405"' in figures
    assert "nowhere" not in figures


def test_ready_names_what_is_missing(sqlite_database):
    missing = [True]

    def workers():
        if missing:
            raise Unavailable("no worker has given a sign of life")

    app = create_app(sqlite_database, checks={"workers": workers})
    with TestClient(app) as client:
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["missing"] == ["workers"]
        assert answer.json()["checks"]["workers"] == "no worker has given a sign of life"
        assert client.get("/healthz").text == "ok\n"
        missing.clear()
        assert client.get("/readyz").status_code == 503  # nothing is asked again within a second
        app.state.checks._asked = -10.0
        assert client.get("/readyz").json() == {
            "ready": True, "missing": [],
            "checks": {"database": "ok", "schema": "ok", "stream": "ok", "workers": "ok"},
        }  # fmt: skip


def test_a_database_that_has_gone_is_told_and_does_not_bring_the_server_down(postgres_database):
    url = postgres_database.config.sqlalchemy_url.set(port=1)
    gone = type(postgres_database)(url.render_as_string(hide_password=False))
    with TestClient(create_app(gone)) as client:
        assert client.get("/healthz").status_code == 200
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["missing"]) == (503, ["database", "schema"])
        assert "procur_database_up 0.0" in client.get("/metrics").text
        stream = client.get("/api/v1/events/stream", headers={"Authorization": "Bearer procur_x"})
        assert (stream.status_code, stream.json()["code"]) == (503, "unavailable")


def test_the_interface_is_described(served):
    described = httpx2.get(f"{served}/api/v1/openapi.json").json()
    assert set(described["paths"]) == {"/healthz", "/readyz", "/metrics", "/api/v1/events/stream"}
    assert (
        "text/event-stream"
        in described["paths"]["/api/v1/events/stream"]["get"]["responses"]["200"]["content"]
    )
