"""The audit trail in a terminal."""

from typing import Any

from rich.console import Console
from rich.text import Text

from procur.cli.views.common import fact, grid, note, row


def trail(console: Console, told: dict[str, Any]) -> None:
    """Show audit entries."""
    if not told["entries"]:
        note(console, "No entries.")
        return
    table = grid("#", "when (UTC)", "who", "what", right=("#",))
    for each in told["entries"]:
        row(
            table,
            "-" if each["sequence"] is None else each["sequence"],
            each["at"][:16].replace("T", " "),
            str(each["by"]).replace("buyer-agent for", "agent of"),
            each["description"] or each["action"],
        )
    console.print(table)
    if told["next_cursor"]:
        note(
            console,
            f"{len(told['entries'])} of {told['total']}; earlier ones: --cursor {told['next_cursor']}",
        )


def verified(console: Console, told: dict[str, Any]) -> None:
    """Show that the trail is as it was written, and against what that was checked."""
    waiting = f", {told['waiting']} wait for their seal" if told["waiting"] else ""
    console.print(
        Text(
            f"The audit trail is intact: {told['entries']} entries, {told['sealed']} sealed{waiting}.",
            style="green",
        )
    )
    fact(console, "root", told["root"])
    if not told["checkpoints"]:
        note(
            console,
            "  No checkpoint to compare with: whoever owns the database could have rewritten all of it.",
        )
        return
    fact(console, "checkpoints that fit", told["checkpoints"])
    if not told["signatures_checked"]:
        note(console, "  Their signatures were not checked; name the key with --key.")


def sealed(console: Console, told: dict[str, Any]) -> None:
    """Show what was sealed."""
    console.print(Text(f"{told['sealed']} sealed, {told['size']} in all"))


def key_made(console: Console, told: dict[str, Any]) -> None:
    """Show where the key is and what others need to verify."""
    fact(console, "private key", told["key"])
    note(
        console, "  Keep it where the owner of the database cannot read it, and name it in PROCUR_AUDIT_KEY."
    )
    _verifier(console, told)


def checkpoint(console: Console, told: dict[str, Any]) -> None:
    """Show a checkpoint: the note itself, unless it went to a file."""
    if told["file"] is None:
        console.out(told["note"], end="", highlight=False)
        return
    fact(console, "checkpoint", f"{told['size']} entries, added to {told['file']}")
    _verifier(console, told)


def _verifier(console: Console, told: dict[str, Any]) -> None:
    """Show the verifier key in one line, however narrow the terminal: it is there to be copied."""
    console.print(Text.assemble(("  verifier key: ", "bold"), told["verifier"]), soft_wrap=True)


def exported(console: Console, told: dict[str, Any]) -> None:
    """Show where an export went."""
    fact(console, "written", f"{told['lines']} lines to {told['file']}")
