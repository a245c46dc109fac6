"""Signed notes (c2sp.org/signed-note) with Ed25519: a text, an empty line, one line per signature.

Needs the package `cryptography` only where something is signed or a signature is checked.
"""

import base64
import binascii
import os
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from procur.core.errors import Conflict, InvalidInput, NotConfigured, NotFound, Unavailable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_ED25519 = b"\x01"
_ID, _KEY, _SIGNATURE = 4, 32, 64
_LINE = re.compile(r"— (\S+) (\S+)")
_NAME = re.compile(r"[^\s+]+")


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key with the name it signs under; written as name+id+key."""

    name: str
    public_key: bytes

    @classmethod
    def read(cls, text: str) -> "Verifier":
        """Read a verifier key as `str()` writes it."""
        name, _, rest = text.strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        try:
            key = base64.b64decode(encoded, validate=True)
            if key[:1] != _ED25519 or len(key) != 1 + _KEY:
                raise ValueError("not Ed25519")  # noqa: TRY301 - one answer to every flaw
            found = cls(name, key[1:])
            if not _NAME.fullmatch(name) or bytes.fromhex(key_id) != found.id:
                raise ValueError("another key id")  # noqa: TRY301 - the same
        except ValueError as error:
            raise InvalidInput(
                "this is no verifier key", field="key", hint="procur audit keygen shows it: name+id+key"
            ) from error
        return found

    @property
    def id(self) -> bytes:
        """The first bytes of a hash over name and key, by which a signature names its key."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public_key).digest()[:_ID]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(_ED25519 + self.public_key).decode()}"

    def verifies(self, signature: bytes, text: str) -> bool:
        """Say whether the signature is this key's over the text."""
        ed25519, wrong = _cryptography()
        try:
            ed25519.Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, text.encode())
        except (wrong, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key with the name it signs under. It lives in a file, never in the database."""

    name: str
    key: "Ed25519PrivateKey"

    @property
    def verifier(self) -> Verifier:
        """The public half."""
        return Verifier(self.name, self.key.public_key().public_bytes_raw())

    def sign(self, text: str) -> str:
        """Return the note: the text (which ends in a newline) and its signature."""
        signature = base64.b64encode(self.verifier.id + self.key.sign(text.encode())).decode()
        return f"{text}\n— {self.name} {signature}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A note that was read: its text and what its signature lines say."""

    text: str
    signatures: tuple[tuple[str, bytes], ...]

    @property
    def key_ids(self) -> list[str]:
        """The ids of the keys that its signature lines name, in hexadecimal."""
        return [rest[:_ID].hex() for _, rest in self.signatures]

    def signed_by(self, verifier: Verifier) -> bool | None:
        """Say whether the key signed the text; None where it says nothing about it."""
        ours = [rest for name, rest in self.signatures if (name, rest[:_ID]) == (verifier.name, verifier.id)]
        return all(verifier.verifies(rest[_ID:], self.text) for rest in ours) if ours else None


def read_note(note: str) -> Note:
    """Read a note; InvalidInput where it is none."""
    text, empty, lines = note.rpartition("\n\n")
    found = [_LINE.fullmatch(line) for line in lines.removesuffix("\n").split("\n")]
    try:
        if not empty or not lines.endswith("\n") or any(ord(sign) < 32 and sign != "\n" for sign in note):  # noqa: PLR2004
            raise ValueError("no note")  # noqa: TRY301 - one answer to every flaw
        signatures = tuple((match[1], base64.b64decode(match[2], validate=True)) for match in found if match)
        if len(signatures) < len(found):
            raise ValueError("no signature line")  # noqa: TRY301 - the same
    except (ValueError, binascii.Error) as error:
        raise InvalidInput("this is no signed note", field="checkpoint") from error
    return Note(text + "\n", signatures)


def split_notes(content: str) -> list[str]:
    """Return the notes of a file that holds one after the other; each ends with its signature lines."""
    notes: list[list[str]] = [[]]
    for line in content.replace("\r\n", "\n").splitlines(keepends=True):
        if notes[-1] and notes[-1][-1].startswith("— ") and not line.startswith("— "):
            notes.append([])
        notes[-1].append(line)
    found = ("".join(lines).strip("\n") for lines in notes)
    return [f"{note}\n" for note in found if note]


def make_key(path: Path) -> None:
    """Write a new private key that only its owner may read; Conflict where there is a file already."""
    ed25519, _ = _cryptography()
    from cryptography.hazmat.primitives import serialization

    content = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise Conflict(f"there is a key at {path} already", hint="it stays; name another file") from error
    except OSError as error:
        raise Unavailable(f"no key can be written to {path}: {error.strerror}") from error
    with os.fdopen(handle, "wb") as file:
        file.write(content)


def read_key(path: Path, name: str) -> Signer:
    """Return the private key of a file, to sign under this name."""
    ed25519, _ = _cryptography()
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError as error:
        raise NotFound(f"there is no key at {path}", hint="procur audit keygen makes one") from error
    except OSError as error:
        raise Unavailable(f"the key at {path} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise InvalidInput(f"{path} holds no private key without a password", field="key") from error
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise InvalidInput(f"{path} holds another kind of key, not Ed25519", field="key")
    return Signer(name, key)


def _cryptography() -> tuple[Any, type[Exception]]:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError as error:
        raise NotConfigured("signatures need cryptography", hint="pip install 'procur[audit]'") from error
    return ed25519, InvalidSignature
