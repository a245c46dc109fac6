"""Reading an answer's body, packed or not, without ever holding more than allowed."""

import zlib
from collections.abc import Iterable, Iterator

from procur.net.errors import Refused

# zlib's numbers for gzip, for zlib and for a bare deflate stream.
_GZIP, _ZLIB, _RAW = 31, 15, -15
_STEP = 65536


def read_body(chunks: Iterable[bytes], encoding: str, *, most: int, cut: bool = False) -> tuple[bytes, bool]:
    """Return the unpacked body and whether it is all of it.

    A body of more than `most` bytes is Refused as soon as that shows, or cut there if `cut` says so.
    """
    body = bytearray()
    for part in _unpacked(chunks, encoding.strip().casefold()):
        body += part
        if len(body) > most:
            if cut:
                return bytes(body[:most]), False
            raise Refused(f"the answer is larger than {most:,} bytes")
    return bytes(body), True


def _unpacked(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    if encoding in {"", "identity"}:
        yield from chunks
    elif encoding in {"gzip", "x-gzip", "deflate"}:
        try:
            yield from _inflated(chunks, encoding)
        except zlib.error as error:
            raise Refused(f"the answer is not the {encoding} it says it is") from error
    else:
        raise Refused(f"the answer is packed as {encoding[:40]!r}, which was not asked for")


def _inflated(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    unpack = None
    for chunk in chunks:
        if unpack is None:
            unpack = zlib.decompressobj(_GZIP if encoding != "deflate" else _deflate(chunk))
        rest = chunk
        # In steps: a few bytes may stand for gigabytes.
        while rest and not unpack.eof:
            yield unpack.decompress(rest, _STEP)
            rest = unpack.unconsumed_tail
    if unpack is not None:
        yield unpack.decompress(b"", _STEP)
        if not unpack.eof:
            raise Refused("the answer ends in the middle")


def _deflate(start: bytes) -> int:
    """Tell zlib from bare deflate: servers send both under that name."""
    return _ZLIB if len(start) > 1 and start[0] & 0x0F == 8 and int.from_bytes(start[:2]) % 31 == 0 else _RAW  # noqa: PLR2004
