"""Mail against a real SMTP server on loopback."""

import datetime as dt
import socketserver
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from typing import Any
from uuid import uuid4

import pytest

from factories.mailbox import Mailbox, mailbox
from procur.core.errors import InvalidInput
from procur.notifications.channels import Outgoing, Rejected, Retry, Sent
from procur.notifications.channels.mail import TALK, WORD, Mail
from procur.notifications.kinds import SEND
from procur.notifications.messages import Message
from procur.notifications.settings import MailSettings

NOW = dt.datetime(2026, 12, 1, 9, tzinfo=dt.UTC)
MESSAGE = Message("REQ-1 waits for your decision", ("50 licences for “Boards & Co”",), (("Total", "€9"),))

MAIL = Outgoing("m1@procur.notifications", uuid4(), "bob@acme.example", "Bob", "Acme", "", MESSAGE)


def send(box: Mailbox, recipient: str = "bob@acme.example", **more: Any) -> Any:
    return Mail(MailSettings(**box.settings(**more))).send(replace(MAIL, recipient=recipient), now=NOW)


def test_a_mail_arrives_with_both_parts(box: Mailbox) -> None:
    assert send(box, public_url="https://procur.acme.example") == Sent(250)
    (mail,) = box.received
    assert mail["From"] == "Procur <procur@acme.example>"
    assert mail["To"] == "Bob <bob@acme.example>"
    assert mail["Message-ID"] == "<m1@procur.notifications>"
    plain, html = (part.get_content() for part in mail.iter_parts())
    assert "50 licences for “Boards & Co”" in plain
    assert "https://procur.acme.example" in plain
    assert "“Boards &amp; Co”" in html


def test_what_the_server_says_decides(box: Mailbox) -> None:
    box.answers = ["451 4.7.1 greylisted, come back", "554 5.7.1 we\x07 do not want this"]
    later, never = send(box), send(box)
    assert later == Retry("451 4.7.1 greylisted, come back", 451)
    assert never == Rejected("554 5.7.1 we do not want this", 554)
    box.recipients = {
        "gone@acme.example": "550 5.1.1 no such person",
        "full@acme.example": "452 mailbox full",
    }
    assert send(box, "gone@acme.example") == Rejected("550 5.1.1 no such person", 550)
    assert send(box, "full@acme.example") == Retry("452 mailbox full", 452)
    assert box.received == []


def test_nothing_goes_out_less_safely_than_asked(box: Mailbox, certificate: Path) -> None:
    told = send(box, security="starttls")
    assert isinstance(told, Retry)
    assert "STARTTLS" in told.error
    with mailbox(certificate=certificate, password="right") as safe:
        stranger = send(safe, security="starttls")
        assert isinstance(stranger, Retry)
        assert "certificate" in stranger.error.casefold()
        wrong = send(safe, security="starttls", ca_file=certificate, username="procur", password="wrong")
        assert isinstance(wrong, Retry)
        assert wrong.status_code == 535
        assert "wrong" not in wrong.error
        right = {"security": "starttls", "ca_file": certificate, "username": "procur", "password": "right"}
        assert send(safe, **right) == Sent(250)
    assert box.received == []


def test_a_server_that_is_away_is_tried_again(box: Mailbox) -> None:
    from procur.notifications.channels import model

    with mailbox() as gone:
        pass
    told = send(gone)
    assert isinstance(told, model.Retry)
    assert "cannot be reached" in told.error


class Scripted(socketserver.ThreadingTCPServer):
    """A mail server that gives these answers, one per command, and the first as its greeting.

    `pauses`: for how many seconds it thinks before an answer.
    """

    daemon_threads = True

    def __init__(self, *answers: str, pauses: Mapping[str, float] | None = None) -> None:
        class Talk(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                for answer in answers:
                    stop.wait((pauses or {}).get(answer, 0))
                    self.wfile.write(f"{answer}\r\n".encode())
                    if answer.startswith("354"):
                        while self.rfile.readline() not in {b".\r\n", b""}:
                            pass
                    elif not self.rfile.readline():
                        return

        stop = Event()
        super().__init__(("127.0.0.1", 0), Talk)
        self.stop = stop

    @contextmanager
    def sending(self, **more: Any) -> Iterator[Any]:
        thread = Thread(target=self.serve_forever, args=(0.01,))
        thread.start()
        try:
            given: dict[str, Any] = {"host": "127.0.0.1", "port": self.server_address[1], "security": "none"}
            mail = Mail(MailSettings(**given | {"sender": "procur@acme.example", "timeout": 5} | more))
            yield lambda **how: replace(mail, **how).send(MAIL, now=NOW)
        finally:
            self.stop.set()
            self.shutdown()
            self.server_close()
            thread.join()


HELLO = ("220 ready", "250 mail.example")


@pytest.mark.parametrize(
    ("security", "answers", "code"),
    [
        ("none", ("554 5.7.1 no service for you now",), 554),
        ("none", ("220 ready", "550 who are you", "550 who are you"), 550),
        ("starttls", ("220 ready", "250-mail.example\r\n250 STARTTLS", "554 no certificate"), 554),
        ("none", (*HELLO, "530 Must issue a STARTTLS command first", "250"), 530),
        ("none", (*HELLO, "550 5.7.60 SendAsDenied", "250"), 550),
    ],
)
def test_what_is_not_about_the_mail_is_tried_again(
    security: str, answers: tuple[str, ...], code: int
) -> None:
    with Scripted(*answers).sending(security=security) as sent:
        told = sent()
    assert isinstance(told, Retry), told
    assert (told.status_code, str(code) in told.error) == (code, True)


def test_a_slow_server_gets_the_mail_once() -> None:
    """It takes longer for its word on the text than for any other step; but not for ever for all steps."""
    steps = ("250 sender", "250 recipient", "354 go on", "250 taken", "221 bye")
    with Scripted(*HELLO, *steps, pauses={"250 taken": 1.0}).sending(timeout=0.5) as sent:
        assert sent() == Sent(250)
    with Scripted(*HELLO, *steps, pauses=dict.fromkeys(steps[:3], 0.3)).sending(timeout=0.5) as sent:
        assert sent() == Sent(250)
        assert isinstance(sent(talk=0.5), Retry)
    assert SEND.lasts > TALK + WORD + MailSettings().timeout * 2


@pytest.mark.parametrize("sender", ["", "Procur", "Procur <>", "a@b@c", "Procur <procur>"])
def test_a_sender_has_an_address(monkeypatch: pytest.MonkeyPatch, sender: str) -> None:
    monkeypatch.setenv("PROCUR_SMTP_FROM", sender)
    with pytest.raises(InvalidInput, match=r"PROCUR_SMTP_FROM: .*e-mail address"):
        MailSettings()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1, with its key in the same file."""
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    day = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(day - dt.timedelta(days=1))
        .not_valid_after(day + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("certificate") / "mail.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return file
