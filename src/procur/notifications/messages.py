"""A message in parts, from which plain text, HTML and Slack's form are made."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LONGEST_TITLE = 200
LONGEST_LINE = 1000


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody is told: a title, lines of text, named values, and the command that comes next."""

    title: str
    lines: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    command: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", tidy(self.title, LONGEST_TITLE))
        object.__setattr__(self, "lines", tuple(tidy(line) for line in self.lines if line))
        object.__setattr__(self, "facts", tuple((tidy(n), tidy(v)) for n, v in self.facts if v))

    def as_json(self) -> dict[str, Any]:
        """Return the message as it is stored."""
        return {
            "title": self.title,
            "lines": list(self.lines),
            "facts": [list(pair) for pair in self.facts],
            "command": self.command,
        }

    @classmethod
    def of_json(cls, stored: Mapping[str, Any], *, title: str = "", body: str = "") -> "Message":
        """Return a stored message; one without parts is its title and the lines of its body."""
        if not stored:
            return cls(title, tuple(body.splitlines()))
        facts = tuple((str(name), str(value)) for name, value in stored.get("facts", ()))
        return cls(str(stored["title"]), tuple(stored.get("lines", ())), facts, stored.get("command"))


def tidy(text: str, most: int = LONGEST_LINE) -> str:
    """Return a text on one line, without control characters, cut where it is too long.

    People wrote parts of it: a line break in a name must not become a header of a mail.
    """
    kept = "".join(sign if sign.isprintable() else " " for sign in str(text))
    line = " ".join(kept.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def switched_off(reason: str | None) -> str:
    """Return why an endpoint is not told what it wants to hear."""
    return f"the endpoint is switched off: {reason or 'by a person'}"
