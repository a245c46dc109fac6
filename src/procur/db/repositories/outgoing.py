"""What the platform tells the world: webhooks and notifications."""

import re
import secrets
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Table, select

from procur.core.errors import Conflict, InvalidInput
from procur.db import tenancy
from procur.db.models import Notification, WebhookEndpoint
from procur.db.repositories.base import Key, Repository, bounded
from procur.db.repositories.upserts import insert_into

_NOTIFICATIONS: Table = Notification.__table__  # type: ignore[assignment]
_SCHEMES = ("https", "http")
_GAPS = re.compile(r"\s")


class WebhookRepository(Repository[WebhookEndpoint]):
    """Addresses that hear of facts. Whether an address may be called is decided when it is called."""

    model = WebhookEndpoint

    def add(
        self,
        url: str,
        event_types: Iterable[str] = (),
        *,
        description: str | None = None,
        created_by: Key | None = None,
    ) -> tuple[WebhookEndpoint, str]:
        """Register an address; return its row and the key by which it checks our signature.

        No `event_types` means all of them.
        """
        signing_key = _new_signing_key()
        row = self.create(
            url=url,
            event_types=list(event_types),
            signing_key=signing_key,
            description=description,
            created_by=created_by,
        )
        return row, signing_key

    def create(self, **values: Any) -> WebhookEndpoint:
        """Write an endpoint; its address has to be a web address."""
        _check_url(values)
        return super().create(**values)

    def update(self, id: Key, **values: Any) -> WebhookEndpoint:  # noqa: A002 - documented name
        """Change an endpoint; its address has to be a web address."""
        _check_url(values)
        return super().update(id, **values)

    def rotate_key(self, id: Key) -> str:  # noqa: A002 - as everywhere
        """Give an endpoint a new signing key and return it; the old one is gone."""
        signing_key = _new_signing_key()
        self.update(id, signing_key=signing_key)
        return signing_key

    def wanting(self, event_type: str) -> list[WebhookEndpoint]:
        """Return the active endpoints that want facts of this type, oldest first."""
        statement = select(WebhookEndpoint).where(WebhookEndpoint.is_active.is_(True))
        rows = self._all(statement.order_by(*self._oldest()))
        return [row for row in rows if not row.event_types or event_type in row.event_types]


class NotificationRepository(Repository[Notification]):
    """Messages to people. A message id is used once per organisation, so a retry sends nothing twice."""

    model = Notification

    def queue(
        self,
        *,
        recipient: str,
        channel: str,
        body: str,
        subject: str | None = None,
        user_id: Key | None = None,
        message_id: str | None = None,
        organization_id: Key | None = None,
    ) -> tuple[Notification, bool]:
        """Write a message to be sent; with a `message_id` that exists return that message, and False."""
        given: dict[str, Any] = {
            "recipient": recipient,
            "channel": channel,
            "body": body,
            "subject": subject,
            "user_id": user_id,
            "message_id": str(tenancy.new_id(self.session)) if message_id is None else message_id,
        }
        if organization_id is not None:
            given["organization_id"] = organization_id
        row = self._prepared(given)
        now = tenancy.clock_of(self.session).now()
        statement = (
            insert_into(self.session, _NOTIFICATIONS)
            .values(**row, state="pending", created_at=now, updated_at=now)
            .on_conflict_do_nothing(index_elements=["organization_id", "message_id"])
            .returning(_NOTIFICATIONS.c.id)
        )
        if self.session.execute(statement).scalar() is not None:
            return self.get(row["id"]), True
        equals = {"organization_id": row["organization_id"], "message_id": row["message_id"]}
        found = self.find(**equals)
        if found is None:
            raise Conflict("the message was removed meanwhile", field="message_id")
        return found, False

    def pending(self, limit: int = 100, *, channel: str | None = None) -> list[Notification]:
        """Return messages to be sent, oldest first, locked past other workers."""
        equals = {"state": "pending"} if channel is None else {"state": "pending", "channel": channel}
        statement = select(Notification).where(*self._equal(equals)).order_by(*self._oldest())
        statement = statement.limit(bounded(limit)).with_for_update(skip_locked=True)
        return self._all(statement.execution_options(populate_existing=True))

    def sent(self, id: Key) -> Notification:  # noqa: A002 - as everywhere
        """Note that the message is out; Conflict when that was noted before."""
        return self._leave(
            "message",
            id,
            ("pending",),
            state="sent",
            sent_at=tenancy.clock_of(self.session).now(),
            error=None,
        )

    def failed(self, id: Key, error: str) -> Notification:  # noqa: A002 - as everywhere
        """Note that the message cannot be sent; Conflict when it is not pending."""
        return self._leave("message", id, ("pending",), state="failed", error=error)

    def for_recipient(self, recipient: str, limit: int = 50) -> list[Notification]:
        """Return a recipient's messages, newest first."""
        statement = select(Notification).where(*self._equal({"recipient": recipient}))
        return self._all(statement.order_by(*self._newest()).limit(bounded(limit)))

    def mark_read(self, id: Key) -> Notification:  # noqa: A002 - as everywhere
        """Note that the person has read the message; the first time stands."""
        row = self.get(id)
        if row.read_at is None:
            return self.update(id, read_at=tenancy.clock_of(self.session).now())
        return row


def _new_signing_key() -> str:
    return "whsec_" + secrets.token_urlsafe(32)


def _check_url(values: dict[str, Any]) -> None:
    url = values.get("url")
    if not isinstance(url, str):
        return  # the column's own check says what is wrong
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname)
    except ValueError:
        named = False
    if not named or parts.scheme not in _SCHEMES or parts.username or _GAPS.search(url):
        raise InvalidInput("url must be a web address such as https://example.com/hook", field="url")
