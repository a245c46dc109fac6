"""Mail against a real SMTP server on loopback."""

import datetime as dt
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from factories.mailbox import Mailbox, mailbox
from procur.notifications.channels import Outgoing, Rejected, Retry, Sent
from procur.notifications.channels.mail import Mail
from procur.notifications.messages import Message
from procur.notifications.settings import MailSettings

NOW = dt.datetime(2026, 12, 1, 9, tzinfo=dt.UTC)
MESSAGE = Message("REQ-1 waits for your decision", ("50 licences for “Boards & Co”",), (("Total", "€9"),))


def send(box: Mailbox, recipient: str = "bob@acme.example", **more: Any) -> Any:
    outgoing = Outgoing("m1@procur.notifications", uuid4(), recipient, "Bob", "Acme", "", MESSAGE)
    return Mail(MailSettings(**box.settings(**more))).send(outgoing, now=NOW)


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
