"""Web addresses that may be secrets: shown by their host only, and taken out of what others wrote."""

import re
from urllib.parse import urlsplit

_SHORTEST = 6
_SHOWN = 4
_PARTS = re.compile(r"[/?&=#]")


def masked(url: str) -> str:
    """Return an address as it may be shown: its host, and the last characters of a long path.

    Path and query may hold what lets anybody post there.
    """
    parts = urlsplit(url)
    place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    tail = parts.path[-_SHOWN:] if len(parts.path) > 3 * _SHOWN else ""
    return f"{place}/…{tail}"[:254]


def without_address(text: str, url: str) -> str:
    """Return a text without the parts of an address behind its host, however much of it was quoted."""
    parts = urlsplit(url)
    text = text.replace(url, parts.netloc)
    behind = sorted(_PARTS.split(f"{parts.path}?{parts.query}"), key=len, reverse=True)
    for part in behind:
        if len(part) >= _SHORTEST:
            # A message may quote the start of a part only.
            text = re.sub(rf"{re.escape(part[:_SHORTEST])}[^\s/?&'\"]*", "…", text)
    return text
