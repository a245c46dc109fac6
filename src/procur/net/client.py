"""The one client that calls the outside: guarded against being led inside, bounded in time and size."""

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import httpcore2

from procur.core.errors import Unavailable
from procur.net.body import read_body
from procur.net.errors import LeadsNowhere, Refused
from procur.net.settings import NetSettings
from procur.net.targets import Resolve, Target, next_target, open_addresses, read_url, resolve
from procur.net.wire import Clock, Deadline, PinnedBackend

_LEADING_ON = frozenset({301, 302, 303, 307, 308})
# The most that are followed, whatever a caller asks for.
REDIRECTS = 5
# Answers that may be another one tomorrow; 425 and 429 say so themselves.
_PASSING = frozenset({408, 425, 429})
# Those that pages are written in. Python knows others, some of which take hours for a long page.
_CHARSETS = frozenset(
    {
        *("ascii", "us-ascii", "utf-16", "utf-16be", "utf-16le", "koi8-r", "koi8-u", "latin1", "macintosh"),
        *("big5", "euc-jp", "euc-kr", "gb18030", "gb2312", "gbk", "iso-2022-jp", "shift-jis", "tis-620"),
        *(f"iso-8859-{part}" for part in range(1, 17) if part != 12),  # noqa: PLR2004 - there is none
        *(f"windows-{page}" for page in (874, *range(1250, 1259))),
    }
)
_ITS_OWN = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "cookie"}
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said. `headers` have lower-case names; `hops` are the URLs on the way, `url` the last."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool = True
    hops: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def content_type(self) -> str:
        """The type without its parameters: "text/html"."""
        return self.headers.get("content-type", "").split(";", 1)[0].strip().casefold()

    @property
    def text(self) -> str:
        """The body as text, in the charset it names or else UTF-8; what does not fit is replaced."""
        for part in self.headers.get("content-type", "").split(";")[1:]:
            name, _, value = part.partition("=")
            charset = value.strip().strip("\"'").casefold().replace("_", "-")
            if name.strip().casefold() == "charset" and charset in _CHARSETS:
                return self.body.decode(charset, errors="replace")
        return self.body.decode("utf-8-sig", errors="replace")

    @property
    def retry_after(self) -> float | None:
        """The seconds the server asks to wait, at most a day; None when it names none."""
        value = self.headers.get("retry-after", "").strip()
        return min(float(value), 86400.0) if value.isdecimal() and len(value) < 10 else None  # noqa: PLR2004

    @property
    def location(self) -> str | None:
        """Where a redirect leads; None for every other answer."""
        return (self.headers.get("location") or None) if self.status in _LEADING_ON else None

    def required(self) -> "Answer":
        """Return the answer if it is a success; otherwise Unavailable (may pass) or Refused (will not)."""
        if 200 <= self.status < 300:  # noqa: PLR2004 - HTTP's successes
            return self
        message = f"{self.url} answered {self.status}"
        details = {"status": self.status, "retry_after": self.retry_after}
        if self.status >= 500 or self.status in _PASSING:  # noqa: PLR2004 - HTTP's outages
            raise Unavailable(message, details=details)
        raise Refused(message, details=details)


@dataclass(frozen=True, slots=True)
class _Call:
    """What is asked: `cut` takes the start of a body that is longer than `most` bytes."""

    method: str
    headers: Mapping[str, str]
    accept: tuple[str, ...]
    most: int
    content: bytes | None = None
    cut: bool = False


@dataclass(frozen=True)
class GuardedClient:
    """GET and POST to public servers, and to inside ones that the settings name.

    Every address of every hop is checked and the connection goes to a checked one, so a name that changes
    its mind between check and call gains nothing. No cookies, no proxies, no credentials in URLs.
    Errors: Refused (permanent) and Unavailable (try again). Safe to share between threads.
    """

    settings: NetSettings = field(default_factory=NetSettings)
    resolver: Resolve = resolve
    clock: Clock = time.monotonic
    ssl_context: ssl.SSLContext | None = None

    def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        accept: tuple[str, ...] = (),
        most: int | None = None,
        redirects: int = REDIRECTS,
        cut: bool = False,
    ) -> Answer:
        """Return the answer to a GET, after at most `redirects` redirects (never more than 5).

        `accept` are the content types taken of a success ("text/html"; none: any), `most` bytes its size;
        with `cut` the start of a larger one is taken.
        """
        most = min(most or self.settings.max_bytes, self.settings.max_bytes)
        return self._follow(
            url, _Call("GET", headers or {}, accept, most, cut=cut), min(redirects, REDIRECTS)
        )

    def post(
        self, url: str, content: bytes, *, headers: Mapping[str, str] | None = None, most: int = 65536
    ) -> Answer:
        """Return the answer to a POST, its body cut at `most` bytes; a redirect is not followed."""
        call = _Call("POST", headers or {}, (), most, content=content, cut=True)
        return self._follow(url, call, 0)

    def check(self, url: str) -> Target:
        """Return the target of a URL that could be called now; Refused or Unavailable says why not."""
        target = read_url(url, self.settings)
        self._addresses(target, Deadline(self.settings.total_timeout, self.clock))
        return target

    def _follow(self, url: str, call: _Call, redirects: int) -> Answer:
        deadline = Deadline(self.settings.total_timeout, self.clock)
        start, hops = self.clock(), list[str]()
        target = read_url(url, self.settings)
        origin = target.origin
        while True:
            answer = self._hop(target, call, deadline)
            if answer.location is None or not redirects:
                return replace(answer, hops=tuple(hops), seconds=self.clock() - start)
            hops.append(target.url)
            if len(hops) > redirects:
                raise LeadsNowhere(f"{url[:200]} redirects more than {redirects} times", field="url")
            target = next_target(target, answer.location, self.settings)
            if target.origin != origin:
                # A caller's headers may be secrets: they are for the server they were meant for.
                call = replace(call, headers={})

    def _hop(self, target: Target, call: _Call, deadline: Deadline) -> Answer:
        sent = self._headers(target, call)
        try:
            addresses = self._addresses(target, deadline)
            backend = PinnedBackend(addresses, deadline, connect_timeout=self.settings.connect_timeout)
            # A pool for one call: a connection is never shared between names that share an address.
            with (
                httpcore2.ConnectionPool(
                    ssl_context=self.ssl_context or _system_context(),
                    max_connections=1,
                    network_backend=backend,
                ) as pool,
                pool.stream(call.method, _core_url(target), headers=sent, content=call.content) as response,
            ):
                return _read(target, call, response)
        except httpcore2.TimeoutException as error:
            raise Unavailable(f"{target.host} did not answer in time", field="url") from error
        except httpcore2.LocalProtocolError as error:
            raise Refused(f"{target.host} cannot be asked this: {error}", field="url") from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError, OSError) as error:
            if bad := _bad_certificate(error):
                raise Refused(f"the certificate of {target.host} is not good: {bad}", field="url") from error
            raise Unavailable(f"{target.host} cannot be reached: {error}"[:300], field="url") from error

    def _addresses(self, target: Target, deadline: Deadline) -> list[str]:
        within = min(self.settings.connect_timeout, deadline.left())
        return open_addresses(target, self.settings, self.resolver, within=within)

    def _headers(self, target: Target, call: _Call) -> list[tuple[bytes, bytes]]:
        default = {"http": 80, "https": 443}[target.scheme]
        place = target.shown_host if target.port == default else f"{target.shown_host}:{target.port}"
        sent = {
            "host": place,
            "user-agent": self.settings.user_agent,
            "accept": ", ".join(call.accept) or "*/*",
            "accept-encoding": "gzip, deflate",
            "connection": "close",
        }
        for name, value in call.headers.items():
            if name.casefold() in _ITS_OWN:
                raise Refused(f"the header {name} is not the caller's to set", field="headers")
            sent[name.casefold()] = value
        try:
            return [(name.encode("ascii"), value.encode("latin-1")) for name, value in sent.items()]
        except UnicodeEncodeError as error:
            raise Refused("a header holds characters that HTTP has no place for", field="headers") from error


def _read(target: Target, call: _Call, response: httpcore2.Response) -> Answer:
    headers: dict[str, str] = {}
    for name, value in response.headers:
        headers.setdefault(name.decode("latin-1").casefold(), value.decode("latin-1"))
    answer = Answer(target.url, response.status, headers, b"")
    if response.status in _LEADING_ON:
        return answer
    success = 200 <= response.status < 300  # noqa: PLR2004 - HTTP's successes
    if success and call.accept and answer.content_type not in call.accept:
        told = answer.content_type or "nothing"
        raise Refused(f"{target.url} is {told[:80]}, not {' or '.join(call.accept)}", field="url")
    announced = headers.get("content-length", "")
    if success and not call.cut and announced.isdecimal() and int(announced[:20]) > call.most:
        raise Refused(f"the answer of {target.host} is larger than {call.most:,} bytes")
    stream: Any = response.iter_stream()
    cut = call.cut or not success
    try:
        body, whole = read_body(stream, headers.get("content-encoding", ""), most=call.most, cut=cut)
    except Refused:
        if not cut:
            raise
        # Where the status is what counts, a body that cannot be read takes nothing from it.
        body, whole = b"", False
    return replace(answer, body=body, whole=whole)


def _bad_certificate(error: BaseException | None) -> str | None:
    """Return what is wrong with the other side's certificate, if that is what an error comes from."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_message
        # Each layer wraps the error of the one below, some of them without saying "from".
        error = error.__cause__ or error.__context__
    return None


def _core_url(target: Target) -> httpcore2.URL:
    return httpcore2.URL(
        scheme=target.scheme.encode(),
        host=target.host.encode("ascii"),
        port=target.port,
        target=target.path.encode("ascii"),
    )


@cache
def _system_context() -> ssl.SSLContext:
    return httpcore2.default_ssl_context()
