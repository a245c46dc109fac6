"""How people and programs get in: sessions, keys, past passwords, attempts, outside accounts.

Sessions, keys and outside accounts are looked up before a tenant is known, so their key is `id` alone and
what they are found by is unique everywhere. Secrets are stored as SHA-256 only: each has 256 random bits,
which nobody guesses, so a slow hash would protect nothing.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from procur.core.ids import uuid7
from procur.db.base import Base, OfOrganization, TenantRow, Times, belongs_to, check, newest_first
from procur.db.types import UtcDateTime, json_list


class UserSession(OfOrganization, Times, Base):
    """A signed-in browser or program; its token is known to the holder only."""

    __tablename__ = "user_sessions"

    id: Mapped[UUID] = mapped_column(Uuid(), primary_key=True, default=uuid7)
    organization_id: Mapped[UUID] = mapped_column(Uuid(), ForeignKey("organizations.id"))
    user_id: Mapped[UUID] = mapped_column(Uuid())
    token_hash: Mapped[str] = mapped_column(String(64))
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime())
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime())
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    ip_address: Mapped[str | None] = mapped_column(String(64))
    user_agent: Mapped[str | None] = mapped_column(String(512))
    # The session that this one took over from, when its token was exchanged for a new one.
    rotated_from: Mapped[UUID | None] = mapped_column(Uuid())

    __table_args__ = (
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("token_hash", info={"field": "token_hash"}),
        belongs_to("user_accounts", "user_id", of="user_sessions"),
        belongs_to("user_sessions", "rotated_from", of="user_sessions"),
        Index("ix_user_sessions_user_id", "organization_id", "user_id", "expires_at"),
        newest_first("user_sessions"),
    )


class ApiKey(OfOrganization, Times, Base):
    """A program's key: shown once when made, stored as its hash, never wider than its maker."""

    __tablename__ = "api_keys"

    id: Mapped[UUID] = mapped_column(Uuid(), primary_key=True, default=uuid7)
    organization_id: Mapped[UUID] = mapped_column(Uuid(), ForeignKey("organizations.id"))
    name: Mapped[str] = mapped_column(String(120))
    key_prefix: Mapped[str] = mapped_column(String(20))
    key_hash: Mapped[str] = mapped_column(String(64))
    # The last four characters, by which people tell keys apart.
    key_hint: Mapped[str] = mapped_column(String(8))
    scopes: Mapped[list[str]] = mapped_column(json_list(), default=list)
    created_by: Mapped[UUID] = mapped_column(Uuid())
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    total_requests: Mapped[int] = mapped_column(BigInteger, default=0)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    revoked_by: Mapped[UUID | None] = mapped_column(Uuid())
    revoked_reason: Mapped[str | None] = mapped_column(String(300))

    __table_args__ = (
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("key_hash", info={"field": "key_hash"}),
        belongs_to("user_accounts", "created_by", of="api_keys"),
        belongs_to("user_accounts", "revoked_by", of="api_keys"),
        newest_first("api_keys"),
        check("total_requests", "total_requests >= 0", field="total_requests"),
    )


class PasswordHistory(TenantRow, Times, Base):
    """A password a person had, hashed, so that it is not chosen again."""

    __tablename__ = "password_history"

    user_id: Mapped[UUID] = mapped_column(Uuid())
    hashed_password: Mapped[str] = mapped_column(String(255))

    __table_args__ = (
        belongs_to("user_accounts", "user_id", of="password_history"),
        Index("ix_password_history_user_id", "organization_id", "user_id", "created_at", "id"),
    )


class LoginAttempt(TenantRow, Times, Base):
    """Somebody tried to sign in to an account.

    Attempts with an address that names nobody are not written: they belong to no organisation, and strangers
    could fill the table. Counting those by network address is the web edge's work.
    """

    __tablename__ = "login_attempts"

    user_id: Mapped[UUID] = mapped_column(Uuid())
    succeeded: Mapped[bool] = mapped_column()
    reason: Mapped[str | None] = mapped_column(String(120))
    ip_address: Mapped[str | None] = mapped_column(String(64))
    user_agent: Mapped[str | None] = mapped_column(String(512))

    __table_args__ = (
        belongs_to("user_accounts", "user_id", of="login_attempts"),
        Index("ix_login_attempts_user_id", "organization_id", "user_id", "created_at", "id"),
        # One address trying the accounts of many organisations: sign-in counts across all of them.
        Index("ix_login_attempts_ip_address", "ip_address", "created_at"),
        newest_first("login_attempts"),
    )


class OAuthConnection(OfOrganization, Times, Base):
    """An account elsewhere by which a person signs in; no token of the provider is kept."""

    __tablename__ = "oauth_connections"

    id: Mapped[UUID] = mapped_column(Uuid(), primary_key=True, default=uuid7)
    organization_id: Mapped[UUID] = mapped_column(Uuid(), ForeignKey("organizations.id"))
    user_id: Mapped[UUID] = mapped_column(Uuid())
    provider: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(255))
    email: Mapped[str | None] = mapped_column(String(254))
    last_login_at: Mapped[datetime | None] = mapped_column(UtcDateTime())

    __table_args__ = (
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("provider", "subject", info={"field": "subject"}),
        belongs_to("user_accounts", "user_id", of="oauth_connections"),
        Index("ix_oauth_connections_user_id", "organization_id", "user_id"),
        newest_first("oauth_connections"),
    )
