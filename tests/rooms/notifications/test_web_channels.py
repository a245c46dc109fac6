"""Webhooks and Slack against a real web server on loopback."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from factories.pages import Pages
from procur.net.client import GuardedClient
from procur.net.settings import NetSettings
from procur.notifications.channels import Outgoing, Rejected, Retry, Sent
from procur.notifications.channels.web import Slack, Webhook
from procur.notifications.messages import Message
from procur.notifications.signing import BadSignature, verify

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
BODY = '{"id":"1","type":"ContractActivated","data":{"note":"9 €"}}'
SECRET = "/services/T0A1B2C3/B4D5E6F7/abcdefghijklmnopqrstuvwx"
MESSAGE = Message(
    "CON-1 is in force", ("<!channel> & co",), (("Vendor", "*Boards*"),), "procur contract show"
)


def outgoing(url: str, *keys: str) -> Outgoing:
    return Outgoing("m1", uuid4(), "shown", "", "Acme", BODY, MESSAGE, url, keys or ("whsec_new",))


def client(pages: Pages, **more: Any) -> GuardedClient:
    return GuardedClient(NetSettings(allow=(pages.place,), **{"total_timeout": 5, **more}))


def test_a_receiver_can_check_every_delivery(pages: Pages) -> None:
    pages.put("/hook", status=204)
    message = outgoing(pages.url("/hook"), "whsec_new", "whsec_old")
    assert Webhook(client(pages)).send(message, now=NOW) == Sent(204)
    (asked,) = pages.asked
    assert asked.body.decode() == BODY
    for key in ("whsec_new", "whsec_old"):
        assert verify(key, asked.headers, asked.body, now=NOW.timestamp()) == str(message.event_id)
    with pytest.raises(BadSignature):
        verify("whsec_other", asked.headers, asked.body, now=NOW.timestamp())


def test_what_the_receiver_answers_decides(pages: Pages) -> None:
    hook = Webhook(client(pages))

    def told(status: int, body: str = "", **headers: str) -> Any:
        pages.put("/hook", body, status=status, **headers)
        return hook.send(outgoing(pages.url("/hook")), now=NOW)

    assert told(503, "down for <b>repair</b>\n\x07") == Retry("answered 503: down for <b>repair</b>", 503)
    assert told(429, Retry_After="90") == Retry("answered 429", 429, 90.0)
    assert told(404, "x" * 5000) == Rejected("answered 404: " + "x" * 199 + "…", 404)
    gone = told(410)
    assert isinstance(gone, Rejected)
    assert gone.switch_off is not None
    assert told(302, Location=pages.url("/elsewhere")) == Rejected("answered 302", 302)
    assert "/elsewhere" not in pages.paths()


def test_inside_servers_are_not_called_and_silent_ones_are_tried_again(pages: Pages) -> None:
    guarded = Webhook(GuardedClient(NetSettings(ports=(80, 443, pages.port))))
    for url in (pages.url("/hook"), "http://169.254.169.254/latest", "http://[::1]/", "http://2130706433/"):
        told = guarded.send(outgoing(url), now=NOW)
        assert isinstance(told, Rejected), url
    assert pages.asked == []
    pages.pages["/slow"] = lambda handler: handler.rfile.read(1)  # never answers
    told = Webhook(client(pages, total_timeout=0.3)).send(outgoing(pages.url("/slow")), now=NOW)
    assert isinstance(told, Retry)


def test_slack_gets_blocks_and_its_address_stays_secret(pages: Pages) -> None:
    slack, url = Slack(client(pages)), pages.url(SECRET)
    pages.put(SECRET, "ok")
    assert slack.send(outgoing(url), now=NOW) == Sent(200)
    posted = json.loads(pages.asked[0].body)
    assert posted["text"] == "CON-1 is in force"
    assert "&lt;!channel&gt; &amp; co" in posted["blocks"][0]["text"]["text"]
    assert "Procur-Signature" not in pages.asked[0].headers
    pages.put(SECRET, "rate_limited", status=429, Retry_After="30")
    assert slack.send(outgoing(url), now=NOW) == Retry("answered 429: rate_limited", 429, 30.0)
    pages.put(SECRET, "no_service", status=404)
    gone = slack.send(outgoing(url), now=NOW)
    assert isinstance(gone, Rejected)
    assert gone.switch_off == "Slack answered: no_service"
    pages.put(SECRET, f"no such hook {SECRET}", status=400)
    told = [slack.send(outgoing(url), now=NOW)]
    told += [Slack(GuardedClient()).send(outgoing(each), now=NOW) for each in (url, "https://x y" + SECRET)]
    for each in told:
        assert not any(part in each.error for part in ("T0A1B2", "B4D5E6", "abcdefg")), each  # type: ignore[union-attr]
    assert SECRET not in repr(outgoing(url))
