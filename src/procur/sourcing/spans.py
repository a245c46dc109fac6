"""Where a value was read: every reading keeps the words it came from."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

Value = TypeVar("Value")

# Claimed text reads as NUL, which a request may not hold: no pattern reaches across it.
CLAIMED = "\x00"
_GAP = 6
_LONG_GAP = re.compile(rf"\s{{{_GAP + 1},}}")


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of the request text; `words` is always text[start:end]."""

    words: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Found(Generic[Value]):
    """One value with the words it was read from.

    `confidence` is "stated" (the words say it), "derived" (it follows from them, `note` says how) or
    "suggested by <model>". `strength` is "must" or "prefer" where the difference matters.
    """

    value: Value
    words: str
    start: int
    end: int
    confidence: str = "stated"
    note: str = ""
    strength: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """Something the request does not say; `choices` are answers that will be understood."""

    field: str
    text: str
    why: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Words of the request that cannot both hold."""

    field: str
    text: str
    spans: tuple[Span, ...]


class Page:
    """A text of which readers claim what they have understood; the rest stays readable for the next."""

    def __init__(self, text: str, start: int = 0, end: int | None = None) -> None:
        stop = len(text) if end is None else end
        self.text = text
        self.start = start
        self._letters = [CLAIMED] * start + list(text[start:stop]) + [CLAIMED] * (len(text) - stop)
        self._open: str | None = None
        # No wording needs a longer gap; without this, a page of blanks would cost its length squared.
        for gap in _LONG_GAP.finditer(text):
            self.claim(gap.start() + _GAP, gap.end())

    @property
    def open(self) -> str:
        """The text with everything claimed so far blanked, same length."""
        if self._open is None:
            self._open = "".join(self._letters)
        return self._open

    def claim(self, start: int, end: int) -> None:
        """Mark this piece as understood."""
        self._letters[start:end] = [CLAIMED] * (end - start)
        self._open = None

    def claim_all(self, spans: Iterable[tuple[int, int]]) -> None:
        """Mark several pieces as understood."""
        for start, end in spans:
            self.claim(start, end)

    def span(self, start: int, end: int) -> Span:
        """Return this piece of the text."""
        return Span(self.text[start:end], start, end)

    def found(
        self,
        value: Value,
        start: int,
        end: int,
        *,
        derived: bool = False,
        note: str = "",
        strength: str | None = None,
    ) -> Found[Value]:
        """Return a value read from this piece of the text."""
        confidence = "derived" if derived else "stated"
        return Found(value, self.text[start:end], start, end, confidence, note, strength)
