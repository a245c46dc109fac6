"""`procur webhooks` and `procur notifications`, against a real receiver on loopback."""

import json
import sqlite3
from collections.abc import Iterator

import pytest

from factories.pages import Pages, serving
from factories.terminal import Terminal
from procur.app import handlers
from procur.db import DatabaseSession
from procur.events.inprocess import deliver
from procur.notifications.signing import verify

SECRET = "/services/T0A1B2C3/B4D5E6F7/abcdefghijklmnopqrstuvwx"
BOB = ("--as", "bob@acme.example")


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    with serving() as served:
        monkeypatch.setenv("PROCUR_NET_ALLOW", served.place)
        served.put("/hook", status=200)
        yield served


def tell(company: Terminal) -> None:
    database = DatabaseSession(f"sqlite:///{company.home / 'procur.db'}")
    try:
        deliver(database, handlers())
    finally:
        database.close()


def test_a_webhook_from_first_to_last(company: Terminal, pages: Pages) -> None:
    added = company.told("webhooks", "add", pages.url("/hook"), "--event", "VendorChanged")
    key, hook = added["signing_key"], added["id"]
    assert company.told("webhooks", "test", hook)["state"] == "sent"
    (ping,) = pages.asked
    assert verify(key, ping.headers, ping.body) == json.loads(ping.body)["id"]
    rotated = company.told("webhooks", "rotate", hook)
    assert rotated["signing_key"] != key
    company.told("webhooks", "test", hook)
    for either in (key, rotated["signing_key"]):
        verify(either, pages.asked[-1].headers, pages.asked[-1].body)
    pages.put("/hook", "closed for today", status=403)
    failed = company.told("webhooks", "test", hook)
    assert (failed["state"], failed["error"]) == ("failed", "answered 403: closed for today")
    deliveries = company.told("webhooks", "deliveries", hook)["deliveries"]
    assert [each["state"] for each in deliveries] == ["failed", "sent", "sent"]
    assert "closed for today" in company("webhooks", "deliveries", hook, "--state", "failed").out
    assert company.told("webhooks", "replay", hook)["replayed"] == [failed["id"]]
    assert company.told("webhooks", "replay", hook)["replayed"] == []
    company.told("webhooks", "disable", hook, "--reason", "moving house")
    assert company("webhooks", "test", hook, "--json").error["code"] == "conflict"
    assert "off: moving house" in company("webhooks", "list").out
    company.told("webhooks", "enable", hook)
    shown = company.told("webhooks", "show", hook)
    assert shown["deliveries"] == {"pending": 1, "sent": 2, "failed": 0, "suppressed": 0}
    assert company.told("webhooks", "remove", hook)["removed"]
    assert "No webhooks" in company("webhooks", "list").out
    assert company("webhooks", "show", hook, "--json").error["code"] == "not_found"
    left = company.told("webhooks", "deliveries", hook)["deliveries"]
    assert [each["id"] for each in left] == [each["id"] for each in deliveries]
    # Neither key is anywhere but in the endpoint's own row and in the answers that showed it.
    assert not leaks(company, key, rotated["signing_key"], but="webhook_endpoints")


def test_slack_addresses_are_secret(company: Terminal, pages: Pages) -> None:
    pages.put(SECRET, f"invalid {SECRET}", status=400)
    url = pages.url(SECRET)
    answers = [company("webhooks", "add", url, "--slack", "--json")]
    hook = answers[0].json["id"]
    assert "signing_key" not in answers[0].json
    answers += [
        company("webhooks", *command, *form)
        for command in (
            ("test", hook),
            ("list",),
            ("show", hook),
            ("deliveries", hook),
            ("add", url, "--slack"),
        )
        for form in ((), ("--json",))
    ]
    outside = "https://127.0.0.1:9" + SECRET
    answers += [company("webhooks", "add", outside, "--slack"), company("webhooks", "add", outside, "--json")]
    for answer in answers:
        assert not any(part in answer.out + answer.err for part in ("T0A1B2", "B4D5E6", "abcdefgh")), answer
    # Who forgets --slack shows no more of it; Slack's own servers are refused without.
    company.told("webhooks", "remove", hook)
    forgot = company("webhooks", "add", url, "--json")
    assert forgot.json["address"].endswith("/…uvwx")
    assert not any(part in forgot.out for part in ("T0A1B2", "B4D5E6", "abcdefgh"))
    assert not leaks(company, "T0A1B2C3", but="webhook_endpoints")


def test_what_is_not_allowed_is_refused(company: Terminal, pages: Pages) -> None:
    for url in ("http://169.254.169.254/", "ftp://a.example", "https://localhost/", "https://a:b@c.example/"):
        assert company("webhooks", "add", url, "--json").error["code"] == "invalid_input", url
    told = company("webhooks", "add", pages.url("/hook"), "--event", "Weather", "--json").error
    assert told["field"] == "event_types"
    hook = company.told("webhooks", "add", pages.url("/hook"))["id"]
    for command in (
        ("add", pages.url("/other")), ("list",), ("show", hook), ("rotate", hook), ("disable", hook),
        ("enable", hook), ("remove", hook), ("replay", hook), ("test", hook), ("deliveries", hook),
    ):  # fmt: skip
        assert company("webhooks", *command, *BOB, "--json").error["code"] == "not_allowed", command
    assert pages.asked == []


def test_messages_are_read_and_chosen(company: Terminal, pages: Pages) -> None:
    assert "No messages" in company("notifications", "list", *BOB).out
    topics = company.told("notifications", "preferences", *BOB)["topics"]
    assert [each["topic"] for each in topics if each["mandatory"]] == ["approval_needed", "operations"]
    refused = company("notifications", "preferences", "approval_needed", "--off", "--json").error
    assert refused["code"] == "invalid_input"
    told = company.told("notifications", "preferences", "operations", "--channel", "in_app")["topics"]
    assert {"channels": ["in_app"], "chosen": True}.items() <= told[-1].items()
    assert "a must" in company("notifications", "preferences").out
    pages.put("/hook", status=410)
    hook = company.told("webhooks", "add", pages.url("/hook"))["id"]
    company.told("webhooks", "test", hook)
    tell(company)
    listed = company.told("notifications", "list", "--unread")
    (message,) = listed["notifications"]
    assert (listed["unread"], message["topic"], message["channel"]) == (1, "operations", "in_app")
    assert "switched off" in company("notifications", "show", message["id"]).out
    assert company("notifications", "show", message["id"], *BOB, "--json").error["code"] == "not_found"
    assert company.told("notifications", "read", message["id"]) == {"read": 1, "unread": 0}
    assert company.told("notifications", "read", "--all")["read"] == 0
    assert company.told("notifications", "list", "--unread")["notifications"] == []
    assert message["subject"] in company("notifications", "list", "--sent").out
    assert company.told("notifications", "retry", "--failed", "--since", "2026-12-01") == {"again": []}
    assert "No mail to send again" in company("notifications", "retry", "--failed").out
    for refused_command in ((), (message["id"], "--failed"), (message["id"],)):
        refused = company("notifications", "retry", *refused_command, "--json").error
        assert (refused["code"], refused["field"]) == ("invalid_input", "ids"), refused_command


def leaks(company: Terminal, *secrets: str, but: str) -> list[str]:
    """Return the tables, except one, in which a secret stands."""
    found = []
    database = sqlite3.connect(company.home / "procur.db")
    try:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            rows = str(database.execute(f'SELECT * FROM "{table}"').fetchall())
            found += [table for secret in secrets if secret in rows and table != but]
    finally:
        database.close()
    return found
