"""From an address as somebody wrote it to the one server that may be called for it."""

import socket
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Thread
from urllib.parse import urljoin

import httpx2

from procur.core.errors import Unavailable
from procur.core.logs import get_logger
from procur.net.addresses import read_host, why_closed
from procur.net.errors import Refused
from procur.net.settings import NetSettings

_PORTS = {"http": 80, "https": 443}
_LONGEST = 2048
# No address of these will ever answer: asking again is no use.
_NO_SUCH_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}

Resolve = Callable[[str, int], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Target:
    """A checked URL: `path` is what the server is asked for, with its query."""

    url: str
    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: what a robots.txt and a caller's headers are good for."""
        return self.scheme, self.host, self.port

    @property
    def shown_host(self) -> str:
        """The host as it stands in a URL."""
        return f"[{self.host}]" if ":" in self.host else self.host


def read_url(url: str, settings: NetSettings) -> Target:
    """Return the target of a URL; Refused says why it may not be called. No name is resolved yet."""
    if len(url) > _LONGEST:
        raise Refused(f"an address of more than {_LONGEST} characters is not called", field="url")
    try:
        read = httpx2.URL(url)
    except (httpx2.InvalidURL, UnicodeError) as error:
        raise Refused(f"{_short(url)} is not a web address", field="url") from error
    if read.scheme not in _PORTS:
        raise Refused(f"{_short(url)}: only https:// and http:// are called", field="url")
    if read.userinfo:
        raise Refused("an address with a user or password in it is not called", field="url")
    host = read_host(read.raw_host.decode("ascii"))
    if host is None:
        raise Refused(f"{_short(url)}: the host is neither a name nor a plain IP address", field="url")
    port = read.port or _PORTS[read.scheme]
    if port not in settings.ports and (host, port) not in settings.inside:
        raise Refused(
            f"port {port} of {host} is not called", field="url", hint="PROCUR_NET_PORTS and PROCUR_NET_ALLOW"
        )
    path = read.raw_path.decode("ascii")
    shown = f"[{host}]" if ":" in host else host
    place = shown if port == _PORTS[read.scheme] else f"{shown}:{port}"
    return Target(f"{read.scheme}://{place}{path}", read.scheme, host, port, path)


def next_target(target: Target, location: str, settings: NetSettings) -> Target:
    """Return where a redirect leads; Refused when it may not be followed."""
    try:
        address = urljoin(target.url, location)
    except ValueError as error:
        raise Refused(f"{target.host} redirects to no web address", field="url") from error
    following = read_url(address, settings)
    if target.scheme == "https" and following.scheme == "http":
        raise Refused(f"{target.host} redirects from https to {_short(following.url)}", field="url")
    return following


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host, as the system's resolver knows them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def open_addresses(
    target: Target, settings: NetSettings, resolver: Resolve = resolve, *, within: float
) -> list[str]:
    """Return the addresses that may be connected to for a target; every one has been checked.

    One closed address among them refuses the target as a whole: a name that points inside is not to be
    trusted with its other addresses either. Unavailable when the name is not resolved `within` seconds.
    """
    try:
        found = _resolved(target, resolver, within)
    except (socket.gaierror, UnicodeError) as error:
        if isinstance(error, UnicodeError) or error.errno in _NO_SUCH_NAME:
            raise Refused(f"there is no host {target.host}", field="url") from error
        raise Unavailable(f"{target.host} cannot be resolved now: {error.strerror}", field="url") from error
    if not found:
        raise Refused(f"there is no host {target.host}", field="url")
    if (target.host, target.port) in settings.inside:
        return found
    for address in found:
        if reason := why_closed(address):
            # Where an inside name leads is for those who read the log, not for whoever may name a page.
            get_logger("procur.net").warning("address_refused", host=target.host, address=address, why=reason)
            raise Refused(
                f"{target.host} is at an address that is not called: {reason}",
                field="url",
                hint=f"if it is a server of yours: PROCUR_NET_ALLOW={target.shown_host}:{target.port}",
            )
    return found


def _resolved(target: Target, resolver: Resolve, within: float) -> list[str]:
    """Resolve in a thread of its own: the system's resolver knows no time limit, and cannot be stopped."""
    told: Future[list[str]] = Future()

    def ask() -> None:
        try:
            told.set_result(list(resolver(target.host, target.port)))
        except Exception as error:  # noqa: BLE001 - it is raised where the answer is waited for
            told.set_exception(error)

    Thread(target=ask, name=f"resolve {target.host}", daemon=True).start()
    try:
        return told.result(within)
    except TimeoutError as error:
        raise Unavailable(f"{target.host} was not resolved in time", field="url") from error


def _short(url: str) -> str:
    return repr(url if len(url) <= 100 else url[:97] + "…")  # noqa: PLR2004 - for a message
