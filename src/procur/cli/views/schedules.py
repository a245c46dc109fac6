"""What is done by the clock, in a terminal."""

from datetime import datetime
from typing import Any

from rich.console import Console

from procur.cli.views.common import fact, grid, note, row


def listed(console: Console, told: dict[str, Any]) -> None:
    """Show the schedules with their next and last times."""
    if not told["schedules"]:
        note(console, "No schedules yet.")
        return
    table = grid("schedule", "when", "next", "last", "what")
    for each in told["schedules"]:
        row(
            table,
            each["name"],
            f"{each['cron']} ({each['timezone']})",
            _short(each["next_run_at"]) if each["active"] else "paused",
            _short(each["last_run_at"]),
            each["does"],
            style=None if each["active"] else "dim",
        )
    console.print(table)
    note(
        console,
        "Jobs are made while `procur serve` or `procur work` runs. Times are of each schedule's zone.",
    )


def schedule(console: Console, told: dict[str, Any]) -> None:
    """Show one schedule."""
    fact(console, told["name"], told["does"] or "a schedule of your own")
    fact(console, "when", f"{told['cron']} ({told['timezone']})")
    fact(console, "next", _short(told["next_run_at"]) if told["active"] else "paused")


def asked(console: Console, told: dict[str, Any]) -> None:
    """Show the job that was asked for."""
    fact(console, told["name"], f"asked for as job {told['job_id']} in the queue {told['queue']}")


def _short(moment: str | None) -> str:
    return "–" if moment is None else f"{datetime.fromisoformat(moment):%a %Y-%m-%d %H:%M}"
