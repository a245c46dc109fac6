"""Keys of programs."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, or_, select, update

from procur.core.actor import PERMISSIONS
from procur.core.errors import InvalidInput, NotAllowed, NotFound
from procur.db import tenancy
from procur.db.models import ApiKey, Organization, UserAccount
from procur.db.repositories.base import Key, Repository, bounded, own_organization
from procur.db.values import checked

KEY_PREFIX: Final = "procur_"
_HINT = 4
_MOST_REQUESTS = 1 << 31


def new_secret() -> str:
    """Return 256 random bits as text."""
    return secrets.token_urlsafe(32)


def secret_hash(secret: str) -> str:
    """Return what is stored of a secret. SHA-256 suffices: nobody guesses 256 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class ApiKeyRepository(Repository[ApiKey]):
    """Keys by which programs act for the person who made them, inside one organisation."""

    model = ApiKey

    def create_key(
        self, name: str, scopes: Iterable[str], created_by: Key, expires_at: datetime | None = None
    ) -> tuple[ApiKey, str]:
        """Make a key; return its row and the key itself, which is shown this once and stored nowhere.

        Each scope is a permission that the maker's role has: a key cannot do what its maker cannot.
        """
        maker = self._maker(created_by)
        plain = KEY_PREFIX + new_secret()
        row = self.create(
            organization_id=maker.organization_id,
            name=name,
            key_prefix=KEY_PREFIX,
            key_hash=secret_hash(plain),
            key_hint=plain[-_HINT:],
            scopes=list(scopes),
            created_by=maker.id,
            expires_at=expires_at,
        )
        return row, plain

    def create(self, **values: Any) -> ApiKey:
        """Write a key whose hash is known already; its scopes are checked as in `create_key`."""
        if isinstance(values.get("scopes"), str):
            raise InvalidInput("scopes must be a list", field="scopes")
        prepared = checked(
            ApiKey, {name: values[name] for name in ("scopes", "created_by") if name in values}
        )
        if "created_by" in prepared:
            _refuse_wider(prepared.get("scopes", []), self._maker(prepared["created_by"]))
        return super().create(**values)

    def update(self, id: Key, **values: Any) -> ApiKey:  # noqa: A002 - documented name
        """Rename a key, change its end or its scopes (never beyond its maker); the secret stays as it is."""
        for name in ("key_hash", "key_prefix", "key_hint", "created_by"):
            if name in values:
                raise InvalidInput(f"{name} cannot be changed", field=name)
        if "scopes" in values:
            scopes = checked(ApiKey, {"scopes": values["scopes"]})["scopes"]
            _refuse_wider(scopes, self._maker(self.get(id).created_by))
        return super().update(id, **values)

    def find_by_key(self, plain: str) -> ApiKey | None:
        """Return the key that this secret opens, None when it is no key of ours (a slug never is).

        Only a system session may ask, because nobody knows yet whose key it is. A key that was revoked, has
        expired, or whose maker or organisation is gone says so: NotAllowed.
        """
        digest = secret_hash(plain)
        row = self._opened(ApiKey.key_hash == digest)
        return row if row is not None and hmac.compare_digest(row.key_hash, digest) else None

    def find_open(self, id: Key) -> ApiKey | None:  # noqa: A002 - as everywhere
        """Return the key with this id, refused as `find_by_key` refuses it."""
        return self._opened(ApiKey.id == tenancy.as_uuid(id))

    def permissions_of(self, id: Key) -> frozenset[str]:  # noqa: A002 - as everywhere
        """Return what the key may do now: its scopes, less what its maker may not do any more."""
        row = self.get(id)
        return frozenset(row.scopes) & PERMISSIONS.get(self._maker(row.created_by).role, frozenset())

    def touch(self, id: Key, requests: int = 1) -> None:  # noqa: A002 - as everywhere
        """Count so many requests, in one statement."""
        more = bounded(requests, "requests", least=1, most=_MOST_REQUESTS)
        now = tenancy.clock_of(self.session).now()
        statement = (
            update(ApiKey)
            .where(ApiKey.id == self._key(id))
            .values(last_used_at=now, total_requests=ApiKey.total_requests + more, updated_at=now)
            .execution_options(synchronize_session="fetch")
        )
        used: Any = self.session.execute(statement)
        if used.rowcount != 1:
            raise NotFound(f"no ApiKey {str(id)[:64]!r}", field="id")

    def revoke(self, id: Key, *, by: Key | None = None, reason: str | None = None) -> bool:  # noqa: A002
        """Close a key for good; False when it was closed before (the first reason stands)."""
        now = tenancy.clock_of(self.session).now()
        values = checked(
            ApiKey, {"revoked_at": now, "revoked_by": by, "revoked_reason": reason, "updated_at": now}
        )
        statement = (
            update(ApiKey)
            .where(ApiKey.id == self._key(id), ApiKey.revoked_at.is_(None))
            .values(**values)
            .execution_options(synchronize_session=False)
        )
        closed: Any = self.session.execute(statement)
        self._fresh(id)
        return bool(closed.rowcount == 1)

    def list_by_organization(self, org_id: Key, limit: int = 100, *, revoked: bool = True) -> list[ApiKey]:
        """Return an organisation's keys, oldest first, without the revoked ones if asked."""
        owner = own_organization(self.session, org_id)
        if revoked:
            return self.get_all(limit=limit, organization_id=owner)
        return self.get_all(limit=limit, organization_id=owner, revoked_at=None)

    def named_by(self, reference: str, limit: int = 100) -> list[ApiKey]:
        """Return the keys with this name or these last characters: open ones first, then newest first."""
        named = or_(ApiKey.name == reference, ApiKey.key_hint == reference)
        statement = select(ApiKey).where(named).order_by(ApiKey.revoked_at.is_not(None), *self._newest())
        return self._all(statement.limit(bounded(limit, least=1)))

    def _opened(self, which: ColumnElement[bool]) -> ApiKey | None:
        if not tenancy.crosses_organizations(self.session):
            raise NotAllowed("keys are looked up in a system session", hint="use system_session()")
        statement = (
            select(ApiKey, UserAccount, Organization)
            .join(UserAccount, UserAccount.id == ApiKey.created_by)
            .join(Organization, Organization.id == ApiKey.organization_id)
            .where(which)
        )
        options = {"include_deleted": True, "populate_existing": True}
        found = self.session.execute(statement, execution_options=options).one_or_none()
        if found is None:
            return None
        row: ApiKey = found[0]
        self._refuse_closed(row, found[1], found[2])
        return row

    def _maker(self, created_by: Any) -> UserAccount:
        key = tenancy.as_uuid(created_by)
        found = self.session.scalar(select(UserAccount).where(UserAccount.id == key)) if key else None
        if found is None:
            raise InvalidInput("created_by names nobody in this organisation", field="created_by")
        return found

    def _refuse_closed(self, row: ApiKey, maker: UserAccount, organization: Organization) -> None:
        now = tenancy.clock_of(self.session).now()
        if row.revoked_at is not None:
            raise NotAllowed("this API key was revoked", details={"revoked_at": row.revoked_at.isoformat()})
        if row.expires_at is not None and row.expires_at <= now:
            raise NotAllowed("this API key has expired", details={"expired_at": row.expires_at.isoformat()})
        if maker.is_deleted or not maker.is_active:
            raise NotAllowed("the person who made this API key is not active any more")
        if organization.is_deleted or not organization.is_active:
            raise NotAllowed("the organisation of this API key is closed")


def _refuse_wider(scopes: Iterable[str], maker: UserAccount) -> None:
    allowed = PERMISSIONS.get(maker.role, frozenset())
    for scope in scopes:
        if scope not in allowed:
            raise InvalidInput(
                f"{str(scope)[:40]!r} is no permission of the key's maker ({maker.role})",
                field="scopes",
                hint="choose from: " + ", ".join(sorted(allowed)),
            )
