"""Files of one JSON object per line, to which several threads and processes append at once."""

import errno
import fcntl
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Event = dict[str, Any]
_BLOCK = 1 << 16
_MODE = 0o600  # what happened is nobody's business but the owner's


class LineFile:
    """Appends lines to one file. A line is on the disk when `append` returns, or was not written at all.

    A crash in the middle of a line leaves a torn one; the next line starts on a line of its own.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._thread = threading.Lock()
        self._descriptor: int | None = None
        self._process = 0

    def append(self, line: bytes) -> None:
        """Write one line (with its newline) and wait for the disk; OSError when that is impossible."""
        with self._thread:
            descriptor = self._opened()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            try:
                _write_whole(descriptor, line)
            finally:
                fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.fsync(descriptor)

    def close(self) -> None:
        """Close the file; the next `append` opens it again."""
        with self._thread:
            self._let_go()

    def _opened(self) -> int:
        """Return the open file; a forked process, or one whose file was removed, opens its own."""
        if self._descriptor is not None and (
            self._process != os.getpid() or os.fstat(self._descriptor).st_nlink == 0
        ):
            self._let_go()
        if self._descriptor is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _MODE)
            self._process = os.getpid()
            sync_folder(self.path.parent)
        return self._descriptor

    def _let_go(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def _write_whole(descriptor: int, line: bytes) -> None:
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        line = b"\n" + line
    try:
        if os.write(descriptor, line) == len(line):
            return
    except OSError:
        os.ftruncate(descriptor, size)
        raise
    os.ftruncate(descriptor, size)  # half a line helps nobody
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def sync_folder(folder: Path) -> None:
    """Make the folder's list of files survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def line_of(event: Event) -> bytes:
    """Return the event as one line."""
    return json.dumps(event, separators=(",", ":")).encode("ascii") + b"\n"


def parsed(line: bytes) -> Event | None:
    """Return the event that a line holds; None for a torn line."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def lines_from(path: Path, start: int = 0) -> Iterator[tuple[bytes, int]]:
    """Yield each line with the position after it; none when there is no such file."""
    try:
        handle = path.open("rb")
    except FileNotFoundError:
        return
    with handle:
        handle.seek(start)
        for line in handle:
            start += len(line)
            if line.strip():
                yield line, start


def newest_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file from the last to the first, reading no more than is asked for."""
    try:
        handle = path.open("rb")
    except FileNotFoundError:
        return
    with handle:
        position = handle.seek(0, os.SEEK_END)
        parts: list[bytes] = []
        while position:
            size = min(_BLOCK, position)
            position -= size
            handle.seek(position)
            head, *rest = handle.read(size).split(b"\n")
            if rest:
                yield from _worth(b"".join([rest[-1], *reversed(parts)]), *reversed(rest[:-1]))
                parts = [head]
            else:
                parts.append(head)
        yield from _worth(b"".join(reversed(parts)))


def _worth(*lines: bytes) -> Iterator[bytes]:
    return (line for line in lines if line.strip())
