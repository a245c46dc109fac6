"""The client against a real OpenAI-compatible server on loopback."""

import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import BaseModel

from procur.core.errors import InvalidInput, NotConfigured, Unavailable
from procur.llm.client import Settings, ask, price
from procur.sourcing.assist import assist
from procur.sourcing.intake import Intake, read_request
from procur.vendors.vocabulary import load

KEY = "key-that-must-never-show"
Answer = Callable[[int], tuple[int, str]]


class Fruit(BaseModel):
    name: str


def completion(content: str) -> str:
    return json.dumps(
        {
            "id": "1",
            "object": "chat.completion",
            "created": 1,
            "model": "small",
            "choices": [
                {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}
            ],
            "usage": {"prompt_tokens": 1200, "completion_tokens": 300, "total_tokens": 1500},
        }
    )


@contextmanager
def serving(answer: Answer, hold: threading.Event | None = None) -> Iterator[tuple[Settings, list[Any]]]:
    seen: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append({"body": json.loads(body), "key": self.headers["Authorization"]})
            if hold is not None:
                hold.wait(20)
            status, text = answer(len(seen))
            told = text.encode()
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)
            except OSError:
                return

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield Settings(f"http://127.0.0.1:{server.server_port}/v1", "small", KEY, 5), seen
    finally:
        if hold is not None:
            hold.set()
        server.shutdown()
        server.server_close()
        thread.join()


def saying(content: str) -> Answer:
    return lambda _: (200, completion(content))


def test_text_tokens_and_time_come_back() -> None:
    with serving(saying("hello")) as (settings, seen):
        reply = ask("say hello", settings=settings)
    assert (reply.text, reply.tokens_in, reply.tokens_out, reply.model) == ("hello", 1200, 300, "small")
    assert reply.cost is None
    assert reply.latency_ms >= 0
    assert seen[0]["key"] == f"Bearer {KEY}"
    assert seen[0]["body"]["messages"][-1]["content"] == "say hello"


def test_json_is_validated_also_in_a_code_fence() -> None:
    with serving(saying('```json\n{"name": "apple"}\n```')) as (settings, _):
        assert ask("a fruit", schema=Fruit, settings=settings).data == Fruit(name="apple")


def test_garbage_is_asked_for_once_more_and_then_told() -> None:
    with serving(saying("no idea")) as (settings, seen), pytest.raises(Unavailable, match="JSON"):
        ask("a fruit", schema=Fruit, settings=settings)
    assert len(seen) == 2


def test_tokens_of_both_tries_are_counted() -> None:
    with serving(lambda n: (200, completion("?" if n == 1 else '{"name": "fig"}'))) as (settings, _):
        assert ask("a fruit", schema=Fruit, settings=settings).tokens_in == 2400


@pytest.mark.parametrize(("status", "calls"), [(500, 2), (503, 2), (429, 2), (401, 1), (404, 1)])
def test_errors_are_told_without_the_key(status: int, calls: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    told = json.dumps({"error": {"message": f"bad key {KEY}"}})
    with serving(lambda _: (status, told)) as (settings, seen), pytest.raises(Unavailable) as caught:
        ask("hello", settings=settings)
    assert len(seen) == calls
    assert str(status) in caught.value.message
    assert KEY not in str(caught.value.as_dict())
    assert KEY not in repr(settings)
    assert KEY not in caplog.text
    assert caught.value.__cause__ is None


def test_a_slow_model_ends_at_the_time_limit() -> None:
    with serving(saying("late"), hold=threading.Event()) as (settings, seen):
        hasty = Settings(settings.base_url, settings.model, KEY, 0.2)
        with pytest.raises(Unavailable, match=r"within 0\.2 seconds"):
            ask("hello", settings=hasty)
    assert len(seen) == 1


def test_nobody_at_the_address() -> None:
    with serving(saying("")) as (settings, _):
        gone = settings
    with pytest.raises(Unavailable, match="cannot be reached"):
        ask("hello", settings=gone)


def test_off_until_configured() -> None:
    with pytest.raises(NotConfigured) as caught:
        Settings.from_environment({"PROCUR_LLM_MODEL": "small"})
    assert caught.value.hint == "Set PROCUR_LLM_BASE_URL, PROCUR_LLM_API_KEY."


def test_the_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydantic_ai", None)
    with pytest.raises(NotConfigured) as caught:
        ask("hello", settings=Settings("http://127.0.0.1:9/v1", "small", KEY))
    assert caught.value.hint == "pip install 'procur[ai]'"


@pytest.mark.parametrize("timeout", ["soon", "0", "-1", "nan", "inf", "99999"])
def test_a_time_limit_is_a_number_of_seconds(timeout: str) -> None:
    given = {"PROCUR_LLM_BASE_URL": "http://x", "PROCUR_LLM_MODEL": "m", "PROCUR_LLM_API_KEY": KEY}
    with pytest.raises(InvalidInput):
        Settings.from_environment({**given, "PROCUR_LLM_TIMEOUT": timeout})


def test_known_models_have_a_price_and_unknown_ones_none() -> None:
    known = Settings("https://api.openai.com/v1", "gpt-4o-mini", KEY)
    assert price(known, 1200, 300) == Decimal("0.00036")
    assert price(known, 0, 0) is None  # the server did not say what it used
    assert price(Settings("http://127.0.0.1:9/v1", "house-model", KEY), 1200, 300) is None


REQUEST = "A whizbang board for the folks at the plant, all fifty-two. We now pay $20,000 a year. CRM wanted."


def intake() -> Intake:
    return read_request(REQUEST, vocabulary=load(), today=date(2026, 11, 21))


def suggesting(*suggestions: dict[str, Any]) -> Answer:
    return saying(json.dumps({"suggestions": list(suggestions)}))


def test_an_obeying_model_fills_what_was_missing() -> None:
    assert intake().quantity is None
    with serving(suggesting({"field": "quantity", "quote": "fifty-two", "value": 52})) as (settings, seen):
        helped = assist(intake(), settings)
    assert helped.intake.quantity is not None
    assert helped.intake.quantity.value == 52
    assert helped.intake.quantity.words == "fifty-two"
    assert helped.intake.quantity.confidence == "suggested by small"
    assert REQUEST in str(seen[0]["body"]["messages"])
    assert helped.intake.category == intake().category


@pytest.mark.parametrize(
    "suggestion",
    [
        {"field": "budget", "quote": "at most $90,000 a year", "value": 90000},
        {"field": "budget", "quote": "$20,000 a year", "value": 20000},
        {"field": "budget_yearly", "quote": "$20,000"},
        {"field": "quantity", "quote": "fifty-two", "value": 5200},
        {"field": "category", "quote": "board", "value": "erp"},
        {"field": "text", "quote": "CRM"},
    ],
)
def test_a_malicious_model_changes_nothing(suggestion: dict[str, Any]) -> None:
    with serving(suggesting(suggestion)) as (settings, _):
        helped = assist(intake(), settings)
    assert helped.intake == intake()
    assert len(helped.refused) == 1


@pytest.mark.parametrize("answer", [(500, "{}"), (200, "garbage"), (200, completion("garbage"))])
def test_without_the_model_the_reading_stands_and_says_so(answer: tuple[int, str]) -> None:
    with serving(lambda _: answer) as (settings, _):
        helped = assist(intake(), settings)
    assert helped.intake == intake()
    assert helped.told.startswith("Read without a language model: ")
