"""API keys in a terminal."""

from typing import Any

from rich.console import Console

from procur.cli.views.common import fact, grid, note, row


def made(console: Console, told: dict[str, Any]) -> None:
    """Show a new key, this once."""
    fact(console, "key", told["key"])
    fact(console, "may", ", ".join(told["scopes"]))
    note(console, "Keep it safe: it is not stored and cannot be shown again. Authorization: Bearer procur_…")


def keys(console: Console, told: dict[str, Any]) -> None:
    """Show all keys."""
    if not told["keys"]:
        note(console, "No keys. Make one: procur keys add NAME --scope events.read")
        return
    table = grid("name", "ends with", "scopes", "state", "last used (UTC)", "requests", right=("requests",))
    for each in told["keys"]:
        used = "never" if each["last_used_at"] is None else f"{each['last_used_at']:%Y-%m-%d %H:%M}"
        scopes = ", ".join(each["scopes"])
        row(table, each["name"], each["hint"], scopes, _state(each), used, each["requests"])
    console.print(table)
    if told["next_cursor"]:
        note(console, f"more: --cursor {told['next_cursor']}")


def revoked(console: Console, told: dict[str, Any]) -> None:
    """Show what was closed."""
    when = "" if told["closed_now"] else " (it was closed before)"
    fact(console, "revoked", f"{told['name']} {told['hint']}{when}")


def _state(each: dict[str, Any]) -> str:
    if each["revoked_at"] is not None:
        return "revoked"
    return "good" if each["expires_at"] is None else f"until {each['expires_at']:%Y-%m-%d}"
