"""What all stores share: which names a document may have, and the look whether it is still the same."""

import re
from hashlib import sha256
from pathlib import PurePosixPath

from procur.core.errors import Conflict, InvalidInput

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_LONGEST = 200
_HASH_SHOWN = 12


def digest_of(data: bytes) -> str:
    """Return the SHA-256 of the content, in lower-case hex."""
    return sha256(data).hexdigest()


def safe_name(name: str) -> str:
    """Return the name, which stays inside the store; InvalidInput for any other."""
    if not _NAME.fullmatch(name) or ".." in name:
        raise InvalidInput(
            f"{name[:60]!r} is not a document name",
            field="name",
            hint="Use letters, digits, dots, dashes and underscores, without folders",
        )
    return name


def names_for(name: str, digest: str) -> tuple[str, str]:
    """Return the name, and the one for content that finds it taken: name-<hash>.<suffix>."""
    plain = safe_name(name)
    parts = PurePosixPath(plain)
    end = f"-{digest[:_HASH_SHOWN]}{parts.suffix}"
    return plain, parts.stem[: max(1, _LONGEST - len(end))] + end


def taken(name: str) -> Conflict:
    """Return the error for a name whose hash name is taken by other content too."""
    return Conflict(f"{name} exists with other content under the same hash name", field="name")


def unchanged(path: str, data: bytes, sha256: str | None) -> bytes:
    """Return the content; Conflict if it is not what the recorded hash says."""
    if sha256 is not None and digest_of(data) != sha256.lower():
        raise Conflict(
            f"The document {path} was changed after it was stored",
            field="path",
            hint="Restore it from a backup; its recorded hash is in the details",
            details={"expected": sha256, "found": digest_of(data)},
        )
    return data
