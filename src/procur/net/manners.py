"""Good manners towards those whose pages are read: robots.txt is kept to, and nobody is hurried."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from procur.core.errors import NotConfigured, Unavailable
from procur.net.client import REDIRECTS, Answer, GuardedClient
from procur.net.errors import LeadsNowhere, NotYourTurn, Refused
from procur.net.targets import next_target, read_url

if TYPE_CHECKING:
    from protego import Protego

Sleep = Callable[[float], None]
Origin = tuple[str, str, int]

# As RFC 9309 has them: what is kept for a day, and how much of a robots.txt has to be read.
_KEPT = 24 * 3600.0
_LARGEST = 512 * 1024
# A server whose rules cannot be read now is left alone for a while, not for a day.
_RETRIED = 300.0
_LONGEST_WAIT = 60.0
# A turn further off than this many seconds is not waited for.
_TOO_FAR = 90.0
_SERVER_ERROR = 500


class RobotsForbid(Refused):
    """The site's robots.txt does not want this page read by a program."""

    code = "robots"


@dataclass
class _Rules:
    """What one robots.txt says; `parsed` None: nobody knows, so nothing is read (`reason`)."""

    until: float
    parsed: "Protego | None"
    reason: str | None = None


@dataclass
class Manners:
    """Reads pages through the guarded client, at most so many a second from each host.

    Shared by the threads of one process: rules and turns are per host, whoever asks. `clock` counts seconds,
    `sleep` waits them.
    """

    client: GuardedClient
    clock: Callable[[], float] = time.monotonic
    sleep: Sleep = time.sleep
    _rules: dict[Origin, _Rules] = field(default_factory=dict)
    _turns: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, url: str, *, accept: tuple[str, ...] = (), most: int | None = None) -> Answer:
        """Return a page, when the site's robots.txt lets programs read it; each redirect is asked for anew.

        Errors: RobotsForbid, Refused, NotYourTurn, and Unavailable where page or rules cannot be had now.
        """
        for _ in range(1 + REDIRECTS):
            self._ask(url)
            answer = self.client.get(url, accept=accept, most=most, redirects=0)
            if answer.location is None:
                return answer
            url = next_target(
                read_url(answer.url, self.client.settings), answer.location, self.client.settings
            ).url
        raise Refused(f"{url[:200]}: too many redirects", field="url")

    def _ask(self, url: str) -> None:
        """Wait for our turn at the host, unless its rules forbid the page."""
        target = read_url(url, self.client.settings)
        rules = self._rules_of(target.origin, target.shown_host)
        agent = self.client.settings.user_agent
        if rules.parsed is None:
            raise Unavailable(f"the robots.txt of {target.host} cannot be read now: {rules.reason}")
        # Asked of the address as it will be fetched: "/x/../private" is "/private".
        if not rules.parsed.can_fetch(target.url, agent):
            raise RobotsForbid(
                f"the robots.txt of {target.host} asks programs not to read {target.url[:200]}"
            )
        delay = rules.parsed.crawl_delay(agent) or 0.0
        self._wait_turn(target.host, max(1 / self.client.settings.rate, min(delay, _LONGEST_WAIT)))

    def _wait_turn(self, host: str, apart: float) -> None:
        """Take the next free moment at a host and wait for it; moments are at least `apart` seconds apart.

        NotYourTurn when it is further off than a thread may be held up.
        """
        with self._lock:
            now = self.clock()
            turn = max(now, self._turns.get(host, now))
            if turn - now > _TOO_FAR:
                raise NotYourTurn(f"many want to read from {host}", seconds=turn - now)
            self._turns[host] = turn + apart
        if turn > now:
            self.sleep(turn - now)

    def _rules_of(self, origin: Origin, shown_host: str) -> _Rules:
        with self._lock:
            known = self._rules.get(origin)
            if known is not None and known.until > self.clock():
                return known
        # Two threads may both ask for it: better than one host holding up all others.
        found = self._read_rules(origin, shown_host)
        with self._lock:
            self._rules[origin] = found
        return found

    def _read_rules(self, origin: Origin, shown_host: str) -> _Rules:
        scheme, host, port = origin
        self._wait_turn(host, 1 / self.client.settings.rate)
        try:
            answer = self.client.get(f"{scheme}://{shown_host}:{port}/robots.txt", most=_LARGEST, cut=True)
        except LeadsNowhere:
            return _Rules(self.clock() + _KEPT, _parse(""))  # then there are no rules, as RFC 9309 has it
        except Refused:
            # No rules for this once; whether the page may be called is the client's to say.
            return _Rules(self.clock(), _parse(""))
        except Unavailable as error:
            return _Rules(self.clock() + _RETRIED, None, error.message)
        if answer.status >= _SERVER_ERROR:
            return _Rules(self.clock() + _RETRIED, None, f"it answered {answer.status}")
        success = answer.status < 300  # noqa: PLR2004 - HTTP's successes
        if success and not answer.whole and not answer.body:
            return _Rules(self.clock() + _RETRIED, None, "it is packed in a way that cannot be read")
        text = answer.text if success else ""
        return _Rules(self.clock() + _KEPT, _parse(text))


def _parse(text: str) -> "Protego":
    try:
        from protego import Protego
    except ImportError as error:
        raise NotConfigured(
            "reading vendors' pages needs the extra enrichment", hint="pip install 'procur[enrichment]'"
        ) from error
    return Protego.parse(text)
