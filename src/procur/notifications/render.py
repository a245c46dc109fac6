"""Messages as plain text, HTML and Slack blocks. Whatever people wrote is escaped in each."""

from html import escape
from typing import Any

from procur.notifications.messages import Message

_SLACK_FIELDS = 10
_SLACK_TEXT = 2900


def as_text(message: Message, *, footer: tuple[str, ...] = ()) -> str:
    """Return a message as plain text."""
    parts = ["\n".join((message.title, *message.lines))]
    if message.facts:
        parts.append("\n".join(f"{name}: {value}" for name, value in message.facts))
    if message.command:
        parts.append(f"What to do:\n  {message.command}")
    if footer:
        parts.append("-- \n" + "\n".join(footer))
    return "\n\n".join(parts) + "\n"


def as_html(message: Message, *, footer: tuple[str, ...] = ()) -> str:
    """Return a message as a small HTML page without pictures, scripts or links to follow."""
    rows = "".join(
        f'<tr><td style="padding-right:1em">{escape(name)}</td><td>{escape(value)}</td></tr>'
        for name, value in message.facts
    )
    parts = [
        f"<h2>{escape(message.title)}</h2>",
        *(f"<p>{escape(line)}</p>" for line in message.lines),
        f"<table>{rows}</table>" if rows else "",
        f"<p>What to do:</p><pre>{escape(message.command)}</pre>" if message.command else "",
        f"<hr><p><small>{'<br>'.join(escape(line) for line in footer)}</small></p>" if footer else "",
    ]
    body = "\n".join(part for part in parts if part)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(message.title)}</title>'
        f"</head>\n<body>\n{body}\n</body></html>\n"
    )


def as_slack(message: Message) -> dict[str, Any]:
    """Return a message as the JSON of a Slack incoming webhook."""
    text = "\n".join((f"*{_slack(message.title)}*", *(_slack(line) for line in message.lines)))
    blocks: list[dict[str, Any]] = [_section(text)]
    for start in range(0, len(message.facts), _SLACK_FIELDS):
        fields = message.facts[start : start + _SLACK_FIELDS]
        lines = (f"*{_slack(name)}*\n{_slack(value)}" for name, value in fields)
        blocks.append(
            {"type": "section", "fields": [{"type": "mrkdwn", "text": line[:2000]} for line in lines]}
        )
    if message.command:
        blocks.append(_section(f"`{_slack(message.command)}`"))
    return {"text": _slack(message.title), "blocks": blocks}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:_SLACK_TEXT], "verbatim": True}}


def _slack(text: str) -> str:
    """Escape what Slack reads as its own: without it a name could call <!channel>."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
