"""Webhooks and Slack channels."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from procur.cli.steps.doing import do_now
from procur.cli.steps.notifying import attempts_of
from procur.cli.workspace import Workspace
from procur.core.actor import Actor
from procur.core.errors import InvalidInput, ProcurError
from procur.db import Session
from procur.db.models import Notification, WebhookEndpoint
from procur.db.repositories import JobRepository, NotificationRepository, WebhookRepository
from procur.net.client import GuardedClient
from procur.notifications import endpoints
from procur.notifications.channels.addresses import without_address
from procur.notifications.handlers import sending
from procur.notifications.kinds import SEND
from procur.notifications.tasks import send_notification


def add_webhook(
    workspace: Workspace, url: str, *, kind: str, events: tuple[str, ...], description: str | None
) -> dict[str, Any]:
    """Add an endpoint; its signing key is shown this once."""
    workspace.require(endpoints.MANAGE)
    _check(url, GuardedClient())
    with workspace.session() as session:
        row, key = endpoints.add(
            session,
            workspace.actor(session),
            url=url,
            kind=kind,
            event_types=events,
            description=description,
            now=workspace.clock.now(),
        )
        return _endpoint(row) | ({"signing_key": key} if row.kind == "json" else {})


def list_webhooks(workspace: Workspace, *, limit: int, cursor: str | None) -> dict[str, Any]:
    """Return a page of endpoints."""
    with workspace.session() as session:
        workspace.actor(session, endpoints.MANAGE)
        found = WebhookRepository(session).page(limit=limit, cursor=cursor)
        return {"webhooks": [_endpoint(row) for row in found.rows], "next_cursor": found.next_cursor}


def show_webhook(workspace: Workspace, webhook_id: str) -> dict[str, Any]:
    """Return an endpoint, and how its deliveries stand."""
    with workspace.session() as session:
        workspace.actor(session, endpoints.MANAGE)
        row = WebhookRepository(session).get(webhook_id)
        log = NotificationRepository(session)
        states = ("pending", "sent", "failed", "suppressed")
        return _endpoint(row) | {
            "deliveries": {state: log.count(endpoint_id=row.id, state=state) for state in states}
        }


def rotate_key(workspace: Workspace, webhook_id: str, *, hours: float) -> dict[str, Any]:
    """Give an endpoint a new signing key, shown this once."""
    with workspace.session() as session:
        person, now = workspace.actor(session), workspace.clock.now()
        row, key = endpoints.rotate(session, person, webhook_id, grace=timedelta(hours=hours), now=now)
        return _endpoint(row) | {"signing_key": key, "old_key_until": row.previous_key_until}


def disable_webhook(workspace: Workspace, webhook_id: str, *, reason: str) -> dict[str, Any]:
    """Switch an endpoint off."""
    return _changed(
        workspace,
        lambda session, person: endpoints.disable(
            session, person, webhook_id, reason=reason, now=workspace.clock.now()
        ),
    )


def enable_webhook(workspace: Workspace, webhook_id: str) -> dict[str, Any]:
    """Switch an endpoint on again."""
    return _changed(
        workspace,
        lambda session, person: endpoints.enable(session, person, webhook_id, now=workspace.clock.now()),
    )


def remove_webhook(workspace: Workspace, webhook_id: str) -> dict[str, Any]:
    """Forget an endpoint."""
    told = _changed(
        workspace,
        lambda session, person: endpoints.remove(session, person, webhook_id, now=workspace.clock.now()),
    )
    return {**told, "removed": True}


def replay_webhook(
    workspace: Workspace,
    webhook_id: str,
    deliveries: tuple[str, ...],
    *,
    since: datetime | None,
    everything: bool,
) -> dict[str, Any]:
    """Have deliveries made once more."""
    with workspace.session() as session:
        again = endpoints.replay(
            session,
            workspace.actor(session),
            webhook_id,
            deliveries=deliveries,
            since=since,
            everything=everything,
            now=workspace.clock.now(),
        )
        return {"webhook": webhook_id, "replayed": [str(row.id) for row in again]}


def ping_webhook(workspace: Workspace, webhook_id: str) -> dict[str, Any]:
    """Send a ping now, and return what came of it."""
    with workspace.session() as session:
        row = endpoints.ping(session, workspace.actor(session), webhook_id, now=workspace.clock.now())
        job = JobRepository(session).find(kind=SEND.name, dedupe_key=sending(row))
    if job is not None:
        do_now(workspace, send_notification(), job.id)
    with workspace.session() as session:
        return _delivery(NotificationRepository(session).get(row.id))


def list_deliveries(
    workspace: Workspace, webhook_id: str, *, state: str | None, limit: int, cursor: str | None
) -> dict[str, Any]:
    """Return a page of an endpoint's deliveries, newest first."""
    with workspace.session() as session:
        workspace.actor(session, endpoints.MANAGE)
        endpoint = WebhookRepository(session).get(webhook_id, include_deleted=True)
        equals: dict[str, Any] = {"endpoint_id": endpoint.id}
        if state is not None:
            equals["state"] = state
        found = NotificationRepository(session).page(limit=limit, cursor=cursor, **equals)
        return {"deliveries": [_delivery(row) for row in found.rows], "next_cursor": found.next_cursor}


def _check(url: str, client: GuardedClient) -> None:
    """Refuse an address that would not be called, before it is stored; no transaction is open."""
    try:
        target = client.check(url)
    except ProcurError as error:
        told = without_address(error.message, url)
        raise InvalidInput(told, field="url", hint=error.hint) from None
    inside = (target.host, target.port) in client.settings.inside
    if urlsplit(target.url).scheme != "https" and not inside:
        raise InvalidInput("url must begin with https://: what is told is not for everybody", field="url")


def _changed(workspace: Workspace, change: Callable[[Session, Actor], WebhookEndpoint]) -> dict[str, Any]:
    with workspace.session() as session:
        return _endpoint(change(session, workspace.actor(session)))


def _endpoint(row: WebhookEndpoint) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "kind": row.kind,
        "address": endpoints.address(row),
        "events": list(row.event_types),
        "description": row.description,
        "active": row.is_active,
        "disabled_at": row.disabled_at,
        "disabled_reason": row.disabled_reason,
        "failing_since": row.failing_since,
        "added_at": row.created_at,
    }


def _delivery(row: Notification) -> dict[str, Any]:
    told = {"id": str(row.id), "type": row.topic, "at": row.created_at, "state": row.state}
    return told | {"error": row.error} | attempts_of(row)
