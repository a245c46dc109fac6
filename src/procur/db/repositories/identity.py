"""Organisations and people."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from procur.core.errors import NotAllowed
from procur.core.plans import analysis_limit
from procur.db import tenancy
from procur.db.models import Organization, UserAccount
from procur.db.repositories.base import Key, Repository, by_position, own_organization
from procur.db.repositories.purging import Purged, erase_person
from procur.db.repositories.usage import UsageRepository


class OrganizationRepository(Repository[Organization]):
    """Organisations. Only a system session sees more than its own."""

    model = Organization

    def create(self, *given: Any, **values: Any) -> Organization:
        """Set up an organisation (name, slug, subscription_tier): an operator's act, not a tenant's.

        Without a monthly_analysis_limit it is the plan's.
        """
        if not tenancy.crosses_organizations(self.session):
            raise NotAllowed(
                "a session of one organisation cannot set up another", hint="use system_session()"
            )
        return super().create(**by_position(given, values, "name", "slug", "subscription_tier"))

    def get_by_id(
        self, org_id: Key | None, *, include_deleted: bool = False, for_update: bool = False
    ) -> Organization | None:
        """Return the organisation, or None."""
        return super().get_by_id(org_id, include_deleted=include_deleted, for_update=for_update)

    def own(self) -> Organization:
        """Return the organisation that this session belongs to."""
        return self.get(tenancy.required_organization_id(self.session))

    def get_by_slug(self, slug: str) -> Organization | None:
        """Return the organisation with this slug, or None."""
        return self.find(slug=slug)

    def list_active(self, limit: int = 100) -> list[Organization]:
        """Return the organisations in use, oldest first."""
        return self.get_all(limit=limit, is_active=True)

    def update_usage(self, org_id: Key, increment: int = 1) -> bool:
        """Spend analyses from the month's allowance; False, and nothing spent, when too few are left."""
        company = self._fresh(org_id)
        limit = analysis_limit(company.monthly_analysis_limit)
        counters = UsageRepository(self.session, company)
        return company.is_active and counters.spend("analyses", increment, limit=limit).allowed

    def can_analyze(self, org_id: Key) -> bool:
        """Say whether the month's allowance has an analysis left."""
        company = self._fresh(org_id)
        limit = analysis_limit(company.monthly_analysis_limit)
        used = UsageRepository(self.session, company).used("analyses")
        return company.is_active and (limit is None or used < limit)

    def reset_monthly_usage(self, org_id: Key) -> bool:
        """Give the whole month's allowance back. No job needs to: every month has its own counter."""
        UsageRepository(self.session, self.get(org_id)).reset("analyses")
        return True

    def soft_delete(self, org_id: Key) -> bool:
        """Close an organisation: nobody signs in or opens a session for it; its people's e-mails are free."""
        deleted = super().soft_delete(org_id)
        row = self.get(org_id, include_deleted=True)
        self._move_people(row, since=None, to=row.deleted_at)
        self.session.info["organization_cache"].clear()
        return deleted

    def restore(self, id: Key) -> Organization:  # noqa: A002 - documented name
        """Open an organisation again, with the people it was closed with; Conflict if an e-mail is taken."""
        since = self.get(id, include_deleted=True).deleted_at
        row = super().restore(id)
        if since is not None:
            self._move_people(row, since=since, to=None)
        return row

    def _move_people(self, company: Organization, *, since: datetime | None, to: datetime | None) -> None:
        deleted = UserAccount.deleted_at
        statement = (
            update(UserAccount)
            .where(UserAccount.organization_id == company.id)
            .where(deleted.is_(None) if since is None else deleted == since)
            .values(deleted_at=to, updated_at=tenancy.clock_of(self.session).now())
            .execution_options(synchronize_session=False, include_deleted=True)
        )
        self.session.execute(statement)
        for loaded in list(self.session.identity_map.values()):
            if isinstance(loaded, UserAccount):
                self.session.expire(loaded)


class UserRepository(Repository[UserAccount]):
    """People. Sign-in looks them up in a system session, because it does not know the organisation yet."""

    model = UserAccount

    def create(self, *given: Any, **values: Any) -> UserAccount:
        """Write a person (organization_id, email, hashed_password, full_name, role).

        Without a username the e-mail address serves, without an organisation the session's own.
        """
        order = ("organization_id", "email", "hashed_password", "full_name", "role")
        named = by_position(given, values, *order)
        if named.get("username") is None:
            named["username"] = named.get("email")
        return super().create(**named)

    def get_by_id(
        self, user_id: Key | None, *, include_deleted: bool = False, for_update: bool = False
    ) -> UserAccount | None:
        """Return the person, or None."""
        return super().get_by_id(user_id, include_deleted=include_deleted, for_update=for_update)

    def soft_delete(self, user_id: Key) -> bool:
        """Hide a person; the e-mail address and the username are free again."""
        return super().soft_delete(user_id)

    def get_by_email(self, email: str) -> UserAccount | None:
        """Return the person with exactly this address, whatever its case, or None."""
        return self.find(email_key=email.casefold())

    def get_by_username(self, username: str) -> UserAccount | None:
        """Return the person with this username, or None."""
        return self.find(username=username)

    def get_by_organization(self, organization_id: Key, limit: int = 1000) -> list[UserAccount]:
        """Return the people of an organisation (id, slug, or a single company's own name)."""
        return self.get_all(limit=limit, organization_id=own_organization(self.session, organization_id))

    def list_by_organization(self, org_id: Key, limit: int = 1000) -> list[UserAccount]:
        """Return the people of an organisation (the second documented name)."""
        return self.get_by_organization(org_id, limit)

    def with_role(self, *roles: str) -> list[UserAccount]:
        """Return the active people in these roles, oldest account first."""
        return self.get_all(limit=1000, role=roles, is_active=True)

    def update_last_login(self, user_id: Key) -> bool:
        """Note that the person has just signed in."""
        self.update(user_id, last_login_at=tenancy.clock_of(self.session).now())
        return True

    def purge(self, user_id: Key, *, reason: str, actor_id: object = None) -> Purged:
        """Erase a person: remove their own data for good, empty the account, and audit it.

        The emptied account stays, deleted, because requests, approvals and contracts name it. `actor_id` says
        who asked for it (None: the system).
        """
        row = self.get(user_id, include_deleted=True, for_update=True)
        return erase_person(self.session, row, reason=reason, actor_id=actor_id)

    def names(self, ids: set[UUID]) -> dict[UUID, str]:
        """Return what to call these people, former ones included."""
        if not ids:
            return {}
        statement = select(UserAccount).where(UserAccount.id.in_(ids))
        return {row.id: row.full_name or row.username for row in self._all(statement, include_deleted=True)}
