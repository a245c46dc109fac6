"""What is seen of a vendor, as plain values; text from outside is cleaned and cut before it gets here."""

import hashlib
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from procur.core.errors import NotConfigured

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser

LONGEST_QUOTE = 200
LONGEST_TEXT = 2000
FRAMEWORK = "framework:"
_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Observation:
    """What one source says of one field.

    `value` is a JSON object: {"text": …}, {"amount": "12.50", "currency": "USD", "unit": "user", "period":
    "month"}, {"plans": […], "currency": …}, {"rating": 4.5, "count": 120}, {"status": "certified", "type":
    "II"}. `quote` are the words it was read from.
    """

    field: str
    value: dict[str, Any]
    source: str
    source_kind: str
    method: str
    observed_at: datetime
    content_hash: str
    quote: str | None = None

    def as_row(self) -> dict[str, Any]:
        """Return the columns of `vendor_observations`."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True)
class Page:
    """A page that was read: `url` is where it was in the end."""

    url: str
    html: str
    content_hash: str
    fetched_at: datetime

    @cached_property
    def tree(self) -> "LexborHTMLParser":
        """The page as a tree; whoever changes it takes a `parse` of their own."""
        return parse(self.html)


@dataclass(frozen=True, slots=True)
class VendorView:
    """What a source needs to know of the vendor. `pages` were named by a person: they alone are read then."""

    vendor_id: str
    name: str
    website: str | None = None
    pages: tuple[str, ...] = ()


class Fetch(Protocol):
    """What a source is given to look with; it keeps what was skipped and why."""

    def __call__(self, url: str) -> Page | None:
        """Return a page, or None when it was skipped; Unavailable is tried again later."""

    def skip(self, source: str, reason: str) -> None:
        """Note that something could not be read: what it said before stays."""

    def finish(self, group: str) -> None:
        """Note that all of a group ("feed") was looked at: what was not found there is gone."""


class Source(Protocol):
    """A place where vendors' data is found."""

    @property
    def name(self) -> str:
        """How the source is called in messages."""

    def observe(self, vendor: VendorView, fetch: Fetch) -> list[Observation]:
        """Return what this source says of the vendor now; nothing when it knows nothing."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The outcome of looking at all sources: what was read (URLs, files), and what was not and why.

    `gone` are pages that are not there any more (404, 410), `finished` the groups ("page", "feed") of which
    everything was looked at, so that what was seen before and is not there now is gone as well. `misread`: a
    source failed, so nobody knows what it would have seen.
    """

    observations: tuple[Observation, ...] = ()
    read: tuple[str, ...] = ()
    skipped: dict[str, str] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    finished: frozenset[str] = frozenset()
    misread: bool = False


def parse(html: str) -> "LexborHTMLParser":
    """Return HTML as a tree; NotConfigured when the extra is not installed."""
    try:
        from selectolax.lexbor import LexborHTMLParser
    except ImportError as error:
        raise NotConfigured(
            "reading vendors' pages needs the extra enrichment", hint="pip install 'procur[enrichment]'"
        ) from error
    return LexborHTMLParser(html)


def clean(text: object, *, longest: int = LONGEST_TEXT) -> str:
    """Return text in one line, without signs that nobody can see, cut at `longest` characters."""
    if not isinstance(text, str):
        return ""
    text = unicodedata.normalize("NFC", text[: longest * 20])
    kept = "".join(sign if unicodedata.category(sign)[0] != "C" else " " for sign in text)
    told = _BLANKS.sub(" ", kept).strip()
    return told if len(told) <= longest else told[: longest - 1].rstrip() + "…"


def quote(text: str) -> str:
    """Return the words that an observation rests on."""
    return clean(text, longest=LONGEST_QUOTE)


def digest(content: str | bytes) -> str:
    """Return the SHA-256 of what was read."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()
