"""What the memory asks of the place where it keeps messages: the database, or this process."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from procur.conversations.entries import Entry


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation as it was read: its newest message's number and what is kept in short."""

    last_sequence: int
    summary: str | None
    summary_through: int
    seen: Any  # by which the place recognises the state that was read


class Backend(Protocol):
    """A place where conversations are kept, by the caller's id of them."""

    def add(self, name: str, message: Mapping[str, Any], opening: Mapping[str, Any]) -> None:
        """Store a message; when this returns it is stored."""

    def newest(self, name: str, count: int, *, fresh: bool = False) -> list[Entry]:
        """Return the newest messages in order; `fresh` reads them where they are stored."""

    def before(self, name: str, sequence: int, count: int) -> list[Entry]:
        """Return the last messages before this one, in order."""

    def after(self, name: str, sequence: int, count: int) -> list[Entry]:
        """Return the first messages after this one, in order."""

    def talk(self, name: str) -> Talk | None:
        """Return how the conversation stands, or None."""

    def keep_summary(self, name: str, summary: str, through: int, talk: Talk) -> bool:
        """Store what was said up to this message in short; False when it has changed since `talk`."""

    def clear(self, name: str) -> int:
        """Take all messages back; return how many."""

    def delete(self, name: str) -> bool:
        """Hide the conversation; False when there is none."""

    def cleanup(self, moment: datetime) -> int:
        """Forget the conversations that nobody has used since; return how many."""

    def conversations(self) -> int:
        """Return how many conversations there are."""

    def messages(self, name: str | None) -> int:
        """Return how many messages there are."""

    def cost(self, name: str) -> Decimal:
        """Return what the conversation has cost."""

    def costs(self, since: datetime | None, until: datetime | None, by: str) -> dict[Any, Decimal]:
        """Return what all conversations have cost."""

    def search(self, term: str, name: str | None, limit: int) -> list[tuple[str, Entry]]:
        """Return the messages with these words and the conversations they are in, newest first."""
