"""What may be called from this installation, and how patiently."""

from functools import cached_property
from typing import Annotated, Any

from pydantic import Field, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from procur.core.settings import Settings
from procur.net.addresses import read_host

Names = Annotated[tuple[str, ...], NoDecode]
Ports = Annotated[tuple[int, ...], NoDecode]


class NetSettings(Settings):
    """Bounds of calls to the outside, from arguments and the environment (PROCUR_NET_…).

    `allow` names inside servers as "host:port", separated by commas; they alone may have private addresses.
    """

    model_config = SettingsConfigDict(env_prefix="PROCUR_NET_", extra="ignore", frozen=True)

    allow: Names = ()
    ports: Ports = (80, 443)
    connect_timeout: float = Field(10, gt=0, le=300, description="seconds until a connection stands")
    total_timeout: float = Field(30, gt=0, le=3600, description="seconds for one answer with its redirects")
    max_bytes: int = Field(5_000_000, gt=0, le=1_000_000_000, description="of one answer, unpacked")
    user_agent: str = Field("Procur (self-hosted procurement)", min_length=1, max_length=200)
    rate: float = Field(1.0, gt=0, le=1000, description="calls per second to one host, when reading pages")

    @field_validator("allow", "ports", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return (
            tuple(part.strip() for part in value.split(",") if part.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("allow")
    @classmethod
    def _servers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for server in value:
            _server(server)
        return value

    @field_validator("ports")
    @classmethod
    def _numbers(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if not all(0 < port < 65536 for port in value):  # noqa: PLR2004 - the largest port
            raise ValueError("a port is a number from 1 to 65535")
        return value

    @field_validator("user_agent")
    @classmethod
    def _printable(cls, value: str) -> str:
        if not (value.isascii() and value.isprintable()):
            raise ValueError("printable ASCII only")
        return value

    @cached_property
    def inside(self) -> frozenset[tuple[str, int]]:
        """The servers of `allow` as (host, port)."""
        return frozenset(_server(server) for server in self.allow)


def _server(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    read = read_host(host)
    if read is None or not port.isdecimal() or not 0 < int(port) < 65536:  # noqa: PLR2004 - as above
        raise ValueError(f'{text!r} is not "host:port"')
    return read, int(port)
