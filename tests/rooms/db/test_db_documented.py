"""The usage examples of the persistence document, unchanged but for the database behind them."""

import pytest

from procur.core.errors import NotFound
from procur.db import DatabaseSession, get_db_session, get_session
from procur.db.config import DatabaseConfig
from procur.db.repositories import (
    AuditRepository,
    NegotiationRepository,
    OfferRepository,
    OrganizationRepository,
    RequestRepository,
    UserRepository,
    VendorRepository,
)


@pytest.fixture(autouse=True)
def process_database(database: DatabaseSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("procur.db.session._default", database)


def test_the_walk_through() -> None:
    with get_session() as session:
        user = UserRepository(session).create(
            email="buyer@company.com",
            username="buyer1",
            hashed_password="hashed_password_here",
            full_name="John Buyer",
            role="buyer",
            organization_id="acme-corp",
        )
        request = RequestRepository(session).create(
            request_id="req-001",
            user_id=user.id,
            description="Need CRM for 50 users",
            request_type="saas",
            category="crm",
            budget_max=60000.0,
            quantity=50,
            status="pending",
        )
        vendor = VendorRepository(session).create(
            vendor_id="salesforce",
            name="Salesforce",
            category="crm",
            list_price=150.0,
            features=["api", "mobile", "analytics"],
            certifications=["SOC2", "ISO27001"],
        )
    with get_session() as session:
        user_repo = UserRepository(session)
        found = user_repo.get_by_email("buyer@company.com")
        assert found is not None
        assert [row.id for row in user_repo.get_by_organization("acme-corp")] == [found.id]
        user_repo.update(found.id, full_name="John Q. Buyer")
    with get_session() as session:
        neg_repo, offer_repo = NegotiationRepository(session), OfferRepository(session)
        talks = neg_repo.create(
            session_id="neg-001",
            request_id=request.id,
            vendor_id=vendor.id,
            status="active",
            current_round=1,
            max_rounds=8,
        )
        offer = offer_repo.create(
            offer_id="offer-001",
            request_id=request.id,
            vendor_id=vendor.id,
            negotiation_session_id=talks.id,
            unit_price=140.0,
            quantity=50,
            term_months=12,
            payment_terms="NET30",
            round_number=1,
            actor="seller",
        )
        neg_repo.increment_round(talks.id)
        neg_repo.complete_session(
            talks.id, outcome="accepted", final_offer_id=offer.id, savings_achieved=500.0
        )
        AuditRepository(session).log_action(action="create_request", user_id=user.id)
    with get_session() as session:
        UserRepository(session).soft_delete(user.id)
        assert UserRepository(session).get_by_email("buyer@company.com") is None


def test_a_single_company_has_one_name_of_its_own() -> None:
    with get_session() as session:
        users = UserRepository(session)
        with pytest.raises(NotFound):
            users.get_by_organization("acme-corp")
        users.create(email="a@b.example", hashed_password="x", organization_id="acme-corp")
        assert len(users.get_by_organization("acme-corp")) == 1
        with pytest.raises(NotFound):
            users.create(email="c@d.example", hashed_password="x", organization_id="globex")


def test_no_name_is_taken_once_there_are_two_organisations(database: DatabaseSession) -> None:
    with database.system_session() as session:
        OrganizationRepository(session).create(name="Second", slug="second")
    with pytest.raises(NotFound), get_session() as session:
        UserRepository(session).create(email="a@b.example", hashed_password="x", organization_id="acme-corp")


def test_organisations_and_their_allowance() -> None:
    with get_db_session().system_session() as session:
        org_repo = OrganizationRepository(session)
        org = org_repo.create(name="Acme Corp", slug="acme", subscription_tier="pro")
        assert org_repo.can_analyze(org.id)
        assert org_repo.update_usage(org.id, increment=1)
        assert org_repo.get_by_slug("acme") is org
        assert org in org_repo.list_active(limit=10)
        assert org_repo.soft_delete(org.id)


def test_the_documented_test_fixture(owner: DatabaseSession) -> None:
    own = DatabaseSession()
    own.config = DatabaseConfig(owner.config.database_url)
    own.create_all_tables()
    with own.get_session() as session:
        user = UserRepository(session).create(
            email="test@example.com", username="testuser", hashed_password="hashed", role="buyer"
        )
        assert user.id is not None
    own.drop_all_tables()
    own.close()
