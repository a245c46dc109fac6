"""Removal for good, for the sake of privacy or of retention: counted, given a reason, and audited."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_
from sqlalchemy.orm import Session

from procur.core.errors import InvalidInput
from procur.db import tenancy
from procur.db.models import (
    ApiKey,
    LoginAttempt,
    Notification,
    OAuthConnection,
    PasswordHistory,
    UserAccount,
    UserSession,
)
from procur.db.repositories.audit import AuditRepository
from procur.db.repositories.cascades import Family

LONGEST_REASON = 500
NO_PASSWORD = "!"  # noqa: S105 - matches no hash


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge removed: rows by table, and the files that those rows named.

    The files lie outside the database: whoever stores them deletes them.
    """

    rows: Mapping[str, int]
    files: tuple[str, ...]


def purge_row(session: Session, row: Any, *, called: str, reason: str, actor_id: object = None) -> Purged:
    """Remove a row and all that goes with it; write one audit entry that says how much, not what."""
    _demand(session, reason)
    key: UUID = row.id
    purged = _removed(Family(session, row), with_root=True)
    _audit(session, f"{called}_purged", key, purged, reason=reason, actor_id=actor_id)
    return purged


def erase_person(session: Session, user: UserAccount, *, reason: str, actor_id: object = None) -> Purged:
    """Remove what only concerns the person, and empty the account.

    The account's row stays, because requests, approvals and contracts name it; nothing in it says who it was.
    """
    _demand(session, reason)
    purged = _removed(Family(session, user, also=_personal(user)), with_root=False)
    for name, value in emptied(user.id).items():
        setattr(user, name, value)
    user.deleted_at = user.deleted_at or tenancy.clock_of(session).now()
    session.flush()
    _audit(session, "user_erased", user.id, purged, reason=reason, actor_id=actor_id)
    return purged


def _personal(user: UserAccount) -> dict[str, ColumnElement[bool]]:
    """Return, by table, which rows concern nobody else though no key says so: ways in, and mail."""
    address = func.lower(Notification.recipient) == user.email.lower()
    return {
        "api_keys": ApiKey.created_by == user.id,
        "login_attempts": LoginAttempt.user_id == user.id,
        "notifications": or_(Notification.user_id == user.id, address),
        "oauth_connections": OAuthConnection.user_id == user.id,
        "password_history": PasswordHistory.user_id == user.id,
        "user_sessions": UserSession.user_id == user.id,
    }


def emptied(user_id: UUID) -> dict[str, Any]:
    """Return what every personal field of an erased account holds."""
    return {
        "email": f"{user_id}@erased.invalid",
        "username": f"erased-{user_id}",
        "full_name": "Erased person",
        "hashed_password": NO_PASSWORD,
        "role": "viewer",
        "is_active": False,
        "is_superuser": False,
        "is_verified": False,
        "team": None,
        "last_login_at": None,
        "preferences": {},
        "business_type": None,
        "company_size": None,
        "company_name": None,
        "monthly_volume": None,
        "password_changed_at": None,
        "must_change_password": False,
        "failed_login_attempts": 0,
        "locked_until": None,
        "mfa_enabled": False,
        "mfa_secret": None,
        "mfa_backup_codes": [],
    }


def _demand(session: Session, reason: object) -> None:
    """Refuse a purge without a reason, or in a session whose organisation's trail could not take it."""
    tenancy.required_organization_id(session)
    if not isinstance(reason, str) or not reason.strip():
        raise InvalidInput("say why this is to be removed for good", field="reason")
    if len(reason) > LONGEST_REASON:
        raise InvalidInput(f"reason is too long: at most {LONGEST_REASON} characters", field="reason")


def _removed(family: Family, *, with_root: bool) -> Purged:
    files = tuple(family.files())
    return Purged(rows=family.remove(with_root=with_root), files=files)


def _audit(
    session: Session, action: str, key: UUID, purged: Purged, *, reason: str, actor_id: object
) -> None:
    """Write how much went, why and at whose word (None: the system's); never what it said."""
    person = tenancy.as_uuid(actor_id)
    called = action.partition("_")[0]
    AuditRepository(session).log_action(
        action=action,
        resource_type=called,
        resource_id=key,
        actor_type="system" if actor_id is None else "agent" if person is None else "user",
        actor_id=actor_id,
        user_id=person,
        event_category="compliance",
        severity="warning",
        event_data={"reason": reason, "removed": dict(purged.rows), "files": len(purged.files)},
        description=f"A {called} was removed for good",
    )
