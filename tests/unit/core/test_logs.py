import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest

from procur.core import logs
from procur.core.context import Cause, because_of
from procur.core.errors import InvalidInput

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What is logged in the test, as JSON lines; the logging of the test run is put back afterwards."""
    root, stream = logging.getLogger(), io.StringIO()
    level = root.level
    handler = logs.configure(logs.LogSettings(format="json", level="info"), stream=stream)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_says_what_it_belongs_to_and_keeps_no_secret(written):
    with because_of(Cause("REQ-1", "job-1", TRACE)), logs.about(job_id="7", organization_id="8"):
        logs.get_logger("procur.jobs").info(
            "job", kind="send_notification", seconds=0.25, to="ann@example.com", api_key="abc",
            nested={"Authorization": "Bearer abcdefghijkl"},
        )  # fmt: skip
        logging.getLogger("some.library").warning("cannot reach %s", "bob@example.com")
    logs.get_logger("procur.jobs").debug("not asked for")
    ours, library = lines(written)
    assert ours["event"] == "job"
    assert ours["level"] == "info"
    assert ours["logger"] == "procur.jobs"
    assert str(ours["timestamp"]).endswith("Z")
    assert (ours["correlation_id"], ours["job_id"], ours["organization_id"]) == ("REQ-1", "7", "8")
    assert ours["trace_id"] == TRACE.split("-")[1]
    assert ours["seconds"] == 0.25
    assert library["event"] == "cannot reach [REDACTED_EMAIL]"
    assert library["correlation_id"] == "REQ-1"
    for secret in ("ann@", "bob@", "abc", "abcdefghijkl"):
        assert secret not in written.getvalue()


def test_an_exception_is_one_line_with_its_traceback(written):
    try:
        int("call +1 415 555 2671")
    except ValueError:
        logs.get_logger("procur.jobs").exception("job", outcome="retried")
    (told,) = lines(written)
    assert "ValueError" in str(told["exception"])
    assert "555" not in str(told["exception"])
    assert told["outcome"] == "retried"


def test_the_console_is_readable_and_configuring_twice_writes_once(written):
    stream = io.StringIO()
    handler = logs.configure(logs.LogSettings(format="console"), stream=stream)
    logs.get_logger("procur.web").info("request", method="GET", route="/healthz", status=200)
    logging.getLogger().removeHandler(handler)
    assert stream.getvalue().count("\n") == 1
    assert "request" in stream.getvalue()
    assert "route=/healthz" in stream.getvalue()
    assert written.getvalue() == ""


def test_what_is_nested_too_deeply_is_not_written_at_all(written):
    deep: list[object] = ["secret=abc"]
    for _ in range(5000):
        deep = [deep]
    logs.get_logger("procur.jobs").info("job", value=deep)
    (told,) = lines(written)
    assert "nested too deeply" in str(told["event"])


def test_a_level_that_does_not_exist_is_named(monkeypatch):
    monkeypatch.setenv("PROCUR_LOG_LEVEL", "loud")
    with pytest.raises(InvalidInput) as refused:
        logs.LogSettings()
    assert (refused.value.field, "PROCUR_LOG_LEVEL" in refused.value.message) == ("level", True)


def test_importing_configures_and_loads_nothing():
    look = (
        "import sys, logging, procur.core.logs, procur.core.metrics, procur.core.tracing, procur.app; "
        "heavy = {'structlog', 'prometheus_client', 'opentelemetry', 'fastapi', 'uvicorn', 'starlette'}; "
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) or logging.root.handlers else 0)"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
