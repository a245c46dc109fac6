"""From the facts of a deal to the numbered clauses of its contract: values in, values out.

The wording lies in the clause library (data/clauses.toml). A fact that is unknown is never filled in: the
text says "[to be completed: ...]" and the gap is returned as an open point.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from procur.contracts.clause_values import UNKNOWN, flags, lists, values
from procur.contracts.contract_facts import ContractFacts
from procur.core.errors import InvalidInput

_LIBRARY = Path(__file__).parent / "data" / "clauses.toml"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A numbered paragraph, with the items (a), (b), ... that follow it."""

    number: str
    text: str
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Clause:
    """A numbered clause; `key` is its stable name in the library."""

    number: int
    key: str
    title: str
    paragraphs: tuple[Paragraph, ...]


@dataclass(frozen=True, slots=True)
class OpenPoint:
    """Something that a person must complete before the contract is signed, and where it is missing."""

    key: str
    what: str
    clauses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Clauses:
    """The clauses of one contract, its open points and the version of the library they come from."""

    clauses: tuple[Clause, ...]
    open_points: tuple[OpenPoint, ...]
    library_version: str


@cache
def library() -> Mapping[str, Any]:
    """Return the clause library as shipped."""
    return tomllib.loads(_LIBRARY.read_text(encoding="utf-8"))


def library_version() -> str:
    """Return the version of the clause library."""
    return str(library()["version"])


LIBRARY_VERSION = library_version()


def draft(facts: ContractFacts) -> Clauses:
    """Select, number and fill the clauses that this deal needs."""
    if facts.request_type not in ("saas", "hardware", "goods", "services"):
        raise InvalidInput(f"No clauses for request type {facts.request_type!r}", field="request_type")
    on = flags(facts)
    chosen = [clause for clause in library()["clause"] if _applies(clause, facts.request_type, on)]
    words = _Words(values(facts), {clause["key"]: n for n, clause in enumerate(chosen, 1)})
    listed = lists(facts)
    clauses = tuple(
        Clause(n, clause["key"], clause["title"], tuple(_paragraphs(clause, n, on, words, listed)))
        for n, clause in enumerate(chosen, 1)
    )
    return Clauses(clauses, tuple(words.open_points()) + _lapsed(facts, clauses), LIBRARY_VERSION)


def _applies(clause: Mapping[str, Any], request_type: str, on: Mapping[str, bool]) -> bool:
    return request_type in clause.get("for", [request_type]) and _holds(clause.get("when"), on)


def _holds(condition: str | None, on: Mapping[str, bool]) -> bool:
    if condition is None:
        return True
    return not on[condition[1:]] if condition.startswith("!") else on[condition]


def _paragraphs(
    clause: Mapping[str, Any],
    number: int,
    on: Mapping[str, bool],
    words: "_Words",
    listed: Mapping[str, tuple[str, ...]],
) -> Iterable[Paragraph]:
    entries = [{"text": entry} if isinstance(entry, str) else entry for entry in clause["paragraphs"]]
    used = [entry for entry in entries if _holds(entry.get("when"), on)]
    for place, entry in enumerate(used, 1):
        where = f"{number}.{place}"
        yield Paragraph(where, words.fill(entry["text"], where), listed.get(entry.get("items", ""), ()))


def _lapsed(facts: ContractFacts, clauses: tuple[Clause, ...]) -> tuple[OpenPoint, ...]:
    """Return an open point for each required framework whose evidence is missing or has run out."""
    where = tuple(f"{c.number}" for c in clauses if c.key in ("security", "evidence"))
    missing = (e for e in facts.compliance if e.required and not e.holds(facts.effective_date))
    return tuple(OpenPoint("evidence", f"evidence of {e.framework}", where) for e in missing)


class _Words:
    """Fills a text of the library; remembers which unknown facts it asked for, and where."""

    def __init__(self, known: Mapping[str, str | None], numbers: Mapping[str, int]) -> None:
        self._known = known
        self._numbers = numbers
        self._asked: dict[str, list[str]] = {}
        self._where = ""

    def fill(self, text: str, where: str) -> str:
        self._where = where
        return text.format_map(self)

    def __getitem__(self, name: str) -> Any:
        if name == "ref":
            return _Reference(self._numbers)
        known = self._known[name]
        if known is not None:
            return known
        self._asked.setdefault(name, []).append(self._where)
        return f"[to be completed: {UNKNOWN[name]}]"

    def open_points(self) -> Iterable[OpenPoint]:
        for name, places in self._asked.items():
            yield OpenPoint(name, UNKNOWN[name], tuple(dict.fromkeys(places)))


class _Reference:
    """Writes {ref:key} as the number that the clause got in this contract."""

    def __init__(self, numbers: Mapping[str, int]) -> None:
        self._numbers = numbers

    def __format__(self, key: str) -> str:
        return str(self._numbers[key])
