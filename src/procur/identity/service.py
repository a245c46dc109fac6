"""Organisations and people: create them, and find out who acts."""

import re
from datetime import datetime
from typing import Any

from procur.audit.trail import record
from procur.core.actor import PERMISSIONS, Actor
from procur.core.errors import Conflict, InvalidInput, NotFound
from procur.db import Session
from procur.db.models import Organization, UserAccount
from procur.db.repositories import OrganizationRepository, UserRepository
from procur.events.facts import OrganizationSetUp, UserAdded

# People have no password until sign-in exists: this value matches no hash.
NO_PASSWORD = "!"  # noqa: S105 - the opposite of a password
_COUNTRY = re.compile(r"[A-Za-z]{2}")
_EMAIL = re.compile(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+")


def set_up_organization(
    session: Session,
    actor: Actor | None = None,
    *,
    name: str,
    now: datetime,
    country: str | None = None,
    billing_email: str | None = None,
    company: dict[str, Any] | None = None,
) -> Organization:
    """Give the session's organisation its name, country, billing address and company data.

    Without an actor it is being set up: there is nobody in it yet.
    """
    if actor is not None:
        actor.require("user.write")
    _demand_text(name, "name")
    if country is not None and not _COUNTRY.fullmatch(country):
        raise InvalidInput(f"{country!r} is not a two-letter country code such as DE", field="country")
    if billing_email is not None and not _EMAIL.fullmatch(billing_email):
        raise InvalidInput(f"{billing_email!r} is not an e-mail address", field="billing_email")
    repository = OrganizationRepository(session)
    found = own_organization(session)
    given = {"name": name, "country": country and country.upper(), "billing_email": billing_email}
    changes: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    if company:
        changes["settings"] = {**found.settings, "company": company}
    repository.update(found.id, **changes)
    record(
        session,
        actor or _system(found),
        OrganizationSetUp(slug=found.slug, name=name),
        now=now,
        description=f"Organisation {name} was set up",
        category="system",
    )
    return found


def own_organization(session: Session) -> Organization:
    """Return the organisation that this session belongs to."""
    return OrganizationRepository(session).own()


def add_user(
    session: Session,
    actor: Actor | None,
    organization: Organization,
    *,
    email: str,
    full_name: str,
    role: str,
    now: datetime,
    vendor_id: str | None = None,
) -> UserAccount:
    """Add a person. `vendor_id` binds someone with the role vendor to the vendor for which they sign.

    Without an actor this is the organisation's first person, who must be its owner.
    """
    users = UserRepository(session)
    if actor is None:
        if role != "owner" or users.count():
            raise InvalidInput("the first person of an organisation is its owner", field="role")
        actor = _system(organization)
    else:
        actor.require("user.write")
    if not _EMAIL.fullmatch(email):
        raise InvalidInput(f"{email!r} is not an e-mail address", field="email")
    _demand_text(full_name, "name")
    if role not in PERMISSIONS or role in {"agent", "system"}:
        raise InvalidInput(f"there is no role {role!r}", field="role")
    if (role == "vendor") != (vendor_id is not None):
        raise InvalidInput(
            "a person with the role vendor, and only they, sign for one vendor", field="vendor_id"
        )
    if users.get_by_email(email) is not None:
        raise Conflict(f"{email} has an account already", field="email")
    user = users.create(
        email=email,
        username=email.casefold(),
        hashed_password=NO_PASSWORD,
        full_name=full_name,
        role=role,
        preferences={} if vendor_id is None else {"vendor_id": vendor_id},
    )
    record(
        session,
        actor,
        UserAdded(email=email, role=role),
        now=now,
        description=f"{full_name} was added as {role}",
        category="security",
    )
    return user


def actor_for(session: Session, *, email: str | None) -> Actor:
    """Return the person with this e-mail address; without one, the organisation's first owner."""
    users = UserRepository(session)
    if email is not None:
        user = users.get_by_email(email)
        if user is None or not user.is_active:
            raise NotFound(
                f"Nobody here has the e-mail address {email}", field="as", hint="procur users list"
            )
        return actor_of(user)
    owners = users.with_role("owner")
    if not owners:
        raise NotFound("This organisation has no people yet", hint="procur init --email you@company.com")
    return actor_of(owners[0])


def unattended(session: Session) -> Actor | None:
    """Return the system itself where an organisation has no people: a database under another application."""
    return None if UserRepository(session).count() else _system(own_organization(session))


def actor_of(user: UserAccount) -> Actor:
    """Return the person of this account as an actor."""
    return Actor(
        organization_id=user.organization_id,
        kind="user",
        id=user.email,
        name=user.full_name or user.email,
        role=user.role,
        user_id=user.id,
    )


def _demand_text(value: str, field: str) -> None:
    if not value.strip() or any(sign < " " for sign in value):
        raise InvalidInput(f"{field} needs a text on one line", field=field)


def _system(organization: Organization) -> Actor:
    return Actor(organization.id, "system", "procur", "Procur", "system")
