"""Addresses that want to hear of facts."""

import re
import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select

from procur.core.errors import InvalidInput
from procur.db import tenancy
from procur.db.models import WebhookEndpoint
from procur.db.repositories.base import Key, Repository

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
        kind: str = "json",
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
            kind=kind,
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

    def rotate_key(self, id: Key, *, until: datetime | None = None) -> str:  # noqa: A002 - as everywhere
        """Give an endpoint a new signing key and return it.

        The old one signs beside it `until` that moment; without one it is gone.
        """
        row = self.get(id, for_update=True)
        kept = None if until is None else row.signing_key
        signing_key = _new_signing_key()
        self.update(id, signing_key=signing_key, previous_key=kept, previous_key_until=until)
        return signing_key

    def switch_off(self, id: Key, reason: str) -> bool:  # noqa: A002 - as everywhere
        """Stop telling an endpoint anything; say whether it was on. The first reason stands."""
        row = self.get(id, for_update=True)
        if not row.is_active:
            return False
        now = tenancy.clock_of(self.session).now()
        self.update(id, is_active=False, disabled_at=now, disabled_reason=reason[:300])
        return True

    def switch_on(self, id: Key) -> bool:  # noqa: A002 - as everywhere
        """Tell an endpoint again what it wants to hear; say whether it was off."""
        row = self.get(id, for_update=True)
        was_off = not row.is_active
        self.update(id, is_active=True, disabled_at=None, disabled_reason=None, failing_since=None)
        return was_off

    def wanting(self, event_type: str) -> list[WebhookEndpoint]:
        """Return the endpoints that want facts of this type, switched off or not, oldest first."""
        rows = self._all(select(WebhookEndpoint).order_by(*self._oldest()))
        return [row for row in rows if not row.event_types or event_type in row.event_types]


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
