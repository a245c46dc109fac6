"""The documented calls in examples of our own; tests/docs runs those of the documents themselves."""

from decimal import Decimal

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


def test_a_purchase_by_the_documented_calls() -> None:
    with get_session() as session:
        ann = UserRepository(session).create(
            email="ann@studio.example", hashed_password="(hash)", role="buyer", organization_id="studio"
        )
        request = RequestRepository(session).create(
            request_id="LAP-7", user_id=ann.id, description="Laptops", quantity=12, budget_max=15_000.5
        )
        vendor = VendorRepository(session).create(vendor_id="quill", name="Quill", list_price=1_100.25)
    with get_session() as session:
        users = UserRepository(session)
        assert [row.id for row in users.get_by_organization("studio")] == [ann.id]
        users.update(ann.id, full_name="Ann")
        assert users.get_by_id(ann.id).full_name == "Ann"  # type: ignore[union-attr]
        assert RequestRepository(session).get(request.id).budget_max == Decimal("15000.5")
    with get_session() as session:
        talks_of, offers = NegotiationRepository(session), OfferRepository(session)
        talks = talks_of.create(request_id=request.id, vendor_id=vendor.id, current_round=3, max_rounds=5)
        offer = offers.create(
            request_id=request.id,
            vendor_id=vendor.id,
            negotiation_session_id=talks.id,
            unit_price=990.75,
            quantity=12,
            term_months=24,
            payment_terms="NET45",
            round_number=3,
            actor="seller",
        )
        assert talks_of.increment_round(talks.id).current_round == 4
        talks_of.complete_session(
            talks.id, outcome="accepted", final_offer_id=offer.id, savings_achieved=1314.0
        )
        AuditRepository(session).log_action(
            action="talks_ended", resource_type="request", resource_id="LAP-7"
        )
    with get_session() as session:
        ended = NegotiationRepository(session).get(talks.id)
        assert (ended.status, ended.savings_achieved) == ("completed", Decimal(1314))
        [entry] = AuditRepository(session).get_by_resource("request", "LAP-7")
        assert entry.action == "talks_ended"
        UserRepository(session).soft_delete(ann.id)
        assert UserRepository(session).get_by_email("ann@studio.example") is None


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


def test_another_configuration_is_taken_before_the_first_use(owner: DatabaseSession) -> None:
    own = DatabaseSession()
    own.config = DatabaseConfig(owner.config.database_url)
    own.create_all_tables()
    with own.get_session() as session:
        assert UserRepository(session).create(email="bo@studio.example", hashed_password="(hash)").id
    own.drop_all_tables()
    own.close()
