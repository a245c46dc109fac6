"""Keys: UUIDv7, time-ordered and made in Python, so that an id is known before the row is written."""

import secrets
import time
import uuid
from collections.abc import Callable
from random import Random

IdSource = Callable[[], uuid.UUID]

_VERSION_7 = 0x7 << 76
_VARIANT = 0b10 << 62


def uuid7(unix_ms: int | None = None, random_bits: int | None = None) -> uuid.UUID:
    """Return a UUIDv7 (RFC 9562 section 5.7): 48 bits of milliseconds, 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000 if unix_ms is None else unix_ms
    bits = secrets.randbits(74) if random_bits is None else random_bits
    rand_a, rand_b = bits >> 62, bits & ((1 << 62) - 1)
    return uuid.UUID(
        int=(milliseconds & ((1 << 48) - 1)) << 80 | _VERSION_7 | rand_a << 64 | _VARIANT | rand_b
    )


def seeded_ids(seed: int, start_ms: int) -> IdSource:
    """Return a source of UUIDv7 that gives the same ids for the same seed (demo and replay only)."""
    random = Random(f"ids:{seed}")  # noqa: S311 - repeatable on purpose; real keys come from uuid7()
    next_ms = iter(range(start_ms, start_ms + (1 << 40)))
    return lambda: uuid7(next(next_ms), random.getrandbits(74))
