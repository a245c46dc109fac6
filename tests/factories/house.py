"""A company with people, vendors and a request, used the way its people use it: through the steps."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from factories.people import People, make_people
from procur.cli.steps import closing, deciding, negotiating, requesting, setting_up
from procur.cli.workspace import Workspace, simulated_clock
from procur.core.actor import Actor
from procur.core.ids import seeded_ids
from procur.db import DatabaseSession, Session
from procur.db.models import RequestRecord
from procur.db.repositories import RequestRepository
from procur.identity.service import actor_for, add_user, own_organization, set_up_organization

DAY = date(2026, 12, 1)
NEED = "Project tracking for 50 people, at most $9,000 a year, single sign-on a must, prefer NET60"
ALICE, BOB, OLGA = "alice@acme.example", "bob@acme.example", "olga@acme.example"

# What a buyer settles when drafting, so that no point of the contract stays open.
SETTLED = {
    "governing_law": "the laws of the State of Oregon",
    "courts": "the courts of Portland, Oregon",
    "availability": "99.9 %",
    "service_credit": "5 % of the month's Charges",
    "support": "by e-mail on Business Days",
}

VENDORS: list[dict[str, Any]] = [
    {
        "vendor_id": vendor_id,
        "name": vendor_id.title(),
        "category": "project-management",
        "currency": "USD",
        "captured_on": "2026-11-01",
        "plans": [{"name": "TEAM", "list_price": price, "features": ["kanban", "single sign-on"]}],
        "evidence": evidence,
    }
    for vendor_id, price, evidence in (
        ("boards", "12.00", [{"framework": "SOC 2", "kind": "report", "source": "report of 2026-03"}]),
        ("tasklane", "11.00", [{"framework": "SOC 2", "kind": "claimed", "source": "their site"}]),
        ("planwell", "13.50", []),
    )
]


@dataclass
class House:
    """Acme on one database: Alice buys, Bob approves, Olga owns; `as_` says who acts."""

    workspace: Workspace
    people: People
    database: DatabaseSession

    def as_(self, who: str) -> Workspace:
        """Return the workspace as this person sees it."""
        return replace(self.workspace, who=who, _database=self.database)

    @property
    def alice(self) -> Workspace:
        return self.as_(ALICE)

    @property
    def bob(self) -> Workspace:
        return self.as_(BOB)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Lend a session of Acme that is rolled back at the end; what was read stays readable."""
        scope = self.database.get_session("acme", ids=self.workspace.ids, clock=self.workspace.clock)
        session = scope.__enter__()
        try:
            yield session
        finally:
            session.expunge_all()
            scope.close()

    def actor(self, session: Session, who: str = ALICE) -> Actor:
        return actor_for(session, email=who)

    def row(self, session: Session, request_id: str) -> RequestRecord:
        return RequestRepository(session).named(request_id)

    def add(self, email: str, role: str, vendor_id: str | None = None) -> str:
        """Add a person to Acme, or a vendor's person who signs."""
        setting_up.add_person(
            self.as_(OLGA),
            email=email,
            full_name=email.partition("@")[0].title(),
            role=role,
            vendor_id=vendor_id,
        )
        return email

    def request(self, text: str = NEED) -> str:
        told = requesting.new_request(self.alice, text)
        request_id: str = told["request_id"]
        return request_id

    def negotiate(self, request_id: str, *, seed: int = 42, rounds: int = 6, **more: Any) -> dict[str, Any]:
        return negotiating.negotiate_request(self.alice, request_id, seed=seed, rounds=rounds, **more)

    def award(self, request_id: str, choice: str = "best_value", **more: Any) -> dict[str, Any]:
        return deciding.award_request(self.alice, request_id, choice, **more)

    def approve(self, request_id: str, who: str = BOB) -> dict[str, Any]:
        return deciding.approve_request(self.as_(who), request_id, approve=True, reason=None)

    def address(self, vendor_id: str) -> None:
        """Record where the vendor is, without which nothing can be signed or ordered."""
        setting_up.update_vendor(
            self.alice,
            vendor_id,
            contact_email=f"orders@{vendor_id}.example",
            country="US",
            address=("1 Road",),
        )

    def draft(self, request_id: str, vendor_id: str) -> dict[str, Any]:
        """Draft the contract without an open point."""
        self.address(vendor_id)
        return closing.draft(self.alice, request_id, details=SETTLED)

    def sign(self, contract_id: str, vendor_id: str) -> dict[str, Any]:
        """Let Alice and somebody of the vendor sign."""
        closing.sign(self.alice, contract_id, "buyer")
        signer = self.add(f"sales@{vendor_id}.example", "vendor", vendor_id)
        return closing.sign(self.as_(signer), contract_id, "vendor")


def make_house(
    database: DatabaseSession, folder: Path, *, ids_seed: int = 7, vendors: list[dict[str, Any]] | None = None
) -> House:
    """Set the company up and fill its catalogue."""
    people = make_people(database)
    clock = simulated_clock(DAY)
    workspace = Workspace(
        folder,
        organization="acme",
        clock=clock,
        ids=seeded_ids(ids_seed, int(clock.now().timestamp() * 1000)),
        _database=database,
    )
    with workspace.session() as session:
        company = {"address": ["1 Harbour Street"]}
        set_up_organization(
            session,
            name="Acme",
            now=clock.now(),
            country="US",
            billing_email="orders@acme.example",
            company=company,
        )
        add_user(
            session,
            _admin(session),
            own_organization(session),
            email=OLGA,
            full_name="Olga",
            role="owner",
            now=clock.now(),
        )
    house = House(workspace, people, database)
    path = folder / "vendors.json"
    path.write_text(json.dumps(VENDORS if vendors is None else vendors))
    setting_up.import_catalogue(house.alice, path)
    return house


def _admin(session: Session) -> Actor:
    return replace(actor_for(session, email=ALICE), role="owner")
