"""One reader per process for all who follow: it looks when something was written, and wakes them."""

import asyncio
import threading
from bisect import bisect_right
from uuid import UUID

from procur.core.errors import Conflict, ProcurError, Unavailable
from procur.core.logs import get_logger
from procur.core.metrics import metrics
from procur.db import DatabaseSession
from procur.db.repositories import LiveRepository
from procur.db.wake import Wake
from procur.web.facts import Told, told
from procur.web.followers import Follower, refuse_too_many

KEPT = 1000  # facts of an organisation that stay in memory while somebody follows it
PAGE = 200
_PAUSE = 1.0  # seconds after the database could not be read
# Seconds to wait before each look after a hint: facts get their place a moment after their commit.
_LOOKS = (0.0, 0.01, 0.03, 0.1)


class _Channel:
    """What an organisation's followers share: the latest facts, all of those behind `floor` up to `head`."""

    def __init__(self, head: int) -> None:
        self.floor = self.head = head
        self.followers: set[Follower] = set()
        self._facts: list[Told] = []

    def after(self, position: int) -> list[Told] | None:
        """Return what comes behind a position; None when part of it is in the database only."""
        if position >= self.head:
            return []
        if position < self.floor:
            return None
        start = bisect_right(self._facts, position, key=lambda fact: fact.position)
        return self._facts[start : start + PAGE]

    def add(self, found: list[Told]) -> None:
        """Append what comes right behind the head; forget the oldest beyond what is kept."""
        facts = self._facts + found
        if len(facts) > KEPT:
            self.floor = facts[-KEPT - 1].position
        self._facts, self.head = facts[-KEPT:], found[-1].position

    def skip(self, position: int) -> None:
        """Begin anew behind a position: what is before it is in the database only."""
        self.floor = self.head = position
        self._facts = []


class Hub:
    """Followers of all organisations in this process. A slow one costs no memory: it is a position."""

    def __init__(self, database: DatabaseSession, *, hints: bool = True, every: float = 0.5) -> None:
        """Take the database; without `hints` somebody else in this process listens for them already.

        `every`: seconds after which to look anyway.
        """
        self._database = database
        self._wake = Wake(database, hints=hints)
        self._every = every
        self._lock = threading.Lock()
        self._channels: dict[UUID, _Channel] = {}
        self._wanted = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def closing(self) -> bool:
        """Say whether followers should say good-bye."""
        return self._stopping.is_set()

    def start(self) -> None:
        """Begin to read."""
        self._thread = threading.Thread(target=self._run, name="procur-stream", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Tell all followers that it is over; callable more than once and from any thread."""
        self._stopping.set()
        self._wanted.set()
        self._wake.ring()
        with self._lock:
            followers = [one for channel in self._channels.values() for one in channel.followers]
        for follower in followers:
            follower.close()

    def join(self, timeout: float = 5) -> None:
        """Wait for the reader to end."""
        if self._thread is not None:
            self._thread.join(timeout)

    def check(self) -> None:
        """Raise Unavailable when nobody reads: followers would hear nothing but signs of life."""
        if not self.closing and (self._thread is None or not self._thread.is_alive()):
            raise Unavailable("the event stream's reader does not run")

    async def follower(self, organization: UUID, after: int | None, *, key: UUID | None = None) -> Follower:
        """Return a client that wants what comes behind `after` (None: from now on)."""
        head = await asyncio.to_thread(self._head, organization)
        if after is not None and after > head:
            raise Conflict(
                f"the log ends at {head}",
                field="after",
                hint="was it restored from a backup? start from there",
            )
        return Follower(organization, head if after is None else after, head, key=key)

    def follow(self, follower: Follower) -> None:
        """Add a client; `leave` takes it away again. LimitReached when there are too many."""
        with self._lock:
            # At the log's end: a client that is behind it reads by itself, or all others would wait for it.
            channel = self._channels.get(follower.organization) or _Channel(follower.head)
            refuse_too_many(channel.followers, follower)
            self._channels[follower.organization] = channel
            channel.followers.add(follower)
        self._wanted.set()
        metrics().stream_clients.inc()

    def leave(self, follower: Follower) -> None:
        """Forget a client, and an organisation that nobody follows any more."""
        with self._lock:
            channel = self._channels[follower.organization]
            channel.followers.discard(follower)
            if not channel.followers:
                del self._channels[follower.organization]
        metrics().stream_clients.dec()

    async def facts(self, follower: Follower) -> list[Told]:
        """Return the next facts for a client, an empty list when it has seen all."""
        with self._lock:
            found = self._channels[follower.organization].after(follower.position)
        if found is None:
            found = await asyncio.to_thread(self._read, follower.organization, follower.position)
        return found

    # -- in threads ------------------------------------------------------------------------------------------

    def _head(self, organization: UUID) -> int:
        with self._database.get_session(organization, read_only=True) as session:
            return LiveRepository(session).heads([organization]).get(organization, 0)

    def _read(self, organization: UUID, position: int) -> list[Told]:
        with self._database.get_session(organization, read_only=True) as session:
            return [told(record) for record in LiveRepository(session).after(position, PAGE)]

    def _run(self) -> None:
        self._wake.start()
        seen = self._wake.seen()
        while not self._stopping.is_set():
            self._wanted.wait()
            try:
                self._look_out()
            except Exception as error:  # noqa: BLE001 - whatever it is, all who follow depend on this thread
                _complain(error)
                self._stopping.wait(_PAUSE)
            seen = self._wake.wait(seen, self._every)
        self._wake.stop()

    def _look_out(self) -> None:
        """Look until there is news, a few times."""
        for pause in _LOOKS:
            if self._stopping.wait(pause) or self._look():
                return

    def _look(self) -> bool:
        """Read what is new and hand it on; say whether there was anything."""
        with self._lock:
            known = {key: channel.head for key, channel in self._channels.items()}
            if not known and not self._stopping.is_set():
                self._wanted.clear()
        if not known:
            return True
        with self._database.system_session(read_only=True) as session:
            heads = LiveRepository(session).heads(known)
        news = {key: head for key, head in heads.items() if head > known[key]}
        for organization, head in news.items():
            # What would not be kept is not read: who lacks it reads by itself.
            position = self._skip(organization, known[organization], head - KEPT)
            while position < head:
                found = self._read(organization, position)
                if not found or not self._add(organization, position, found):
                    break
                position = found[-1].position
        return bool(news)

    def _skip(self, organization: UUID, behind: int, to: int) -> int:
        """Leave out what comes before a position, if anything; return where to read on."""
        if to <= behind:
            return behind
        with self._lock:
            channel = self._channels.get(organization)
            if channel is not None and channel.head == behind:
                channel.skip(to)
        return to

    def _add(self, organization: UUID, behind: int, found: list[Told]) -> bool:
        """Append facts to what is in memory and wake who waits; False when nobody is there any more."""
        with self._lock:
            channel = self._channels.get(organization)
            if channel is None or channel.head != behind:  # all left, and others came, in between
                return False
            channel.add(found)
            followers = list(channel.followers)
        for follower in followers:
            follower.wake()
        return True


def _complain(error: Exception) -> None:
    logger = get_logger("procur.web")
    if isinstance(error, ProcurError):
        logger.warning("event stream cannot read", error=error.message)
    else:
        logger.error("event stream failed", error=str(error), exc_info=error)
