"""A mail server on loopback whose answers a test decides."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


@dataclass
class Mailbox:
    """`answers` are given to the next messages in turn, then all are taken; `received` is what was taken."""

    port: int = 0
    received: list[EmailMessage] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    recipients: dict[str, str] = field(default_factory=dict)
    offered: int = 0

    async def handle_RCPT(  # noqa: N802 - the name aiosmtpd looks for
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        refused = self.recipients.get(address)
        if refused is None:
            envelope.rcpt_tos.append(address)
        return refused or "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - the same
        self.offered += 1
        answer = self.answers.pop(0) if self.answers else "250 taken"
        if answer.startswith("250"):
            self.received.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        return answer

    def settings(self, **more: Any) -> dict[str, Any]:
        plain = {"host": "127.0.0.1", "port": self.port, "sender": "Procur <procur@acme.example>"}
        return {**plain, "security": "none", "timeout": 5, **more}


@contextmanager
def mailbox(*, certificate: Path | None = None, password: str | None = None) -> Iterator[Mailbox]:
    """Lend a server; with a certificate (and its key in the file) it offers STARTTLS, else it does not."""
    box, context = Mailbox(), None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)

    def log_in(server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
        return AuthResult(success=given.password.decode() == password, handled=False)

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        box.port = free.getsockname()[1]
    controller = Controller(
        box, hostname="127.0.0.1", port=box.port, tls_context=context, ready_timeout=20,
        authenticator=log_in, auth_required=password is not None, auth_require_tls=context is not None,
    )  # fmt: skip
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
