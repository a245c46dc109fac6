"""Builds a window: reads, sums up what no longer fits outside any transaction, stores the summary."""

from collections.abc import Callable
from typing import Any

from procur.conversations.backend import Backend, Talk
from procur.conversations.entries import Entry
from procur.conversations.window import CountTokens, Window, cost_of, cut, newest_that_fit
from procur.core.errors import InvalidInput
from procur.db.repositories.conversation_messages import summary_of

Summarise = Callable[[str | None, list[dict[str, Any]]], str]
_BATCH = 200
_TRIES = 3
_SUMMARY_SHARE = 4  # a quarter of the window is for the summary, where one is needed


class WindowBuilder:
    """Fits conversations into a number of tokens."""

    def __init__(self, backend: Backend, *, count: CountTokens, summarise: Summarise) -> None:
        self._backend = backend
        self._count = _counting(count)
        self._summarise = summarise

    def build(self, name: str, max_tokens: int) -> Window:
        """Return the newest messages that fit, with a summary that was made of all the others.

        Where writers change the past faster than it can be summed up, the summary is used but not stored.
        """
        for _ in range(_TRIES):
            talk = self._backend.talk(name)
            if talk is None:
                return Window([], None, 0, 0)
            newest, whole = self._affordable(name, talk, max_tokens)
            if whole:
                return self._window(newest, None, 0, max_tokens)
            fitting = newest_that_fit(newest, max_tokens - max_tokens // _SUMMARY_SHARE, self._count)
            begins = fitting[0].sequence if fitting else talk.last_sequence + 1
            summary, through = self._summary(name, talk, begins - 1)
            if summary is None:  # what it would have been of is gone meanwhile
                continue
            stored = (summary, through) == (talk.summary, talk.summary_through)
            if stored or self._backend.keep_summary(name, summary, through, talk):
                break
        return self._window(fitting, summary, through, max_tokens)

    def _affordable(self, name: str, talk: Talk, budget: int) -> tuple[list[Entry], bool]:
        """Return the newest messages up to the first that does not fit; and whether they are all."""
        found: list[Entry] = []
        while True:
            begins = found[0].sequence if found else talk.last_sequence + 1
            batch = self._backend.before(name, begins, _BATCH)
            found = [*batch, *found]
            budget -= sum(cost_of(entry, self._count) for entry in batch)
            if budget < 0:
                return found, False
            if len(batch) < _BATCH:
                return found, True

    def _summary(self, name: str, talk: Talk, through: int) -> tuple[str | None, int]:
        """Return the stored summary, continued so that it covers message `through`; and what it covers."""
        if talk.summary and talk.summary_through >= through:
            return talk.summary, talk.summary_through
        summary, done = talk.summary or None, talk.summary_through if talk.summary else 0
        while done < through:
            batch = [one for one in self._backend.after(name, done, _BATCH) if one.sequence <= through]
            if not batch:
                break
            summary = summary_of(self._summarise(summary, [entry.as_dict() for entry in batch]))
            done = batch[-1].sequence
        return summary, 0 if summary is None else through

    def _window(self, entries: list[Entry], summary: str | None, through: int, max_tokens: int) -> Window:
        spent = sum(cost_of(entry, self._count) for entry in entries)
        if summary is not None:
            summary = cut(summary, max_tokens - spent, self._count)
            spent += self._count(summary) if summary else 0
        return Window([entry.as_dict() for entry in entries], summary, through, spent)


def _counting(count: CountTokens) -> CountTokens:
    """Refuse what is no number of tokens, whoever counts."""

    def counted(text: str) -> int:
        number: Any = count(text)
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            raise InvalidInput(
                f"count_tokens must return a whole number, not {str(number)[:40]!r}", field="count_tokens"
            )
        return number

    return counted
