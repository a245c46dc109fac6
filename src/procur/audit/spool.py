"""Where events wait while the database is away, and how they get there exactly once."""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path

from procur.audit.lines import Event, LineFile, line_of, lines_from, parsed, sync_folder
from procur.core.errors import ProcurError, Unavailable
from procur.core.ids import uuid7

Store = Callable[[list[Event]], int]  # stores events of one organisation and returns how many are new
_BATCH = 25  # events per transaction


@dataclass(slots=True)
class Replayed:
    """How many events a replay moved into the database, found there, set aside, and could not read."""

    moved: int = 0
    known: int = 0
    rejected: int = 0
    torn: int = 0
    stopped_by: str | None = None

    @property
    def handled(self) -> int:
        """Return how many lines the replay has done with."""
        return self.moved + self.known + self.rejected + self.torn


@dataclass(slots=True)
class Spool:
    """A folder of waiting events.

    `waiting.jsonl` takes new ones. A replay renames it to `taken-….jsonl`, stores what is in it, and removes
    it when all is committed. How far it came stands in `taken-….done`, so that the next process goes on from
    there. What a crash lets it store again is written once, because an event's id is the row's key.
    `rejected.jsonl` holds what the database will not take.
    """

    folder: Path

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
        return sum(1 for path in paths for _ in lines_from(path, _progress(path)))

    def count_rejected(self) -> int:
        """Return how many events the database would not take."""
        return sum(1 for _ in lines_from(self._rejected))

    def replay(self, store: Store, *, most: int | None = None, rejected: bool = False) -> Replayed:
        """Store waiting events, oldest first, until none is left, `most` are, or the database goes away.

        Nothing happens while another process replays. With `rejected` the set aside ones get another try.
        """
        result = Replayed()
        refused = LineFile(self._rejected)
        try:
            if self.is_empty() and not (rejected and self._rejected.exists()):
                return result
            with self._locked("replay.lock", wait=False) as mine:
                if mine:
                    self._replay(store, result, refused, most=most, rejected=rejected)
        except OSError as failure:
            result.stopped_by = f"the spool cannot be used: {failure.strerror or failure}"
        finally:
            refused.close()
        return result

    def _replay(
        self, store: Store, result: Replayed, refused: LineFile, *, most: int | None, rejected: bool
    ) -> None:
        if rejected:
            self._take(self._rejected)
        while result.stopped_by is None and (most is None or result.handled < most):
            taken = self._next()
            if taken is None:
                break
            self._store_file(taken, store, result, refused, most)

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

    def _store_file(
        self, taken: Path, store: Store, result: Replayed, refused: LineFile, most: int | None
    ) -> None:
        """Store a file's events in batches; remove the file when all of them are in the database."""
        lines = lines_from(taken, _progress(taken))
        while batch := list(islice(lines, _BATCH)):
            events = [_unwrapped(parsed(line)) for line, _ in batch]
            whole = [event for event in events if event is not None]
            groups = [list(group) for _, group in groupby(whole, _owner_of)]
            if not all(_store_batch(group, store, result, refused) for group in groups):
                return
            result.torn += len(events) - len(whole)
            _remember(taken, batch[-1][1])
            if most is not None and result.handled >= most:
                break
        if not any(True for _ in lines):
            taken.unlink()
            _done(taken).unlink(missing_ok=True)

    @contextlib.contextmanager
    def _locked(self, name: str, *, wait: bool = True) -> Iterator[bool]:
        """Hold a lock between threads and processes, and say so; it falls with the process that holds it."""
        descriptor = os.open(self.folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                held = False
            else:
                held = True
            yield held
        finally:
            os.close(descriptor)


def _owner_of(event: Event) -> tuple[object, object]:
    return event.get("organization"), event.get("organization_id")


def _store_batch(events: list[Event], store: Store, result: Replayed, refused: LineFile) -> bool:
    """Store the events together, or one by one when one is refused; False: the database is away."""
    try:
        new = store(events)
    except Unavailable as failure:
        result.stopped_by = failure.message
    except ProcurError as refusal:
        if len(events) > 1:
            return all(_store_batch([event], store, result, refused) for event in events)
        refused.append(line_of({"reason": refusal.message, "event": events[0]}))
        result.rejected += 1
    except Exception as failure:  # noqa: BLE001 - whatever goes wrong there, the events wait
        result.stopped_by = str(failure)
    else:
        result.moved += new
        result.known += len(events) - new
    return result.stopped_by is None


def _holds_events(path: Path) -> bool:
    return path.name == "waiting.jsonl" or (path.name.startswith("taken-") and path.suffix == ".jsonl")


def _done(taken: Path) -> Path:
    return taken.with_suffix(".done")


def _progress(path: Path) -> int:
    """Return the position up to which a file's events are in the database."""
    try:
        return int(_done(path).read_text("ascii"))
    except (FileNotFoundError, ValueError):
        return 0


def _remember(taken: Path, position: int) -> None:
    """Note the progress. Not waiting for the disk is enough: what is stored twice is written once."""
    fresh = taken.with_suffix(".next")
    with contextlib.suppress(OSError):  # a full disk must not keep events from leaving it
        fresh.write_text(str(position), "ascii")
        fresh.replace(_done(taken))


def _unwrapped(event: Event | None) -> Event | None:
    """Return the event inside a line of the rejected ones."""
    inner = None if event is None else event.get("event")
    return inner if isinstance(inner, dict) else event
