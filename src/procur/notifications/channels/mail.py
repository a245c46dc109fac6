"""E-mail by SMTP: one recipient per message, plain text and HTML, the same Message-ID in every attempt."""

import contextlib
import math
import smtplib
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Any

from procur.notifications.channels.model import Outcome, Outgoing, Rejected, Retry, Sent
from procur.notifications.messages import tidy
from procur.notifications.render import as_html, as_text
from procur.notifications.settings import ADDRESS, MailSettings

_PERMANENT = 500
_LONGEST_ANSWER = 300
# Seconds for the conversation up to the text of the mail, and for the server's word on it (RFC 5321,
# 4.5.3.2.6). Who hangs up earlier on a server that looks for viruses sends the same mail again and again.
TALK, WORD = 180.0, 600.0


@dataclass(frozen=True)
class Mail:
    """Sends through the mail server of the settings."""

    settings: MailSettings = field(default_factory=MailSettings)
    talk: float = TALK

    def check(self) -> None:
        """Raise NotConfigured until a server is named."""
        _ = self.settings.server

    def send(self, outgoing: Outgoing, *, now: datetime) -> Outcome:
        """Hand the message to the mail server; only its 5xx for recipient and text are final."""
        try:
            message = compose(outgoing, self.settings, now=now)
        except (ValueError, MessageError) as error:
            return Rejected(f"this cannot be a mail: {tidy(str(error), _LONGEST_ANSWER)}")
        try:
            with self._server() as server:
                refused = server.send_message(message)
        except (smtplib.SMTPException, OSError) as error:
            return _refusal(error)
        notes = [f"{address}: {_words(*answer)}" for address, answer in refused.items()]
        return Sent(250, "; ".join(notes) or None)

    @contextmanager
    def _server(self) -> Iterator[smtplib.SMTP]:
        given = self.settings
        host, port = given.server
        if given.security == "tls":
            server: _Patient = _PatientTls(host, port, timeout=given.timeout, context=_trusting(given))
        else:
            server = _Patient(host, port, timeout=given.timeout)
        server.ends = time.monotonic() + self.talk
        try:
            if given.security == "starttls":
                server.starttls(context=_trusting(given))
            if given.username is not None:
                server.login(given.username, given.password.get_secret_value() if given.password else "")
            yield server
            # The message is taken by now; a goodbye that fails changes nothing.
            with contextlib.suppress(smtplib.SMTPException, OSError):
                server.quit()
        finally:
            server.close()


class _Patient(smtplib.SMTP):
    """Gives the whole conversation so long, and the server more time once it has the text of the mail."""

    ends = math.inf

    def send(self, s: Any) -> None:
        """Send a command (text) or the mail (bytes), and say how long its answer may take."""
        left = self.ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("the conversation takes too long")
        if self.sock is not None:
            self.sock.settimeout(WORD if isinstance(s, bytes) else min(left, self.timeout))
        super().send(s)


class _PatientTls(_Patient, smtplib.SMTP_SSL):
    """The same, over TLS from the start."""


def compose(outgoing: Outgoing, settings: MailSettings, *, now: datetime) -> EmailMessage:
    """Return the mail; ValueError when an address is none or a header would be split."""
    if not ADDRESS.fullmatch(outgoing.recipient):
        raise ValueError("the recipient is no e-mail address")
    name, sender = parseaddr(settings.sender or "")
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(tidy(name or "Procur"), addr_spec=sender)
    message["To"] = Address(tidy(outgoing.name), addr_spec=outgoing.recipient)
    message["Subject"] = outgoing.message.title
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{outgoing.message_id}>"
    # Nobody's holiday notice should answer this.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    footer = _footer(outgoing, settings)
    message.set_content(as_text(outgoing.message, footer=footer))
    message.add_alternative(as_html(outgoing.message, footer=footer), subtype="html")
    return message


def _footer(outgoing: Outgoing, settings: MailSettings) -> tuple[str, ...]:
    place = (settings.public_url,) if settings.public_url else ()
    return (
        f"Procur of {tidy(outgoing.company)}",
        *place,
        "What you are told, and how: procur notifications preferences",
    )


def _trusting(settings: MailSettings) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=settings.ca_file)


def _refusal(error: smtplib.SMTPException | OSError) -> Outcome:
    """Return what an error of the conversation means for the message."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return _answered(*next(iter(error.recipients.values())))
    if isinstance(error, smtplib.SMTPDataError):
        return _answered(error.smtp_code, error.smtp_error)
    if isinstance(error, smtplib.SMTPResponseException):
        # Greeting, STARTTLS, password, sender: the mail is not at fault, it waits until that is put right.
        return Retry(_words(error.smtp_code, error.smtp_error), error.smtp_code)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Retry(f"the mail server cannot do what is asked: {tidy(str(error), _LONGEST_ANSWER)}")
    return Retry(f"the mail server cannot be reached: {tidy(str(error), _LONGEST_ANSWER)}")


def _answered(code: int, words: bytes | str) -> Outcome:
    told = _words(code, words)
    return Rejected(told, code) if code >= _PERMANENT else Retry(told, code)


def _words(code: int, words: bytes | str) -> str:
    text = words.decode(errors="replace") if isinstance(words, bytes) else words
    return f"{code} {tidy(text, _LONGEST_ANSWER)}"
