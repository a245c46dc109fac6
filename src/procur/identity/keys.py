"""Keys by which programs act for a person: made, listed, closed; checked and on record."""

from collections.abc import Iterable
from datetime import datetime

from procur.audit.trail import record
from procur.core.actor import Actor
from procur.core.errors import InvalidInput, NotFound
from procur.db import Session
from procur.db.models import ApiKey
from procur.db.repositories import ApiKeyRepository, Page
from procur.events.facts import ApiKeyMade, ApiKeyRevoked

_MANAGE = "user.write"


def make_key(
    session: Session,
    actor: Actor,
    *,
    name: str,
    scopes: Iterable[str],
    now: datetime,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Make a key for the person who acts; return it and the key itself, which nobody can show again."""
    actor.require(_MANAGE)
    if actor.user_id is None:
        raise InvalidInput("only people have keys", field="as")
    if not name.strip():
        raise InvalidInput("a key needs a name by which people know it", field="name")
    if expires_at is not None and expires_at <= now:
        raise InvalidInput("the end must lie in the future", field="expires_at")
    wanted = sorted(set(scopes))
    if not wanted:
        raise InvalidInput("a key without scopes opens nothing", field="scopes", hint="--scope events.read")
    key, plain = ApiKeyRepository(session).create_key(name.strip(), wanted, actor.user_id, expires_at)
    ends = None if expires_at is None else expires_at.isoformat()
    record(
        session,
        actor,
        ApiKeyMade(str(key.id), key.name, key.key_hint, tuple(key.scopes), ends),
        now=now,
        description=f"The API key {key.name} (…{key.key_hint}) was made",
        category="security",
    )
    return key, plain


def list_keys(session: Session, actor: Actor, *, limit: int = 50, cursor: str | None = None) -> Page[ApiKey]:
    """Return a page of the organisation's keys, newest first, also those that are closed."""
    actor.require(_MANAGE)
    return ApiKeyRepository(session).page(limit=limit, cursor=cursor)


def revoke_key(
    session: Session, actor: Actor, reference: str, *, reason: str | None, now: datetime
) -> tuple[ApiKey, bool]:
    """Close a key, named by its id, its name or its last characters; False: it was closed already."""
    actor.require(_MANAGE)
    keys = ApiKeyRepository(session)
    key = keys.get_by_id(reference) or _named(keys.named_by(reference), reference)
    closed = keys.revoke(key.id, by=actor.user_id, reason=reason)
    if closed:
        record(
            session,
            actor,
            ApiKeyRevoked(str(key.id), key.name, reason),
            now=now,
            description=f"The API key {key.name} (…{key.key_hint}) was revoked",
            category="security",
        )
    return keys.get(key.id), closed


def _named(found: list[ApiKey], reference: str) -> ApiKey:
    if len(found) > 1:
        open_ones = [key for key in found if key.revoked_at is None]
        found = open_ones if len(open_ones) == 1 else found
    if len(found) > 1:
        raise InvalidInput(
            f"{reference[:40]!r} names more than one key",
            field="key",
            hint="take the id: procur keys list --json",
        )
    if not found:
        raise NotFound(f"no API key {reference[:40]!r}", field="key", hint="procur keys list")
    return found[0]
