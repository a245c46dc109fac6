"""API keys: make, list, revoke."""

from datetime import datetime
from typing import Any

from procur.cli.workspace import Workspace
from procur.db.models import ApiKey
from procur.identity import keys as service


def add_key(
    workspace: Workspace, *, name: str, scopes: tuple[str, ...], expires_at: datetime | None
) -> dict[str, Any]:
    """Make a key for the person who acts."""
    with workspace.session() as session:
        actor, now = workspace.actor(session, "user.write"), workspace.clock.now()
        key, plain = service.make_key(
            session, actor, name=name, scopes=scopes, now=now, expires_at=expires_at
        )
        return {**_told(key), "key": plain}


def list_keys(workspace: Workspace, *, limit: int, cursor: str | None) -> dict[str, Any]:
    """Return a page of keys, newest first."""
    with workspace.session(read_only=True) as session:
        actor = workspace.actor(session, "user.write")
        page = service.list_keys(session, actor, limit=limit, cursor=cursor)
        return {"keys": [_told(key) for key in page.rows], "next_cursor": page.next_cursor}


def revoke_key(workspace: Workspace, reference: str, *, reason: str | None) -> dict[str, Any]:
    """Close a key."""
    with workspace.session() as session:
        actor, now = workspace.actor(session, "user.write"), workspace.clock.now()
        key, closed = service.revoke_key(session, actor, reference, reason=reason, now=now)
        return {**_told(key), "closed_now": closed}


def _told(key: ApiKey) -> dict[str, Any]:
    return {
        "id": str(key.id),
        "name": key.name,
        "hint": f"…{key.key_hint}",
        "scopes": list(key.scopes),
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
        "requests": key.total_requests,
    }
