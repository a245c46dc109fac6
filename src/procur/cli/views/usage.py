"""Usage and plans in a terminal."""

from typing import Any

from rich.console import Console

from procur.cli.views.common import fact, grid, note, row


def usage(console: Console, told: dict[str, Any]) -> None:
    """Show each meter with its limit."""
    fact(console, "plan", told["plan"])
    fact(console, "month", told["month"])
    table = grid("meter", "used", "limit", "%", "", right=("used", "limit", "%"))
    for line in told["meters"]:
        unlimited = line["limit"] is None
        row(
            table,
            line["meter"],
            line["used"],
            "unlimited" if unlimited else line["limit"],
            "" if unlimited else f"{line['percent']:.1f}",
            line["warning"] or "",
            style="bold" if line["warning"] else None,
        )
    console.print(table)
    note(console, f"Monthly meters start anew on {told['resets_at']:%Y-%m-%d}, 00:00 UTC")


def plan(console: Console, told: dict[str, Any]) -> None:
    """Show the plan's limits, own ones marked."""
    fact(console, "plan", f"{told['name']} ({told['plan']})")
    table = grid("meter", "limit", "", right=("limit",))
    for meter, limit in told["limits"].items():
        row(table, meter, limit, "own" if meter in told["own_limits"] else "")
    console.print(table)
