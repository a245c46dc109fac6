"""Read a catalogue file: say what it holds and what is wrong with it. Nothing is stored here."""

import codecs
from pathlib import Path

from procur.core.errors import InvalidInput
from procur.vendors.catalogue.documents import read_document
from procur.vendors.catalogue.model import ImportReport
from procur.vendors.catalogue.tables import read_table
from procur.vendors.vocabulary import Vocabulary, load

LARGEST_FILE = 64 * 1024 * 1024
_OTHER_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_file(path: Path, vocabulary: Vocabulary | None = None) -> ImportReport:
    """Return what a .csv or .json file holds and every row that cannot be taken.

    A file that cannot be read at all (wrong encoding, broken quotation, no header) raises InvalidInput.
    """
    path = Path(path)
    readers = {".csv": read_table, ".json": read_document}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise InvalidInput(f"{path.name} is neither a .csv nor a .json file", field="path")
    return reader(_text(path), vocabulary or load(), f"imported from {path.name}")


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise InvalidInput(f"{path.name} is larger than {LARGEST_FILE // 1024**2} MiB", field="path")
        content = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"cannot read {path}: {error.strerror}", field="path") from error
    start = content[:1000]
    # Without a mark, two or four bytes per letter show as many NULs; a single NUL is one bad row.
    if content.startswith(_OTHER_MARKS) or start.count(0) * 4 > len(start):
        raise InvalidInput(
            f"{path.name} is written in UTF-16 or UTF-32 or is not a text file",
            field="path",
            hint='Save it as "CSV UTF-8" (or JSON in UTF-8) and try again.',
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InvalidInput(
            f"{path.name}, line {line}: the text is not UTF-8",
            field="path",
            hint='Save it as "CSV UTF-8" and try again.',
        ) from error
