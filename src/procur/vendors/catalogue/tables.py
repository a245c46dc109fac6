"""The CSV format: one row per vendor and plan. Described in docs/reference/catalogue-format.md."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field

from procur.core.errors import InvalidInput
from procur.vendors.catalogue import rows
from procur.vendors.catalogue.model import ImportReport, Plan, RejectedRow, VendorDraft
from procur.vendors.vocabulary import Vocabulary

COLUMNS = (*rows.VENDOR_FIELDS, *rows.PLAN_FIELDS)
_LISTS = {*rows.VENDOR_LISTS, "features"}


@dataclass
class _Vendor:
    """A vendor while its rows are read."""

    first: rows.Row
    draft: VendorDraft
    plans: dict[str, Plan] = field(default_factory=dict)
    rejected: bool = False


def read_table(content: str, vocabulary: Vocabulary, source: str) -> ImportReport:
    """Return what a CSV text holds, row by row."""
    records = _records(content)
    line, header = next(records, (1, []))
    columns = [name.strip().lower() for name in header]
    warnings = _check_header(columns, line)
    found: dict[str, _Vendor] = {}
    rejected: list[RejectedRow] = []
    total = 0
    for line, record in records:
        total += 1
        row = _row(columns, record, line)
        _take(row, found, vocabulary)
        rejected.extend(row.faults)
        if row.faults and row.vendor_id in found:
            found[row.vendor_id].rejected = True
    return ImportReport(
        vendors=tuple(
            rows.finish(vendor.draft, vendor.plans.values(), vocabulary, source)
            for vendor in found.values()
            if not vendor.rejected
        ),
        rejected=tuple(rejected),
        total_rows=total,
        warnings=warnings,
    )


def _records(content: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with the line it starts on; a quoted cell may run over several lines."""
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=_delimiter(content), strict=True)
    start = 1
    try:
        for record in reader:
            if any(cell.strip() for cell in record):
                yield start, record
            start = reader.line_num + 1
    except csv.Error as error:
        raise InvalidInput(
            f"line {start}: the file is not a readable CSV file ({error})",
            field="path",
            hint="Look for a quotation mark that is opened and not closed.",
        ) from error


def _delimiter(content: str) -> str:
    """Return the sign that parts the columns of the header line; comma when in doubt."""
    header = content.lstrip().partition("\n")[0]
    return max(",;\t", key=header.count)


def _check_header(columns: list[str], line: int) -> tuple[str, ...]:
    missing = [name for name in rows.REQUIRED_FIELDS if name not in columns]
    twice = sorted({name for name in columns if name and columns.count(name) > 1})
    if missing or twice:
        wrong = f"lacks the columns {', '.join(missing)}" if missing else f"names {', '.join(twice)} twice"
        raise InvalidInput(
            f"line {line}: the header {wrong}",
            field="path",
            hint=f"Columns that are read: {', '.join(COLUMNS)}.",
        )
    return tuple(f"column {name!r} is not read" for name in columns if name not in COLUMNS)


def _row(columns: list[str], record: list[str], line: int) -> rows.Row:
    values = {
        name: [part.strip() for part in cell.split(";") if part.strip()] if name in _LISTS else cell.strip()
        for name, cell in zip(columns, record, strict=False)
    }
    row = rows.Row(values, line)
    if len(record) != len(columns):
        row.fault("row", f"has {len(record)} cells, the header has {len(columns)}")
    return row


def _take(row: rows.Row, found: dict[str, _Vendor], vocabulary: Vocabulary) -> None:
    """Add the row to its vendor; vendor fields may be left blank after the vendor's first row."""
    vendor = found.get(row.vendor_id) if row.vendor_id else None
    if vendor is None:
        vendor = _Vendor(row, rows.read_vendor(row, vocabulary))
        if row.vendor_id:
            found[row.vendor_id] = vendor
    else:
        for name in rows.VENDOR_FIELDS:
            told, first = row.values.get(name), vendor.first.values.get(name)
            if told and told != first:
                row.fault(name, f"differs from line {vendor.first.line} of the same vendor")
    plan = rows.read_plan(row)
    if plan is None:
        return
    if plan.name in vendor.plans:
        row.fault("plan", f"{plan.name!r} stands twice for this vendor")
    vendor.plans.setdefault(plan.name, plan)
