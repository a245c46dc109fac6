"""Signatures of webhooks: HMAC-SHA256 over "timestamp.body". `verify` is for those who receive them."""

import hashlib
import hmac
import time
from collections.abc import Iterable, Mapping

from procur.core.errors import NotAllowed

EVENT_ID = "Procur-Event-Id"
TIMESTAMP = "Procur-Timestamp"
SIGNATURE = "Procur-Signature"
TOLERANCE = 300  # seconds
_VERSION = "v1="


class BadSignature(NotAllowed):
    """The request does not come from who knows the key, was changed, or is too old."""

    code = "bad_signature"


def sign(keys: Iterable[str], *, timestamp: int, body: bytes) -> str:
    """Return the signature header: one "v1=…" per key, separated by commas."""
    return ",".join(_VERSION + _digest(key, timestamp, body) for key in keys)


def verify(
    key: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    tolerance: float = TOLERANCE,
    now: float | None = None,
) -> str:
    """Return the event's id if the request was signed with `key` within `tolerance` seconds.

    `headers` are the request's, whatever their case; `body` is exactly what came, before any parsing;
    `now` (seconds since 1970) is the machine's time unless given. Everything else is BadSignature.
    An event may come more than once: remember its id.
    """
    given = {name.casefold(): value for name, value in headers.items()}
    try:
        sent_at = int(given[TIMESTAMP.casefold()])
        signatures = given[SIGNATURE.casefold()].split(",")
        event_id = given[EVENT_ID.casefold()]
    except (KeyError, ValueError):
        raise BadSignature("the signature headers are missing or unreadable") from None
    expected = (_VERSION + _digest(key, sent_at, body)).encode()
    # All are compared, each in constant time: how long it takes tells nothing.
    fitting = [hmac.compare_digest(expected, one.strip().encode()) for one in signatures]
    if not any(fitting):
        raise BadSignature("the signature does not fit")
    if abs((time.time() if now is None else now) - sent_at) > tolerance:
        raise BadSignature("the request is too old, or a clock is wrong")
    return event_id


def _digest(key: str, timestamp: int, body: bytes) -> str:
    return hmac.new(key.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
