"""Where documents lie: written whole or not at all, never replaced by other content, checked when read."""

import errno
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from procur.core.errors import NotFound, Unavailable
from procur.documents.naming import digest_of, names_for, safe_name, taken, unchanged

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

    def location(self, path: str) -> str:
        """Return where a person finds the document: a path, or an address such as s3://…."""


class LocalStore:
    """Keeps documents in one folder of this machine."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)

    def put(self, name: str, data: bytes) -> StoredDocument:
        """Write atomically; equal content is one file, other content becomes name-<hash>.<suffix>."""
        digest = digest_of(data)
        for candidate in names_for(name, digest):
            if self._place(candidate, data):
                return StoredDocument(candidate, digest, len(data))
        raise taken(name)

    def get(self, path: str, *, sha256: str | None = None) -> bytes:
        """Return the content; Conflict if it is not what `sha256` says."""
        place = self.root / safe_name(path)
        try:
            data = place.read_bytes()
        except FileNotFoundError as error:
            raise NotFound(f"No document {path}", field="path") from error
        except OSError as error:
            raise Unavailable(f"The document {path} cannot be read: {error.strerror}") from error
        return unchanged(path, data, sha256)

    def location(self, path: str) -> str:
        """Return the file's path."""
        return str(self.root / path)

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
