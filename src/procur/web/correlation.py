"""Which chain of causes a request belongs to: taken from its headers if they are fit, else made."""

import re
import secrets
from collections.abc import Mapping

from procur.core.context import Cause
from procur.core.redaction import kinds_in

HEADER = "X-Correlation-ID"
_FIT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def new_correlation() -> str:
    """Return a fresh name for a chain of causes."""
    return secrets.token_hex(16)


def cause_of(headers: Mapping[str, str]) -> Cause:
    """Return the cause that a request names: `X-Correlation-ID`, `traceparent` (W3C, version 00).

    What is too long, holds other characters, a secret or an address is not taken: such a request gets an id
    of its own. Without an id the trace's id names the chain.
    """
    trace = headers.get("traceparent", "")
    parent = trace if _TRACEPARENT.fullmatch(trace) else None
    given = headers.get(HEADER, "")
    if _FIT.fullmatch(given) and not kinds_in(given):
        return Cause(given, None, parent)
    return Cause(new_correlation() if parent is None else parent.split("-")[1], None, parent)
