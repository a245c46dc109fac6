"""Organisations and people."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, update

from procur.core.errors import NotAllowed
from procur.db import tenancy
from procur.db.models import Organization, UserAccount
from procur.db.repositories.base import Key, Repository, bounded, own_organization


class OrganizationRepository(Repository[Organization]):
    """Organisations. Only a system session sees more than its own."""

    model = Organization

    def create(self, **values: Any) -> Organization:
        """Set up an organisation: an operator's act, not a tenant's."""
        if not tenancy.crosses_organizations(self.session):
            raise NotAllowed(
                "a session of one organisation cannot set up another", hint="use system_session()"
            )
        return super().create(**values)

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
        self.get(org_id)
        spent = Organization.monthly_analysis_count + bounded(increment, "increment", least=1, most=1 << 30)
        statement = (
            update(Organization)
            .where(Organization.id == self._key(org_id), spent <= Organization.monthly_analysis_limit)
            .values(monthly_analysis_count=spent)
            .execution_options(synchronize_session=False)
        )
        done: Any = self.session.execute(statement)
        self._fresh(org_id)
        return bool(done.rowcount == 1)

    def can_analyze(self, org_id: Key) -> bool:
        """Say whether the month's allowance has an analysis left."""
        company = self._fresh(org_id)
        return company.is_active and company.monthly_analysis_count < company.monthly_analysis_limit

    def soft_delete(self, id: Key) -> bool:  # noqa: A002 - documented name
        """Close an organisation: nobody can open a session for it any more."""
        deleted = super().soft_delete(id)
        self.session.info["organization_cache"].clear()
        return deleted

    def _visible(self, statement: Select[Any]) -> Select[Any]:
        if tenancy.crosses_organizations(self.session):
            return statement
        return statement.where(Organization.id == tenancy.organization_id(self.session))


class UserRepository(Repository[UserAccount]):
    """People. Sign-in looks them up in a system session, because it does not know the organisation yet."""

    model = UserAccount

    def create(self, **values: Any) -> UserAccount:
        """Write a person; without a username the e-mail address serves."""
        if values.get("username") is None:
            values["username"] = values.get("email")
        return super().create(**values)

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

    def names(self, ids: set[UUID]) -> dict[UUID, str]:
        """Return what to call these people, former ones included."""
        if not ids:
            return {}
        statement = select(UserAccount).where(UserAccount.id.in_(ids))
        return {row.id: row.full_name or row.username for row in self._all(statement, include_deleted=True)}
