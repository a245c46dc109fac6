"""Where documents lie: written whole or not at all, never replaced by other content, checked when read."""

import errno
import os
import re
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Protocol

from procur.core.errors import Conflict, InvalidInput, NotFound, Unavailable

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_HASH_SHOWN = 12
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """Where a document lies in its store, and what identifies its content."""

    path: str
    sha256: str
    size: int


class DocumentStore(Protocol):
    """What every store offers; `path` is relative to the store and means nothing outside it."""

    def put(self, name: str, data: bytes) -> StoredDocument:
        """Keep the content; other content under the same name gets a name of its own."""

    def get(self, path: str, *, sha256: str | None = None) -> bytes:
        """Return the content; with `sha256`, only if it is unchanged."""


class LocalStore:
    """Keeps documents in one folder of this machine."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)

    def put(self, name: str, data: bytes) -> StoredDocument:
        """Write atomically; equal content is one file, other content becomes name-<hash>.<suffix>."""
        digest = sha256(data).hexdigest()
        plain = self._safe(name)
        parts = PurePosixPath(plain)
        for candidate in (plain, f"{parts.stem}-{digest[:_HASH_SHOWN]}{parts.suffix}"):
            if self._place(candidate, data):
                return StoredDocument(candidate, digest, len(data))
        raise Conflict(f"{name} exists with other content under the same hash name", field="name")

    def get(self, path: str, *, sha256: str | None = None) -> bytes:
        """Return the content; Conflict if it is not what `sha256` says."""
        place = self.root / self._safe(path)
        try:
            data = place.read_bytes()
        except FileNotFoundError as error:
            raise NotFound(f"No document {path}", field="path") from error
        except OSError as error:
            raise Unavailable(f"The document {path} cannot be read: {error.strerror}") from error
        if sha256 is not None and _digest(data) != sha256.lower():
            raise Conflict(
                f"The document {path} was changed after it was stored",
                field="path",
                hint="Restore it from a backup; its recorded hash is in the details",
                details={"expected": sha256, "found": _digest(data)},
            )
        return data

    def _place(self, name: str, data: bytes) -> bool:
        """Put the content under this name; False if the name is taken by other content."""
        target = self.root / name
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self.root, prefix=".", suffix=".part")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                try:
                    self._link(temporary, target)
                except FileExistsError:
                    return target.read_bytes() == data
                self._sync_folder()
            finally:
                Path(temporary).unlink(missing_ok=True)
        except OSError as error:
            raise Unavailable(f"The document {name} cannot be stored: {error.strerror}") from error
        return True

    @staticmethod
    def _link(temporary: str, target: Path) -> None:
        """Give the written file its name, which must be free.

        A link fails where a rename would silently replace what another writer has just put there. File
        systems without links get the rename, after a look.
        """
        try:
            os.link(temporary, target)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if target.exists():
                raise FileExistsError(errno.EEXIST, "exists", str(target)) from error
            os.rename(temporary, target)  # noqa: PTH104 - beside os.link

    def _sync_folder(self) -> None:
        """Make the new name survive a power cut."""
        folder = os.open(self.root, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @staticmethod
    def _safe(name: str) -> str:
        if not _NAME.fullmatch(name) or ".." in name:
            raise InvalidInput(
                f"{name[:60]!r} is not a document name",
                field="name",
                hint="Use letters, digits, dots, dashes and underscores, without folders",
            )
        return name


def _digest(data: bytes) -> str:
    return sha256(data).hexdigest()
