"""Alice buys, Bob approves for her, Charlie belongs to another organisation."""

from dataclasses import dataclass
from uuid import UUID

from procur.db import DatabaseSession
from procur.db.models import Organization, UserAccount
from procur.db.repositories import OrganizationRepository, UserRepository


@dataclass(frozen=True)
class People:
    """The three and their organisations, committed."""

    organization: Organization
    other_organization: Organization
    alice: UserAccount
    bob: UserAccount
    charlie: UserAccount

    @property
    def organization_id(self) -> UUID:
        return self.organization.id

    @property
    def other_organization_id(self) -> UUID:
        return self.other_organization.id


def make_people(database: DatabaseSession) -> People:
    """Write the organisations and the people."""
    with database.system_session() as session:
        organizations = OrganizationRepository(session)
        acme = organizations.create(name="Acme", slug="acme")
        rival = organizations.create(name="Rival", slug="rival")
        users = UserRepository(session)
        alice = _person(users, acme, "alice", "buyer")
        bob = _person(users, acme, "bob", "approver")
        charlie = _person(users, rival, "charlie", "buyer")
    return People(acme, rival, alice, bob, charlie)


def _person(users: UserRepository, organization: Organization, name: str, role: str) -> UserAccount:
    return users.create(
        organization_id=organization.id,
        email=f"{name}@{organization.slug}.example",
        username=name,
        full_name=name.title(),
        hashed_password="not-a-real-hash",
        role=role,
    )
