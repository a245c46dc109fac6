"""How people sign in: sessions, past passwords, attempts, accounts elsewhere."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, func, select, update

from procur.core.errors import Conflict, NotAllowed
from procur.db import tenancy
from procur.db.models import (
    LoginAttempt,
    OAuthConnection,
    Organization,
    PasswordHistory,
    UserAccount,
    UserSession,
)
from procur.db.repositories.access import new_secret, secret_hash
from procur.db.repositories.base import Key, Repository, bounded
from procur.db.repositories.identity import UserRepository
from procur.db.values import checked


class UserSessionRepository(Repository[UserSession]):
    """Signed-in browsers and programs."""

    model = UserSession

    def open(
        self,
        user_id: Key,
        expires_at: datetime,
        *,
        ip_address: str | None = None,
        user_agent: str | None = None,
        rotated_from: Key | None = None,
    ) -> tuple[UserSession, str]:
        """Sign a person in; return the session and its token, which is shown this once and stored nowhere."""
        person = UserRepository(self.session).get(user_id)
        token = new_secret()
        row = self.create(
            organization_id=person.organization_id,
            user_id=person.id,
            token_hash=secret_hash(token),
            last_seen_at=tenancy.clock_of(self.session).now(),
            expires_at=expires_at,
            ip_address=ip_address,
            user_agent=user_agent,
            rotated_from=rotated_from,
        )
        return row, token

    def find_by_token(self, token: str) -> UserSession | None:
        """Return the live session with this token: not ended, of an active person and organisation.

        Only a system session may ask, because nobody knows yet whose token it is.
        """
        _only_in_system_session(self.session)
        statement = _of_the_living(select(UserSession), UserSession).where(
            UserSession.token_hash == secret_hash(token), *self._open_now()
        )
        rows = self._all(statement.execution_options(populate_existing=True))
        return rows[0] if rows else None

    def rotate(self, id: Key, *, expires_at: datetime | None = None) -> tuple[UserSession, str]:  # noqa: A002
        """End a session and open its successor with a new token; Conflict when it has ended already.

        Of several who rotate one session together only one gets a successor.
        """
        old = self.get(id)
        if not self.revoke(id):
            raise Conflict("this session has ended", field="id")
        return self.open(
            old.user_id,
            expires_at or old.expires_at,
            ip_address=old.ip_address,
            user_agent=old.user_agent,
            rotated_from=old.id,
        )

    def seen(self, id: Key) -> None:  # noqa: A002 - as everywhere
        """Note that the session was used just now."""
        self.update(id, last_seen_at=tenancy.clock_of(self.session).now())

    def revoke(self, id: Key) -> bool:  # noqa: A002 - as everywhere
        """End a session; False when it had ended before."""
        ended = self._end(UserSession.id == self._key(id))
        self._fresh(id)
        return ended == 1

    def revoke_all(self, user_id: Key, *, but: Key | None = None) -> int:
        """End every session of a person, except one if named; return how many were live."""
        mine = UserSession.user_id == self._key(user_id)
        return self._end(mine) if but is None else self._end(mine, UserSession.id != self._key(but))

    def live(self, user_id: Key, limit: int = 100) -> list[UserSession]:
        """Return a person's live sessions, newest first."""
        statement = select(UserSession).where(UserSession.user_id == self._key(user_id), *self._open_now())
        return self._all(statement.order_by(*self._newest()).limit(bounded(limit)))

    def _open_now(self) -> tuple[Any, Any]:
        now = tenancy.clock_of(self.session).now()
        return UserSession.revoked_at.is_(None), UserSession.expires_at > now

    def _end(self, *which: Any) -> int:
        now = tenancy.clock_of(self.session).now()
        statement = (
            update(UserSession)
            .where(*which, *self._open_now())
            .values(revoked_at=now, updated_at=now)
            .execution_options(synchronize_session="fetch")
        )
        ended: Any = self.session.execute(statement)
        return int(ended.rowcount)


class PasswordHistoryRepository(Repository[PasswordHistory]):
    """Passwords people had, hashed."""

    model = PasswordHistory

    def remember(self, user_id: Key, hashed_password: str, *, keep: int = 24) -> PasswordHistory:
        """Note a password, and forget those beyond the newest `keep`."""
        person = UserRepository(self.session).get(user_id)
        row = self.create(
            organization_id=person.organization_id, user_id=person.id, hashed_password=hashed_password
        )
        newest = (
            self._newest_of(person.id)
            .limit(bounded(keep, "keep", least=1))
            .with_only_columns(PasswordHistory.id)
        )
        statement = delete(PasswordHistory).where(
            PasswordHistory.user_id == person.id, PasswordHistory.id.not_in(newest)
        )
        self.session.execute(statement.execution_options(synchronize_session="fetch"))
        return row

    def recent(self, user_id: Key, limit: int = 5) -> list[str]:
        """Return a person's newest past passwords (hashed), newest first."""
        rows = self._all(self._newest_of(self._key(user_id)).limit(bounded(limit)))
        return [row.hashed_password for row in rows]

    def _newest_of(self, user_id: Any) -> Select[Any]:
        return select(PasswordHistory).where(PasswordHistory.user_id == user_id).order_by(*self._newest())


class LoginAttemptRepository(Repository[LoginAttempt]):
    """Who tried to sign in to which account. An address that names nobody belongs to no organisation."""

    model = LoginAttempt

    def record(
        self,
        user_id: Key,
        *,
        succeeded: bool,
        reason: str | None = None,
        ip_address: str | None = None,
        user_agent: str | None = None,
    ) -> LoginAttempt:
        """Write an attempt down."""
        person = UserRepository(self.session).get(user_id)
        return self.create(
            organization_id=person.organization_id,
            user_id=person.id,
            succeeded=succeeded,
            reason=reason,
            ip_address=ip_address,
            user_agent=user_agent,
        )

    def failures(self, *, since: datetime, user_id: Key | None = None, ip_address: str | None = None) -> int:
        """Count failed attempts from a moment on: at one account, from one address, or both.

        In a system session an address is counted over all organisations.
        """
        moment = checked(LoginAttempt, {"created_at": since})["created_at"]
        equals: dict[str, Any] = {"succeeded": False}
        if user_id is not None:
            equals["user_id"] = self._key(user_id)
        if ip_address is not None:
            equals["ip_address"] = ip_address
        statement = select(func.count()).select_from(LoginAttempt)
        statement = statement.where(*self._equal(equals), LoginAttempt.created_at >= moment)
        return int(self.session.execute(statement).scalar_one())

    def recent(self, user_id: Key, limit: int = 20) -> list[LoginAttempt]:
        """Return the newest attempts at an account, newest first."""
        statement = select(LoginAttempt).where(LoginAttempt.user_id == self._key(user_id))
        return self._all(statement.order_by(*self._newest()).limit(bounded(limit)))

    def forget_before(self, moment: datetime) -> int:
        """Remove attempts older than this; return how many."""
        return self._remove_before(moment)


class OAuthConnectionRepository(Repository[OAuthConnection]):
    """Accounts elsewhere by which people sign in."""

    model = OAuthConnection

    def link(self, user_id: Key, provider: str, subject: str, *, email: str | None = None) -> OAuthConnection:
        """Let a person sign in by this account elsewhere; Conflict when it is somebody's already."""
        person = UserRepository(self.session).get(user_id)
        return self.create(
            organization_id=person.organization_id,
            user_id=person.id,
            provider=provider,
            subject=subject,
            email=email,
        )

    def find_by_subject(self, provider: str, subject: str) -> OAuthConnection | None:
        """Return the connection of an active person with this account elsewhere, or None.

        Only a system session may ask, because nobody knows yet who comes.
        """
        _only_in_system_session(self.session)
        statement = _of_the_living(select(OAuthConnection), OAuthConnection)
        rows = self._all(statement.where(*self._equal({"provider": provider, "subject": subject})))
        return rows[0] if rows else None

    def of_user(self, user_id: Key, limit: int = 100) -> list[OAuthConnection]:
        """Return a person's connections, oldest first."""
        return self.get_all(limit=limit, user_id=self._key(user_id))

    def unlink(self, user_id: Key, provider: str) -> int:
        """Forget a person's accounts at a provider; return how many."""
        equals = {"user_id": self._key(user_id), "provider": provider}
        statement = delete(OAuthConnection).where(*self._equal(equals))
        gone: Any = self.session.execute(statement.execution_options(synchronize_session="fetch"))
        return int(gone.rowcount)


def _only_in_system_session(session: Any) -> None:
    if not tenancy.crosses_organizations(session):
        raise NotAllowed("sign-in looks people up in a system session", hint="use system_session()")


def _of_the_living(statement: Select[Any], model: Any) -> Select[Any]:
    """Join the person and the organisation, and let only active ones pass; the session hides deleted ones."""
    return (
        statement.join(UserAccount, UserAccount.id == model.user_id)
        .join(Organization, Organization.id == model.organization_id)
        .where(UserAccount.is_active.is_(True), Organization.is_active.is_(True))
    )
