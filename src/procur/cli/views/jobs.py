"""Jobs in a terminal."""

import json
from datetime import datetime
from typing import Any

from rich.console import Console

from procur.cli.views.common import fact, grid, heading, note, row

_STATES = ("ready", "running", "done", "failed", "dead", "cancelled")


def jobs(console: Console, told: dict[str, Any]) -> None:
    """Show a page of jobs."""
    if not told["jobs"]:
        note(console, "No jobs.")
        return
    for each in told["jobs"]:
        error = f": {_short(each)}" if each["last_error"] else ""
        state = f"{each['state']} ({_attempts(each)}), due {_when(each['run_at'])} UTC{error}"
        fact(console, f"{each['id']}  {each['kind']}", state)
    _more(console, told)


def dead(console: Console, told: dict[str, Any]) -> None:
    """Show dead jobs with the whole reason."""
    if not told["jobs"]:
        note(console, "No dead jobs.")
        return
    for each in told["jobs"]:
        fact(console, f"{each['id']}  {each['kind']}", f"{_attempts(each)} attempts: {each['last_error']}")
    note(console, "Try them again: procur jobs redrive ID…, or --all --kind KIND")
    _more(console, told)


def job(console: Console, told: dict[str, Any]) -> None:
    """Show one job."""
    heading(console, f"{told['kind']} ({told['id']})")
    fact(console, "state", f"{told['state']}, attempt {_attempts(told)}, queue {told['queue']}")
    for name in ("created_at", "run_at", "started_at", "finished_at", "lease_until"):
        if told[name] is not None:
            fact(console, name.replace("_", " "), f"{_when(told[name])} UTC")
    for name in ("worker", "last_error", "dedupe_key", "correlation_id", "causation_id", "trace"):
        if told[name] is not None:
            fact(console, name.replace("_", " "), told[name])
    fact(console, "payload", _json(told["payload"]))
    for each in told["steps"]:
        fact(console, f"step {each['step']}", _json(each["result"]))
    if told["result"] is not None:
        fact(console, "result", _json(told["result"]))


def counts(console: Console, told: dict[str, Any]) -> None:
    """Show how the jobs of each kind stand."""
    if not told["kinds"]:
        note(console, "No jobs yet.")
        return
    for each in told["kinds"]:
        figures = ", ".join(f"{each[state]:,} {state}" for state in _STATES if each[state])
        due = (
            f"; {each['due']:,} due, the oldest for {_age(each['oldest_due_seconds'])}" if each["due"] else ""
        )
        fact(console, f"{each['queue']}  {each['kind']}", figures + due)


def cancelled(console: Console, told: dict[str, Any]) -> None:
    """Show what was stopped."""
    fact(console, "cancelled", f"{told['kind']} {told['id']}")


def redriven(console: Console, told: dict[str, Any]) -> None:
    """Show how many are tried again."""
    of_kind = "" if told["kind"] is None else f" of kind {told['kind']}"
    if told["redriven"]:
        fact(console, "tried again", f"{told['redriven']} jobs{of_kind}")
    else:
        note(console, f"No job{of_kind} is failed or dead.")


def status(console: Console, told: dict[str, Any]) -> None:
    """Show all on one screen."""
    heading(console, "Queues")
    if told["queues"]:
        table = grid("queue", "due", "later", "running", "stuck", "oldest due", right=("due", "later"))
        for each in told["queues"]:
            later = each["ready"] - each["due"]
            age = _age(each["oldest_due_seconds"])
            row(table, each["queue"], each["due"], later, each["running"], each["stuck"], age)
        console.print(table)
    else:
        note(console, "No jobs yet.")
    for each in told["stuck"]:
        fact(
            console, each["kind"], f"{each['dead']} dead, {each['failed']} failed: procur jobs redrive --all"
        )
    heading(console, "Who reads the facts")
    table = grid("group", "behind", "to be retried", "dead", right=("behind", "to be retried", "dead"))
    for each in told["groups"]:
        row(table, each["group"], each["behind"], each["pending"], each["dead"])
    console.print(table)
    heading(console, "By the clock")
    if not told["schedules"]:
        note(console, "No schedules.")
    for each in told["schedules"]:
        fact(console, each["name"], f"{_when(each['next_run_at'])} UTC ({each['cron']})")


def _attempts(each: dict[str, Any]) -> str:
    return f"{each['attempt']}/{each['max_attempts']}"


def _short(each: dict[str, Any]) -> str:
    return (each["last_error"] or "").partition("\n")[0][:80]


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _age(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:,.0f} s"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)


def _more(console: Console, told: dict[str, Any]) -> None:
    if told["next_cursor"]:
        note(console, f"more: --cursor {told['next_cursor']}")
