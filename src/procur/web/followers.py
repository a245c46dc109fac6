"""Clients of the stream as the hub knows them, and how many there may be."""

import asyncio
from contextlib import suppress
from uuid import UUID

from procur.core.errors import LimitReached

# Streams at once in this process: of one key, of one organisation. A program that forgets to close them
# takes the places of nobody else.
MOST_OF_KEY = 50
MOST_OF_ORGANIZATION = 500


class Follower:
    """One client: how far it has been told, and what wakes it in its event loop."""

    def __init__(self, organization: UUID, position: int, head: int, *, key: UUID | None = None) -> None:
        """Begin behind `position` in a log that ends at `head`; `key` is what it came in by."""
        self.organization, self.key = organization, key
        self.position, self.head = position, head
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self.closing = asyncio.Event()

    def wake(self) -> None:
        """Let the client look again; called from the reader's thread."""
        self._set(self._news)

    def close(self) -> None:
        """Tell the client that it is over; called from any thread."""
        self._set(self.closing)
        self._set(self._news)

    def _set(self, event: asyncio.Event) -> None:
        with suppress(RuntimeError):  # its event loop has ended, and with it whoever waited
            self._loop.call_soon_threadsafe(event.set)

    async def news(self, timeout: float) -> bool:  # noqa: ASYNC109 - the end of the wait is an answer
        """Wait until there may be news; False when there were none for so many seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._news.wait()
        except TimeoutError:
            return False
        self._news.clear()
        return True


def refuse_too_many(followers: set[Follower], new: Follower) -> None:
    """Raise LimitReached when one more of an organisation's followers would be too many."""
    of_key = sum(one.key == new.key for one in followers)
    if of_key < MOST_OF_KEY and len(followers) < MOST_OF_ORGANIZATION:
        return
    whose, most = ("key", MOST_OF_KEY) if of_key >= MOST_OF_KEY else ("organisation", MOST_OF_ORGANIZATION)
    raise LimitReached(
        f"{most} streams of this {whose} are open already",
        hint="close those that nobody reads; one stream can serve many windows",
        details={"meter": "event streams", "used": most, "limit": most},
    )
