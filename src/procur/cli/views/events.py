"""Facts in a terminal."""

import json
from typing import Any

from rich.console import Console
from rich.text import Text

from procur.cli.views.common import fact, grid, note, row


def tail(console: Console, told: dict[str, Any]) -> None:
    """Show facts, oldest first."""
    if not told["events"]:
        note(console, "No facts yet.")
        return
    table = grid("#", "when (UTC)", "who", "fact", "about", right=("#",))
    for each in told["events"]:
        row(table, each["position"], _when(each["at"]), each["by"] or "-", each["type"], each["about"])
    console.print(table)


def line(console: Console, told: dict[str, Any]) -> None:
    """Show one fact in one line."""
    parts = (str(told["position"]), _when(told["at"]), told["by"] or "-", told["type"], told["about"])
    console.print(Text("  ".join(parts)), soft_wrap=True)


def shown(console: Console, told: dict[str, Any]) -> None:
    """Show one fact and what became of it."""
    for name in ("position", "id", "at", "type", "about", "version", "by", "correlation_id", "causation_id"):
        if told[name] is not None:
            fact(console, name.replace("_", " "), told[name])
    fact(console, "payload", json.dumps(told["payload"], ensure_ascii=False, indent=2))
    for each in told["deliveries"]:
        fact(console, each["group"], _fate(each))


def groups(console: Console, told: dict[str, Any]) -> None:
    """Show where the groups stand."""
    if not told["groups"]:
        note(console, "No room reacts to facts.")
        return
    table = grid(
        "group", "behind", "to be retried", "dead", "since (UTC)", right=("behind", "to be retried", "dead")
    )
    for each in told["groups"]:
        since = "-" if each["waiting_since"] is None else _when(each["waiting_since"])
        row(table, each["group"], each["behind"], each["pending"], each["dead"], since)
    console.print(table)


def dead(console: Console, told: dict[str, Any]) -> None:
    """Show dead letters."""
    if not told["dead"]:
        note(console, "No dead letters.")
        return
    for each in told["dead"]:
        event, tries = each["event"], _tries(each)
        title = f"{each['id']}  {each['group']}: {event['type']} {event['about']} (#{event['position']})"
        console.print(Text(title, style="bold"), soft_wrap=True)
        note(console, f"  {tries}: {str(each['error'] or '').partition(chr(10))[0]}")
    note(console, "Deliver them again: procur events redrive GROUP, or the ids.")


def redriven(console: Console, told: dict[str, Any]) -> None:
    """Show how many are on their way again."""
    console.print(Text(f"{told['redriven']} delivered again as soon as a worker runs (procur work)"))


def dropped(console: Console, told: dict[str, Any]) -> None:
    """Show how many were given up."""
    console.print(Text(f"{told['dropped']} given up"))


def replayed(console: Console, told: dict[str, Any]) -> None:
    """Show what is read again."""
    console.print(
        Text(f"{told['group']} reads {told['facts']} facts again, from position {told['position']}")
    )


def _when(moment: str) -> str:
    return moment[:19].replace("T", " ")


def _fate(told: dict[str, Any]) -> str:
    later = f", next {_when(told['next_attempt_at'])}" if told["next_attempt_at"] else ""
    error = f": {told['error']}" if told["error"] else ""
    return f"{told['state']} after {_tries(told)}{later}{error}"


def _tries(told: dict[str, Any]) -> str:
    return f"{told['attempts']} {'try' if told['attempts'] == 1 else 'tries'}"
