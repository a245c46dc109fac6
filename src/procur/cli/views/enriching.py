"""How vendors' data, and where it comes from, is shown."""

from typing import Any

from rich.console import Console
from rich.text import Text

from procur.cli.steps.enriching import label
from procur.cli.views.common import fact, grid, heading, note, row


def looked_at(console: Console, told: dict[str, Any]) -> None:
    """Show what became of looking at one vendor."""
    if told["state"] != "done":
        again = f"; tried again after {told['next_attempt']:%H:%M:%S} UTC" if told.get("next_attempt") else ""
        console.print(Text(f"  {told['vendor']}: {told['error'] or told['state']}{again}", style="yellow"))
        return
    if told["read"]:
        changed = ", ".join(label(name) for name in told["changed"]) or "nothing"
        seen = f"{told['observations']} observations from {len(told['read'])} sources, {changed} changed"
        fact(console, told["vendor"], f"{seen}, {sure(told['confidence'])} sure")
    else:
        fact(console, told["vendor"], "nothing could be read, so nothing changed")
    for place, reason in told["skipped"].items():
        console.print(Text(f"    not read: {place}: {reason}", style="yellow"))


def enriched(console: Console, told: dict[str, Any]) -> None:
    """Show the end of looking at vendors."""
    if not told["asked"]:
        note(
            console, "No vendor to look at. Give one a website: procur vendors change VEN --website https://…"
        )
    elif not told["vendors"]:
        note(
            console,
            f"{len(told['asked'])} vendors are to be looked at; `procur work` or `procur serve` does it.",
        )
    elif any(each["state"] == "ready" for each in told["vendors"]):
        note(console, "What could not be reached is tried again by `procur work` or `procur serve`.")
    else:
        note(console, "What was seen: procur vendors observations VEN")


def observations(console: Console, told: dict[str, Any]) -> None:
    """Show what is known of a vendor, from where, how fresh and how sure."""
    heading(console, f"{told['name']} ({told['vendor_id']})")
    confidence(console, told)
    if not told["observations"]:
        note(console, f"Nothing is known yet. procur vendors enrich {told['vendor_id']}")
        return
    table = grid("field", "likeliest", "sure", "agree", "disagree", right=("sure", "agree", "disagree"))
    for each in told["fields"]:
        row(
            table,
            label(each["field"]),
            each["value"],
            sure(each["confidence"]),
            each["agree"],
            each["disagree"],
        )
    console.print(table)
    console.print()
    table = grid("field", "says", "source", "kind", "seen")
    for each in told["observations"]:
        seen = f"{each['observed_at']:%Y-%m-%d}"
        row(table, label(each["field"]), each["value"], each["source"], each["kind"].replace("_", " "), seen)
    console.print(table)


def confidence(console: Console, told: dict[str, Any]) -> None:
    """Show how sure a vendor's data is; nothing where nobody has computed it."""
    if told["confidence"] is not None:
        fact(
            console,
            "confidence",
            f"{sure(told['confidence'])}, last looked at {told['last_enriched_at']:%Y-%m-%d}",
        )


def sure(share: float) -> str:
    """Return a confidence as a percentage."""
    return f"{share:.0%}"
