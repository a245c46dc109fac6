"""Where events wait while the database is away, and how they get there exactly once."""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from procur.audit.lines import Event, LineFile, line_of, lines_from, parsed, sync_folder
from procur.core.errors import ProcurError, Unavailable
from procur.core.ids import uuid7

Store = Callable[[list[Event]], None]
_BATCH = 25  # events per transaction


@dataclass(slots=True)
class Replayed:
    """How many events a replay moved into the database, set aside, and could not read."""

    moved: int = 0
    rejected: int = 0
    torn: int = 0
    stopped_by: str | None = None


@dataclass(slots=True)
class Spool:
    """A folder of waiting events.

    `waiting.jsonl` takes new ones. A replay renames it to `taken-….jsonl`, stores what is in it, and removes
    it when all is committed. After a crash the whole file is stored again: storing an event twice writes it
    once, because its id is the row's key. `rejected.jsonl` holds what the database will not take.
    """

    folder: Path
    _done: dict[str, int] = field(default_factory=dict)

    @property
    def _waiting(self) -> Path:
        return self.folder / "waiting.jsonl"

    @property
    def _rejected(self) -> Path:
        return self.folder / "rejected.jsonl"

    def add(self, line: bytes) -> None:
        """Put an event into the spool; it is on the disk when this returns."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._locked("add.lock"):
            file = LineFile(self._waiting)
            try:
                file.append(line)
            finally:
                file.close()

    def is_empty(self) -> bool:
        """Say whether no event waits."""
        try:
            return not any(_holds_events(path) for path in self.folder.iterdir())
        except FileNotFoundError:
            return True

    def count(self) -> int:
        """Return how many events wait."""
        paths = (
            [path for path in self.folder.iterdir() if _holds_events(path)] if self.folder.exists() else []
        )
        return sum(1 for path in paths for _ in lines_from(path, self._done.get(path.name, 0)))

    def count_rejected(self) -> int:
        """Return how many events the database would not take."""
        return sum(1 for _ in lines_from(self._rejected))

    def replay(self, store: Store, *, most: int | None = None, rejected: bool = False) -> Replayed:
        """Store waiting events, oldest first, until none is left, `most` are, or the database goes away.

        Nothing happens while another process replays. With `rejected` the set aside ones get another try.
        """
        result = Replayed()
        if self.is_empty() and not (rejected and self._rejected.exists()):
            return result
        with contextlib.suppress(BlockingIOError), self._locked("replay.lock", wait=False):
            if rejected:
                self._take(self._rejected)
            while most is None or result.moved + result.rejected < most:
                taken = self._next()
                if taken is None:
                    break
                self._store_file(taken, store, result, most)
                if result.stopped_by is not None:
                    break
        return result

    def _next(self) -> Path | None:
        """Return the oldest file that is being replayed, else what waits, else None."""
        for _ in range(2):
            taken = sorted(self.folder.glob("taken-*.jsonl"))
            if taken:
                return taken[0]
            self._take(self._waiting)
        return None

    def _take(self, path: Path) -> None:
        with self._locked("add.lock"), contextlib.suppress(FileNotFoundError):
            path.rename(self.folder / f"taken-{uuid7()}.jsonl")
            sync_folder(self.folder)

    def _store_file(self, taken: Path, store: Store, result: Replayed, most: int | None) -> None:
        """Store a file's events in batches; remove the file when all of them are in the database."""
        lines = lines_from(taken, self._done.get(taken.name, 0))
        while batch := list(islice(lines, _BATCH)):
            events = [_unwrapped(parsed(line)) for line, _ in batch]
            whole = [event for event in events if event is not None]
            if not self._store_batch(whole, store, result):
                return
            result.torn += len(events) - len(whole)
            self._done[taken.name] = batch[-1][1]
            if most is not None and result.moved + result.rejected >= most:
                break
        if not any(True for _ in lines):
            taken.unlink()
            self._done.pop(taken.name, None)

    def _store_batch(self, events: list[Event], store: Store, result: Replayed) -> bool:
        """Store the events together, or one by one when one is refused; False: the database is away."""
        try:
            store(events)
        except Unavailable as failure:
            result.stopped_by = failure.message
        except ProcurError:
            return all(self._store_one(event, store, result) for event in events)
        except Exception as failure:  # noqa: BLE001 - whatever goes wrong there, the events wait
            result.stopped_by = str(failure)
        else:
            result.moved += len(events)
        return result.stopped_by is None

    def _store_one(self, event: Event, store: Store, result: Replayed) -> bool:
        try:
            store([event])
        except Unavailable as failure:
            result.stopped_by = failure.message
            return False
        except ProcurError as refusal:
            LineFile(self._rejected).append(line_of({"reason": refusal.message, "event": event}))
            result.rejected += 1
        else:
            result.moved += 1
        return True

    @contextlib.contextmanager
    def _locked(self, name: str, *, wait: bool = True) -> Iterator[None]:
        """Hold a lock between threads and processes; it falls with the process that holds it."""
        descriptor = os.open(self.folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            yield
        finally:
            os.close(descriptor)


def _holds_events(path: Path) -> bool:
    return path.name == "waiting.jsonl" or path.name.startswith("taken-")


def _unwrapped(event: Event | None) -> Event | None:
    """Return the event inside a line of the rejected ones."""
    inner = None if event is None else event.get("event")
    return inner if isinstance(inner, dict) else event
