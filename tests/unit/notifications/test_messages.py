"""What people wrote into names and reasons stays text, wherever it is shown."""

import json
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from procur.core.errors import InvalidInput, NotConfigured
from procur.notifications.channels import Outgoing
from procur.notifications.channels.addresses import masked, without_address
from procur.notifications.channels.mail import Mail, compose
from procur.notifications.messages import Message
from procur.notifications.render import as_html, as_slack, as_text
from procur.notifications.retries import WAITS, seconds_until_next
from procur.notifications.settings import MailSettings
from procur.notifications.topics import TOPICS, channels_of, chosen_channels

NASTY = "Boards\r\nBcc: all@acme.example\x00 <script>alert('1')</script> & <!channel> \u202e*bold*"
MESSAGE = Message(f"Terms with {NASTY}", (NASTY,), (("Reason", NASTY), ("Total", "")), "procur compare R-1")
NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)


def outgoing(name: str = "Alice", recipient: str = "alice@acme.example") -> Outgoing:
    return Outgoing("m1@procur.notifications", uuid4(), recipient, name, "Acme\nInc", "body", MESSAGE)


def test_a_message_is_text_on_lines_of_its_own() -> None:
    text = as_text(MESSAGE, footer=("Procur",))
    assert "\r" not in text
    assert "\nBcc:" not in text
    assert "Total" not in text  # nothing to tell is left out
    assert text.endswith("What to do:\n  procur compare R-1\n\n-- \nProcur\n")
    assert Message.of_json(json.loads(json.dumps(MESSAGE.as_json()))) == MESSAGE
    assert len(Message("x" * 5000).title) == 200


def test_html_and_slack_show_markup_as_text() -> None:
    page = as_html(MESSAGE, footer=("<b>",))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "<b>" not in page
    told = json.dumps(as_slack(Message("t", (NASTY,) * 40, tuple(("n", NASTY) for _ in range(25)))))
    assert "<!channel>" not in told
    assert "&lt;!channel&gt;" in told
    blocks = as_slack(MESSAGE)["blocks"]
    assert all(len(block["text"]["text"]) <= 3000 for block in blocks if "text" in block)


def test_a_mail_has_the_headers_that_it_should_and_no_others() -> None:
    settings = MailSettings(host="mail.example", sender="Procur <procur@acme.example>")
    mail = compose(outgoing(NASTY), settings, now=NOW)
    sent = mail.as_bytes().decode()
    assert mail["Bcc"] is None
    assert "\r\nBcc:" not in sent.partition("\r\n\r\n")[0]
    assert mail["Message-ID"] == "<m1@procur.notifications>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime == NOW
    assert mail["To"].addresses[0].addr_spec == "alice@acme.example"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    for wrong in ("alice", "a@b\r\nBcc: c@d.example", "", "two@a.example, b@a.example"):
        told = Mail(settings).send(outgoing(recipient=wrong), now=NOW)
        assert "cannot be a mail" in told.error  # type: ignore[union-attr]


def test_mail_is_off_until_a_server_and_a_sender_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for given in ({}, {"host": "mail.example"}, {"sender": "a@b.example"}):
        with pytest.raises(NotConfigured) as caught:
            Mail(MailSettings(**given)).check()
        assert "PROCUR_SMTP_HOST" in str(caught.value.hint)
    monkeypatch.setenv("PROCUR_SMTP_HOST", "mail.example")
    monkeypatch.setenv("PROCUR_SMTP_FROM", "a@b.example")
    monkeypatch.setenv("PROCUR_SMTP_PASSWORD", "hidden-word")
    assert MailSettings().server == ("mail.example", 587)
    assert "hidden-word" not in repr(MailSettings())
    monkeypatch.setenv("PROCUR_SMTP_SECURITY", "hidden-word")
    with pytest.raises(InvalidInput) as refused:
        MailSettings()
    assert refused.value.field == "security"
    assert "hidden-word" not in str(refused.value)


SLACK = "https://hooks.slack.com/services/T0A1B2C3/B4D5E6F7/abcdefghijklmnopqrstuvwx"


def test_secret_addresses_are_not_shown() -> None:
    assert masked(SLACK) == "https://hooks.slack.com/…uvwx"
    assert masked("https://a.example:8443/hook?token=secret") == "https://a.example:8443/…"
    for told in (
        f"cannot reach {SLACK}",
        f"'{SLACK[:60]}…' is closed",
        "no /services/T0A1B2C3/B4D5E6F7 here",
    ):
        cleaned = without_address(told, SLACK)
        assert not any(part in cleaned for part in ("T0A1B2", "B4D5E6", "abcdefg")), cleaned


def test_attempts_are_spread_over_one_to_three_days() -> None:
    for key in (UUID(int=0), UUID(int=999)):
        waits = [seconds_until_next(attempt, key) for attempt in range(1, len(WAITS) + 2)]
        assert waits[-1] is None
        total = sum(wait for wait in waits if wait is not None)
        assert 86400 < total < 3 * 86400
    assert seconds_until_next(1, UUID(int=0), at_least=500) == 500


def test_a_must_cannot_be_switched_off() -> None:
    assert channels_of({}, "approval_needed") == ("email", "in_app")
    assert channels_of({"notifications": {"approval_needed": []}}, "approval_needed") == ("email", "in_app")
    assert channels_of({"notifications": {"order_issued": []}}, "order_issued") == ()
    assert channels_of({"notifications": {"order_issued": "email"}}, "order_issued") == ("in_app",)
    assert channels_of({"notifications": 5}, "order_issued") == ("in_app",)
    assert chosen_channels("order_issued", ("in_app", "email", "email")) == ["email", "in_app"]
    for topic, channels in (("approval_needed", ()), ("weather", ("email",)), ("order_issued", ("slack",))):
        with pytest.raises(InvalidInput):
            chosen_channels(topic, channels)
    assert all(topic.channels for topic in TOPICS.values())
