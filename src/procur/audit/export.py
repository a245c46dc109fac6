"""Writes the trail out, entry by entry: JSON lines that lose nothing, or CSV that a spreadsheet may open."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any, Literal

from procur.audit.leaves import DOCUMENTS
from procur.db import Session
from procur.db.repositories import AuditSealRepository, TrailFilter

Format = Literal["jsonl", "csv"]
# A spreadsheet takes a cell that begins like this for a formula and runs it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def export_trail(
    session: Session, wanted: TrailFilter | None = None, *, form: Format = "jsonl", batch: int = 1000
) -> Iterator[str]:
    """Yield the export's lines, oldest entry first, reading a batch at a time.

    In JSON lines numbers and documents stand as the database has them, so that each line hashes to its
    `leaf_hash`. In CSV a cell that would be a formula gets an apostrophe in front.
    """
    rows = AuditSealRepository(session).export(wanted or TrailFilter(), batch=batch)
    yield from _csv(rows) if form == "csv" else map(_json, rows)


def _json(row: dict[str, Any]) -> str:
    cells = (
        f"{json.dumps(name)}: {value if name in DOCUMENTS else json.dumps(value, ensure_ascii=False)}"
        for name, value in row.items()
    )
    return "{" + ", ".join(cells) + "}\n"


def _csv(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for number, row in enumerate(rows):
        if number == 0:
            writer.writerow(row)
        writer.writerow(map(_cell, row.values()))
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
