"""Messages and webhooks in a terminal."""

from datetime import datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from procur.cli.views.common import fact, grid, note, program, row


def messages(console: Console, told: dict[str, Any]) -> None:
    """Show a page of one's messages."""
    if not told["notifications"]:
        note(console, "No messages. What you are told of: procur notifications preferences")
        return
    for line in told["notifications"]:
        new = line["channel"] == "in_app" and line["read_at"] is None
        way = line["channel"] if line["channel"] == "in_app" else f"{line['channel']}: {line['state']}"
        console.print(Text(f"{'•' if new else ' '} {line['subject']}", style="bold" if new else ""))
        note(console, f"  {_when(line['at'])}  {line['id']}  {way}")
    note(console, f"{told['unread']} unread")
    _more(console, told)


def message(console: Console, told: dict[str, Any]) -> None:
    """Show a message, and its delivery if it left the house."""
    console.print(Text(told["body"].rstrip()))
    console.print()
    if told["channel"] != "in_app":
        delivery(console, told)


def read(console: Console, told: dict[str, Any]) -> None:
    """Say how many messages were new."""
    fact(console, "read", told["read"])
    fact(console, "unread", told["unread"])


def resent(console: Console, told: dict[str, Any]) -> None:
    """Show the mails that are sent once more."""
    for line in told["again"]:
        console.print(Text(f"{line['to']}  {line['subject']}"))
        note(console, f"  {_when(line['at'])}  {line['id']}")
    count = len(told["again"])
    note(console, f"{count} mails are sent once more" if count else "No mail to send again")


def preferences(console: Console, told: dict[str, Any]) -> None:
    """Show the channels of each topic."""
    table = grid("topic", "channels", "", "meaning")
    for line in told["topics"]:
        remark = "chosen" if line["chosen"] else "a must" if line["mandatory"] else ""
        row(table, line["topic"], ", ".join(line["channels"]) or "off", remark, line["meaning"])
    console.print(table)


def webhooks(console: Console, told: dict[str, Any]) -> None:
    """Show a page of endpoints."""
    if not told["webhooks"]:
        note(console, f"No webhooks. Add one: {program()} webhooks add https://…")
        return
    table = grid("address", "kind", "hears", "state", "id")
    for line in told["webhooks"]:
        row(table, line["address"], line["kind"], _hears(line), _state(line), line["id"])
    console.print(table)
    _more(console, told)


def webhook(console: Console, told: dict[str, Any]) -> None:
    """Show an endpoint, and its key where there is one to show."""
    fact(console, "webhook", told["id"])
    fact(console, "address", f"{told['address']} ({told['kind']})")
    fact(console, "hears", _hears(told))
    fact(console, "state", "removed" if told.get("removed") else _state(told))
    if told["description"]:
        fact(console, "description", told["description"])
    for state, count in told.get("deliveries", {}).items():
        fact(console, f"deliveries {state}", count)
    if told.get("old_key_until"):
        fact(console, "old key signs until", _when(told["old_key_until"]))
    if "signing_key" in told:
        fact(console, "signing key", told["signing_key"])
        note(console, "The key is not shown again: give it to the receiver now.")


def replayed(console: Console, told: dict[str, Any]) -> None:
    """Say how much is delivered once more."""
    count = len(told["replayed"])
    note(console, f"{count} deliveries are made once more" if count else "Nothing to replay")


def deliveries(console: Console, told: dict[str, Any]) -> None:
    """Show a page of deliveries."""
    if not told["deliveries"]:
        note(console, "No deliveries.")
        return
    table = grid("when", "fact", "state", "tries", "answer", "next", "id", right=("tries",))
    for line in told["deliveries"]:
        answer = line["error"] or line["status_code"] or ""
        cells = (_when(line["at"]), line["type"], line["state"], line["attempts"], answer)
        row(table, *cells, _when(line["next_attempt_at"]), line["id"])
    console.print(table)
    _more(console, told)


def delivery(console: Console, told: dict[str, Any]) -> None:
    """Show what came of one delivery."""
    fact(console, "state", told["state"])
    if told["status_code"]:
        fact(console, "answered", told["status_code"])
    if told["error"]:
        fact(console, "because", told["error"])
    fact(console, "attempts", told["attempts"])
    if told["next_attempt_at"] and told["state"] == "pending":
        fact(console, "next attempt", _when(told["next_attempt_at"]))


def _hears(told: dict[str, Any]) -> str:
    return ", ".join(told["events"]) or "everything"


def _state(told: dict[str, Any]) -> str:
    if not told["active"]:
        return f"off: {told['disabled_reason'] or 'by a person'}"
    return f"failing since {_when(told['failing_since'])}" if told["failing_since"] else "on"


def _when(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M}"


def _more(console: Console, told: dict[str, Any]) -> None:
    if told["next_cursor"]:
        note(console, f"More: --cursor {told['next_cursor']}")
