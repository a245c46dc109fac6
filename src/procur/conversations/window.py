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


@dataclass(frozen=True, slots=True)
class Window:
    """The newest messages that fit, and the summary of the older ones.

    `summary` covers every message up to number `summary_through`, and the window begins no later than with
    the next one. `tokens` is what both cost together.
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

    Beyond 4,000 characters its oldest lines give way to "[…]".
    """
    lines = [] if not previous else previous.split("\n")
    lines += [_line(message) for message in messages]
    return "\n".join(_bounded(lines, lambda kept: sum(map(len, kept)) + len(kept) <= _LONGEST_SUMMARY))


def cut(summary: str, budget: int, count: CountTokens) -> str:
    """Return the newest lines of a summary that fit the budget; an empty text when none does."""
    if count(summary) <= budget:
        return summary
    kept = _bounded(summary.split("\n"), lambda lines: count("\n".join(lines)) <= budget)
    return "\n".join(kept)


def _line(message: dict[str, Any]) -> str:
    said = " ".join(message["content"].split())
    if len(said) > _LONGEST_LINE:
        said = said[: _LONGEST_LINE - 1].rstrip() + "…"
    return f"{message['role']}: {said}"


def _bounded(lines: list[str], fits: Callable[[list[str]], bool]) -> list[str]:
    """Leave out as few of the oldest lines as will do (by halving: fitting is monotone)."""
    if fits(lines):
        return lines
    own = [line for line in lines if line != _LEFT_OUT]
    least, most = 1, len(own)
    while least < most:
        middle = (least + most) // 2
        if fits([_LEFT_OUT, *own[middle:]]):
            most = middle
        else:
            least = middle + 1
    shortened = [_LEFT_OUT, *own[most:]]
    return shortened if fits(shortened) else []
