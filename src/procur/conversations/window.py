"""What fits into a model's window: the newest messages, and the older ones in short. Arithmetic only."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from procur.conversations.entries import Entry

CountTokens = Callable[[str], int]
_PER_MESSAGE = 4  # role and separators, as chat formats add them
_BYTES_PER_TOKEN = 3
_LONGEST_LINE = 160
_LONGEST_SUMMARY = 4000
_LEFT_OUT = "[…]"
_HEAD_SHARE = 4  # a quarter of what is kept is its beginning


@dataclass(frozen=True, slots=True)
class Window:
    """The newest messages that fit, and the summary of the older ones.

    `summary` was made of every message up to number `summary_through`, cut to fit, and the window begins no
    later than with the next one. `tokens` is what both cost together.
    """

    messages: list[dict[str, Any]]
    summary: str | None
    summary_through: int
    tokens: int


def estimate_tokens(text: str) -> int:
    """Estimate the tokens of a text as a third of its UTF-8 bytes, rounded up.

    No model's own count: English takes about a quarter of its bytes, so this errs on the long side; code and
    rare scripts may take more. Pass a model's tokenizer as `count_tokens` where the limit is hard.
    """
    return -(-len(text.encode()) // _BYTES_PER_TOKEN)


def cost_of(entry: Entry, count: CountTokens) -> int:
    """Return what a message takes of the window."""
    return count(entry.content) + _PER_MESSAGE


def newest_that_fit(entries: Sequence[Entry], budget: int, count: CountTokens) -> list[Entry]:
    """Return the longest run of newest entries within the budget."""
    fitting: list[Entry] = []
    for entry in reversed(entries):
        budget -= cost_of(entry, count)
        if budget < 0:
            break
        fitting.append(entry)
    return fitting[::-1]


def extract(previous: str | None, messages: Iterable[dict[str, Any]]) -> str:
    """Continue a summary by the beginning of each message: nothing in it that was not said.

    Beyond 4,000 characters its beginning and its newest lines stay; the middle gives way to "[…]".
    """
    lines = [] if not previous else previous.split("\n")
    return _shortened([*lines, *map(_line, messages)], _LONGEST_SUMMARY, len)


def cut(summary: str, budget: int, count: CountTokens) -> str:
    """Return the beginning and the newest lines of a summary within the budget, "[…]" between them.

    A line that is too long for it, such as a summary in one paragraph, is cut after a word. The text is empty
    where not even the mark fits.
    """
    return _shortened(summary.split("\n"), budget, count)


def _line(message: dict[str, Any]) -> str:
    said = " ".join(message["content"].split())
    if len(said) > _LONGEST_LINE:
        said = said[: _LONGEST_LINE - 1].rstrip() + "…"
    return f"{message['role']}: {said}"


def _shortened(lines: list[str], budget: int, size: Callable[[str], int]) -> str:
    """Leave out the middle: a quarter is for the oldest lines, what these leave is for the newest."""

    def fits(*parts: list[str], within: int = budget) -> bool:
        return size("\n".join(line for part in parts for line in part)) <= within

    if fits(lines):
        return "\n".join(lines)
    gap = [_LEFT_OUT]
    before = lines.index(_LEFT_OUT) if _LEFT_OUT in lines else len(lines)
    first = _most(before, lambda n: fits(lines[:n], within=budget // _HEAD_SHARE))
    rest = [line for line in lines[first:] if line != _LEFT_OUT]
    head = lines[:first]
    last = _most(len(rest), lambda n: fits(head, gap, rest[len(rest) - n :]))
    middle, tail = rest[: len(rest) - last], rest[len(rest) - last :]
    if not fits(head, gap, tail, within=budget - budget // _HEAD_SHARE):
        kept = [*head, *gap, *tail]
    else:  # much is left, because the next line is long: as much of the middle as goes in
        more = _most(len(middle), lambda n: fits(head, middle[:n], gap, tail))
        head, middle = [*head, *middle[:more]], middle[more:]
        gap = [] if len(middle) == 1 and _LEFT_OUT not in lines else gap
        long = middle[0] if middle else ""
        length = _most(len(long), lambda n: fits(head, _beginning(long, n), gap, tail))
        begun = _beginning(long, length)
        kept = [*head, *begun, *(gap if begun else [_LEFT_OUT]), *tail]
    text = "\n".join(kept)
    return text if size(text) <= budget else ""


def _beginning(line: str, length: int) -> list[str]:
    """Return this many characters of a line at most, up to a whole word where there is one."""
    part = line[:length].rstrip()
    if not part:
        return []
    whole = line[len(part) :][:1] in {"", " "}
    words = part if whole else part.rpartition(" ")[0]
    return [f"{words.rstrip() or part}…"]


def _most(most: int, fits: Callable[[int], bool]) -> int:
    """Return the largest number that fits, by halving: where one fits, all smaller ones do."""
    least = 0
    while least < most:
        middle = (least + most + 1) // 2
        if fits(middle):
            least = middle
        else:
            most = middle - 1
    return least
