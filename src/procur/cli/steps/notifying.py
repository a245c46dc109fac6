"""A person's own messages."""

from datetime import datetime
from typing import Any

from procur.cli.workspace import Workspace
from procur.core.errors import InvalidInput
from procur.db.models import Notification
from procur.notifications import inbox, resending


def list_messages(
    workspace: Workspace, *, unread: bool, sent: bool, limit: int, cursor: str | None
) -> dict[str, Any]:
    """Return a page of one's messages; with `sent` also those that went out, and what became of them."""
    with workspace.session() as session:
        person = workspace.actor(session)
        channel = None if sent else "in_app"
        found = inbox.page(session, person, channel=channel, unread=unread, limit=limit, cursor=cursor)
        return {
            "unread": inbox.unread(session, person),
            "notifications": [_line(row) for row in found.rows],
            "next_cursor": found.next_cursor,
        }


def show_message(workspace: Workspace, notification_id: str) -> dict[str, Any]:
    """Return one of one's messages with all that is known of its delivery."""
    with workspace.session() as session:
        row = inbox.one(session, workspace.actor(session), notification_id)
        return _line(row) | {"body": row.body} | attempts_of(row)


def read_messages(workspace: Workspace, ids: tuple[str, ...], *, everything: bool) -> dict[str, Any]:
    """Note messages as read."""
    if bool(ids) == everything:
        raise InvalidInput("name messages, or say --all", field="ids")
    with workspace.session() as session:
        person = workspace.actor(session)
        return {"read": inbox.read(session, person, ids), "unread": inbox.unread(session, person)}


def resend(
    workspace: Workspace, ids: tuple[str, ...], *, failed: bool, since: datetime | None
) -> dict[str, Any]:
    """Have people's mails sent once more."""
    if bool(ids) == failed:
        raise InvalidInput("name mails, or say --failed", field="ids")
    with workspace.session() as session:
        person, now = workspace.actor(session), workspace.clock.now()
        again = resending.resend(session, person, ids=ids, since=since, now=now)
        return {"again": [{"to": row.recipient, **_line(row)} for row in again]}


def preferences(
    workspace: Workspace, topic: str | None, *, channels: tuple[str, ...], off: bool, usual: bool
) -> dict[str, Any]:
    """Return one's choices; with a topic, change them first."""
    if topic is None:
        if channels or off or usual:
            raise InvalidInput("name the topic to change", field="topic")
        with workspace.session() as session:
            return {"topics": inbox.choices(session, workspace.actor(session))}
    if bool(channels) + off + usual != 1:
        raise InvalidInput("say --channel, --off or --usual", field="channel")
    with workspace.session() as session:
        wanted = None if usual else channels
        person = workspace.actor(session)
        return {"topics": inbox.choose(session, person, topic, wanted, now=workspace.clock.now())}


def attempts_of(row: Notification) -> dict[str, Any]:
    """Return what is known of a message's delivery."""
    return {
        "message_id": row.message_id,
        "event_id": None if row.event_id is None else str(row.event_id),
        "job_id": None if row.job_id is None else str(row.job_id),
        "attempts": row.attempts,
        "status_code": row.status_code,
        "last_attempt_at": row.last_attempt_at,
        "next_attempt_at": row.next_attempt_at,
        "sent_at": row.sent_at,
    }


def _line(row: Notification) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "at": row.created_at,
        "topic": row.topic,
        "channel": row.channel,
        "subject": row.subject,
        "state": row.state,
        "error": row.error,
        "read_at": row.read_at,
    }
