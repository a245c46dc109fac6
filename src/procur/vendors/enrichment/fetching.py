"""Getting pages inside a job: each once, however often the job is tried, and each refusal with its reason."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from procur.core.errors import Unavailable
from procur.jobs.task import Later
from procur.net.errors import NotYourTurn, Refused
from procur.net.manners import Manners, RobotsForbid
from procur.vendors.enrichment.model import Page, digest
from procur.vendors.enrichment.pages import slim

Step = Callable[[str, Callable[[], dict[str, Any]]], dict[str, Any]]

_HTML = ("text/html", "application/xhtml+xml")
_GONE = frozenset({404, 410})
_LONGEST_STEP = 150
# What the column of a source holds.
_LONGEST_URL = 500


class Fetcher:
    """Fetches pages through `step` (a job's `work.step`); `read` and `skipped` tell what became of each.

    An outage is Unavailable, so that the job is tried again; with `give_up` it counts as skipped instead.
    """

    def __init__(
        self, manners: Manners, step: Step, now: Callable[[], datetime], *, give_up: bool = False
    ) -> None:
        self._manners = manners
        self._step = step
        self._now = now
        self._give_up = give_up
        self._known: dict[str, Page | None] = {}
        self._finished: set[str] = set()
        self._unsure = False
        self.skipped: dict[str, str] = {}
        self.gone: set[str] = set()
        self.outages = 0

    @property
    def read(self) -> tuple[str, ...]:
        """The addresses of the pages that were read, as they were in the end."""
        return tuple(dict.fromkeys(page.url for page in self._known.values() if page is not None))

    @property
    def finished(self) -> frozenset[str]:
        """The groups of which all was looked at; "page" when some were read and the others are gone."""
        pages = {"page"} if self.read and not self._unsure else set[str]()
        return frozenset(self._finished | pages)

    def skip(self, source: str, reason: str) -> None:
        """Note that something could not be read."""
        self.skipped[source] = reason

    def finish(self, group: str) -> None:
        """Note that all of a group was looked at."""
        self._finished.add(group)

    def __call__(self, url: str) -> Page | None:
        """Return a page; None when it may not or cannot be read, which `skipped` then explains."""
        if url not in self._known:
            self._known[url] = self._fetch(url)
        return self._known[url]

    def _fetch(self, url: str) -> Page | None:
        name = f"page {url}" if len(url) <= _LONGEST_STEP else f"page {digest(url)}"
        try:
            told = self._step(name, lambda: self._get(url))
        except NotYourTurn as error:
            # Nobody's fault, so it counts as no attempt; what was read already is kept.
            raise Later(error.message, seconds=error.seconds) from error
        except Unavailable as error:
            if not self._give_up:
                raise
            self.outages += 1
            self._unsure = True
            self.skipped[url] = error.message
            return None
        if "refused" in told:
            self.skipped[url] = str(told["refused"])
            if told.get("status") in _GONE:
                self.gone.add(url)
            elif not told.get("robots"):
                self._unsure = True
            return None
        return Page(told["url"], told["html"], told["hash"], datetime.fromisoformat(told["at"]))

    def _get(self, url: str) -> dict[str, Any]:
        try:
            answer = self._manners.get(url, accept=_HTML).required()
        except Refused as error:
            robots = isinstance(error, RobotsForbid)
            return {"refused": error.message, "status": error.details.get("status"), "robots": robots}
        if len(answer.url) > _LONGEST_URL:
            return {"refused": f"its address has more than {_LONGEST_URL} characters"}
        return {
            "url": answer.url,
            "html": slim(answer.text),
            "hash": digest(answer.body),
            "at": self._now().isoformat(),
        }
