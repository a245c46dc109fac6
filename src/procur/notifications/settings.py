"""The mail server, from the environment: off until it is named."""

import re
from email.utils import parseaddr
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from procur.core.errors import NotConfigured
from procur.core.settings import Settings

ADDRESS = re.compile(r"[^@\s,;<>\x00-\x1f]+@[^@\s,;<>\x00-\x1f]+")
_PORTS = {"starttls": 587, "tls": 465, "none": 25}


class MailSettings(Settings):
    """How mail leaves, from arguments and the environment (PROCUR_SMTP_…).

    `security` is never lowered on its own: a server that does not offer STARTTLS gets no mail.
    """

    model_config = SettingsConfigDict(
        env_prefix="PROCUR_SMTP_", extra="ignore", frozen=True, populate_by_name=True
    )

    host: str | None = Field(None, min_length=1, max_length=253)
    port: int | None = Field(None, ge=1, le=65535)
    username: str | None = None
    password: SecretStr | None = None
    security: Literal["starttls", "tls", "none"] = "starttls"
    sender: str | None = Field(None, validation_alias=AliasChoices("PROCUR_SMTP_FROM", "sender"))
    ca_file: Path | None = None
    timeout: float = Field(30, gt=0, le=60, description="seconds for each step of the conversation")
    # Where people find this installation; messages end with it.
    public_url: str | None = Field(
        None,
        pattern=r"""^https?://[^\s<>"]+$""",
        max_length=500,
        validation_alias=AliasChoices("PROCUR_PUBLIC_URL", "public_url"),
    )

    @field_validator("sender")
    @classmethod
    def _has_an_address(cls, sender: str | None) -> str | None:
        """Refuse a sender without an address, with which no mail could be written."""
        if sender is not None and not ADDRESS.fullmatch(parseaddr(sender)[1]):
            raise ValueError("name an e-mail address, such as Procur <procur@company.example>")
        return sender

    @property
    def server(self) -> tuple[str, int]:
        """Host and port; NotConfigured until a server and a sender are named."""
        if self.host is None or self.sender is None:
            raise NotConfigured(
                "e-mail is not set up",
                hint="set PROCUR_SMTP_HOST and PROCUR_SMTP_FROM for the workers",
            )
        return self.host, self.port or _PORTS[self.security]
