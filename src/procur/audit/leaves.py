"""What is hashed of an entry: one canonical spelling, the same from both databases.

An entry comes as `procur.db.repositories.audit_rows` spells it: text or None, documents as JSON text.
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from hashlib import sha256
from typing import Any

from procur.audit.merkle import leaf_hash
from procur.db.repositories.audit_rows import Bent

DOCUMENTS = ("event_data", "changes")
GENESIS = bytes(32)  # the chain hash before the first entry


def leaf_of(entry: Mapping[str, Any]) -> bytes:
    """Return the leaf hash of an entry, its organisation and key included."""
    return leaf_hash(canonical(entry))


def canonical(entry: Mapping[str, Any]) -> bytes:
    """Return the entry as UTF-8 JSON: keys sorted, no spaces, numbers by value, documents inside."""
    plain = {name: (_document if name in DOCUMENTS else _column)(value) for name, value in entry.items()}
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


def chained(before: bytes, leaf: bytes) -> bytes:
    """Return the chain hash after one more leaf."""
    return sha256(before + leaf).digest()


def _column(value: Any) -> Any:
    if isinstance(value, Bent):
        return f"#!{value}"
    return _text(value) if isinstance(value, str) else value


def _document(value: Any) -> Any:
    """Return a document with its numbers spelled by value: JSONB gives 1e22 back as an integer."""
    if isinstance(value, Bent) or not isinstance(value, str):
        return f"#!{value}"
    try:
        return _plain(
            json.loads(
                value,
                parse_float=Decimal,
                parse_int=Decimal,
                parse_constant=_constant,
                object_pairs_hook=_object,
            )
        )
    except (ValueError, ArithmeticError, RecursionError):
        return f"#!{value}"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {_text(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        return f"#{_number(value)}"
    return _text(value) if isinstance(value, str) else value


def _text(value: str) -> str:
    """Keep a text from reading like a number (#1) or like something bent (#!)."""
    return f"#{value}" if value.startswith("#") else value


def _number(value: Decimal) -> str:
    """Return digits and exponent without trailing zeros, however many digits there are; no minus zero."""
    sign, digits, exponent = value.as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    kept = text.rstrip("0")
    if not kept:
        return "0"
    return f"{'-' if sign else ''}{kept}E{int(exponent) + len(text) - len(kept)}"
