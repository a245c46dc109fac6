"""Writes the trail out, entry by entry: JSON lines that lose nothing, or CSV that a spreadsheet may open."""

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, Literal

from procur.audit.leaves import DOCUMENTS
from procur.db import Session
from procur.db.repositories import AuditSealRepository, TrailFilter

Format = Literal["jsonl", "csv"]
# A spreadsheet takes a cell that begins like this for a formula and runs it; some skip what shows nothing.
_FORMULA = re.compile(r"[\t\r]|[\x00-\x20\s\ufeff\u200b]*[=+\-@＝＋－＠]")


def export_trail(
    session: Session, wanted: TrailFilter | None = None, *, form: Format = "jsonl", batch: int = 1000
) -> Iterator[str]:
    """Yield the export's lines, oldest entry first, reading a batch at a time.

    In JSON lines numbers and documents stand as the database has them, so that each line hashes to its
    `leaf_hash`. CSV begins with a header, and a cell that would be a formula gets an apostrophe in front.
    """
    seals = AuditSealRepository(session)
    rows = seals.export(wanted or TrailFilter(), batch=batch)
    yield from _csv(seals.exported_columns(), rows) if form == "csv" else map(_json, rows)


def _json(row: dict[str, Any]) -> str:
    cells = (
        f"{json.dumps(name)}: {value if name in DOCUMENTS else json.dumps(value, ensure_ascii=False)}"
        for name, value in row.items()
    )
    return "{" + ", ".join(cells) + "}\n"


def _csv(names: Sequence[str], rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for cells in chain([names], (map(_cell, row.values()) for row in rows)):
        writer.writerow(cells)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value
