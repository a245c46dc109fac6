"""What a key has signed last, in a small file beside the key: the database cannot make it forget."""

import base64
import json
import os
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from procur.audit.lines import sync_folder
from procur.audit.merkle import HASH
from procur.audit.notes import Verifier
from procur.core.errors import Conflict, InvalidInput, Unavailable


@dataclass(frozen=True, slots=True)
class Signed:
    """Size and Merkle root of the last signed checkpoint, and the keys that were in use before this one."""

    size: int
    root: bytes
    earlier: tuple[Verifier, ...] = ()


def signed_path(key: Path, organization: UUID) -> Path:
    """Return the file beside a key for one organisation's trail."""
    return key.with_name(f"{key.name}.{organization}.signed")


def read_signed(path: Path) -> Signed | None:
    """Return what was signed last, None where nothing was; Conflict where the file does not say."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        found = Signed(
            told["size"], base64.b64decode(told["root"]), tuple(map(Verifier.read, told["earlier_keys"]))
        )
        if type(found.size) is not int or found.size < 0 or len(found.root) != HASH:
            raise ValueError("no size and root")  # noqa: TRY301 - one answer to every flaw
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}") from error
    except (InvalidInput, KeyError, TypeError, ValueError, AttributeError) as error:
        raise Conflict(
            f"{path} does not say what was signed last", hint="restore it from where the key is kept"
        ) from error
    return found


def keep_signed(path: Path, signed: Signed) -> None:
    """Write what was signed, for its owner only; whole or not at all."""
    told = {
        "size": signed.size,
        "root": base64.b64encode(signed.root).decode(),
        "earlier_keys": [str(key) for key in signed.earlier],
    }
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(json.dumps(told) + "\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error.strerror}") from error
