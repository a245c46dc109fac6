"""The newest messages of the conversations used last, with the revision that they belong to."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from procur.conversations.entries import Entry


@dataclass(frozen=True, slots=True)
class Held:
    """What the cache holds of a conversation, and of which state of it."""

    key: UUID
    revision: int
    entries: tuple[Entry, ...]
    whole: bool  # nothing stands before these entries

    def newest(self, count: int) -> tuple[Entry, ...] | None:
        """Return the newest `count` entries; None when the cache does not hold that many of them."""
        if count > len(self.entries) and not self.whole:
            return None
        return self.entries[-count:]


class WindowCache:
    """At most `size` conversations, of each at most `window` messages. Safe under threads."""

    def __init__(self, *, size: int, window: int) -> None:
        self._size = size
        self._window = window
        self._lock = threading.Lock()
        self._held: OrderedDict[str, Held] = OrderedDict()

    def get(self, name: str) -> Held | None:
        """Return what is held of a conversation, which is used last by this."""
        with self._lock:
            held = self._held.get(name)
            if held is not None:
                self._held.move_to_end(name)
            return held

    def put(self, name: str, key: UUID, revision: int, entries: Sequence[Entry], *, whole: bool) -> None:
        """Hold the newest of these entries, unless a newer state is held already."""
        kept = tuple(entries[-self._window :])
        with self._lock:
            held = self._held.get(name)
            if held is not None and held.key == key and held.revision > revision:
                return
            self._held[name] = Held(key, revision, kept, whole and len(kept) == len(entries))
            self._held.move_to_end(name)
            while len(self._held) > self._size:
                self._held.popitem(last=False)

    def extend(self, name: str, key: UUID, revision: int, entry: Entry) -> None:
        """Add the newest message, which led to this revision; forget what is held if others were faster."""
        with self._lock:
            held = self._held.get(name)
        if held is not None and held.key == key and held.revision >= revision:
            return
        follows = held is not None and (held.key, held.revision) == (key, revision - 1)
        if held is not None and follows and (not held.entries or held.entries[-1].sequence < entry.sequence):
            self.put(name, key, revision, [*held.entries, entry], whole=held.whole)
        elif entry.sequence == revision == 1:
            self.put(name, key, revision, [entry], whole=True)
        else:
            self.drop(name)

    def drop(self, name: str) -> None:
        """Forget a conversation."""
        with self._lock:
            self._held.pop(name, None)

    def drop_older(self, moment: datetime) -> int:
        """Forget the conversations whose newest message is older; return how many."""
        with self._lock:
            old = [
                name
                for name, held in self._held.items()
                if not held.entries or held.entries[-1].timestamp < moment
            ]
            for name in old:
                del self._held[name]
            return len(old)
