"""Reads the daily files back."""

from collections import Counter
from pathlib import Path
from typing import Any

from procur.audit.lines import Event, lines_from, newest_lines, parsed

PREFIX = "audit-"


def recent(
    folder: Path, limit: int, *, severity: str | None = None, event_type: str | None = None
) -> list[Event]:
    """Return the last `limit` events that fit, newest first; each event once, torn lines left out."""
    found: dict[str, Event] = {}
    for path in sorted(folder.glob(f"{PREFIX}*.jsonl"), reverse=True):
        for line in newest_lines(path):
            if len(found) >= limit:
                return list(found.values())
            event = parsed(line)
            if (
                event is not None
                and severity in {None, event.get("severity")}
                and event_type in {None, event.get("event_type")}
            ):
                found.setdefault(str(event.get("id")), event)
    return list(found.values())


def totals(path: Path) -> dict[str, Any]:
    """Return how many events a file holds, by severity, type and category, and how many torn lines."""
    counts: dict[str, Counter[str]] = {
        "severity": Counter(),
        "event_type": Counter(),
        "event_category": Counter(),
    }
    events = torn = 0
    for line, _ in lines_from(path):
        event = parsed(line)
        if event is None:
            torn += 1
            continue
        events += 1
        for name, counter in counts.items():
            counter[str(event.get(name))] += 1
    return {
        "total_events": events,
        "torn_lines": torn,
        "severity_counts": dict(counts["severity"]),
        "event_type_counts": dict(counts["event_type"]),
        "category_counts": dict(counts["event_category"]),
    }
