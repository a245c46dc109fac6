"""Tenders, analyses and bids: what the tender systems before got wrong stays right here."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from factories.bidding import BidDesk
from factories.people import People
from procur.core.errors import Conflict, InvalidInput, NotFound
from procur.db import DatabaseSession, Session
from procur.db.models import TenderDB, TenderStatus
from procur.db.repositories import (
    AnalysisRepository,
    BidDocumentRepository,
    OrganizationRepository,
    TenderRepository,
    UserRepository,
)

RATINGS = {
    "overall_score": 8.5,
    "strategic_fit": 9.0,
    "financial_attractiveness": 6.5,
    "win_probability": 7.0,
    "resource_requirements": 4.5,
}


def notices(*names: str, **more: Any) -> list[dict[str, Any]]:
    plain = {"source": "ted", "description": "d", "organization_name": "City", **more}
    return [{**plain, "external_id": name, "title": f"Notice {name}"} for name in names]


@pytest.fixture
def desk(session: Session) -> BidDesk:
    return BidDesk(session)


@pytest.fixture
def tenders(session: Session) -> TenderRepository:
    return TenderRepository(session)


def test_a_tender_keeps_words_and_what_was_read_from_them(desk: BidDesk, session: Session) -> None:
    deadline = datetime(2026, 12, 1, 12, tzinfo=UTC)
    made = desk.tender(
        deadline="1 December, noon",
        deadline_at=deadline,
        estimated_value="about 1.5 million euros",
        estimated_amount=1_500_000.5,
        estimated_currency="EUR",
        lots=[{"title": "Lot 1"}],
    )
    session.expire_all()
    assert (made.deadline_at, made.estimated_amount) == (deadline, Decimal("1500000.5"))
    made.lots[0]["title"] = "Lot one"
    session.flush()
    session.expire_all()
    assert made.lots == [{"title": "Lot one"}]
    with pytest.raises(InvalidInput) as caught:
        desk.tender(estimated_currency="XXY")
    assert caught.value.field == "estimated_currency"


def test_values_may_go_by_position(tenders: TenderRepository, people: People) -> None:
    own = people.organization_id
    made = tenders.create(own, "Title", "Text", "City", "soon", "5 EUR", "X-1", "manual")
    assert (made.organization_name, made.deadline, made.external_id, made.source) == (
        "City",
        "soon",
        "X-1",
        "manual",
    )
    with pytest.raises(InvalidInput) as caught:
        tenders.create(own, "Title", title="Again")
    assert caught.value.field == "title"
    with pytest.raises(InvalidInput):
        tenders.create(own, *["x"] * 8)


def test_the_newest_come_first_by_status(desk: BidDesk, tenders: TenderRepository, people: People) -> None:
    own = people.organization_id
    made = [desk.tender() for _ in range(5)]
    tenders.update_status(made[1].id, TenderStatus.COMPLETE)
    assert tenders.list_by_organization(own) == made[::-1]
    assert tenders.list_by_organization(own, limit=2, offset=1) == [made[3], made[2]]
    # T-10: a status just written is found in the same session.
    assert tenders.list_by_organization(org_id=own, status=TenderStatus.COMPLETE) == [made[1]]
    assert tenders.count_by_organization(own) == 5
    assert tenders.count_by_organization(own, TenderStatus.COMPLETE) == 1
    with pytest.raises(InvalidInput):
        tenders.list_by_organization(own, status="lost")


def test_an_error_is_told_until_the_next_run(desk: BidDesk, tenders: TenderRepository) -> None:
    key = desk.tender().id
    assert tenders.update_status(key, TenderStatus.ERROR, error_message="no answer", processing_time=1.5)
    assert (tenders.get(key).error_message, tenders.get(key).processing_time) == ("no answer", 1.5)
    assert tenders.update_status(key, "processing")
    assert (tenders.get(key).error_message, tenders.get(key).processing_time) == (None, 1.5)
    with pytest.raises(InvalidInput) as caught:
        tenders.update_status(key, "processing", processing_time=-1.0)
    assert caught.value.field == "processing_time"


def test_the_same_notice_again_updates_it(tenders: TenderRepository) -> None:
    first = tenders.upsert("ted", "N-1", title="Old", description="d", organization_name="City")
    tenders.update_status(first.id, TenderStatus.COMPLETE)
    again = tenders.upsert("ted", "N-1", title="New", description="d", organization_name="City")
    assert again is first
    assert (first.title, first.status) == ("New", "complete")
    assert tenders.count() == 1
    assert tenders.get_by_external_id("N-1", source="ted") is first
    assert tenders.get_by_external_id("N-1", source="sam") is None
    assert tenders.get_by_external_id("N-1") is first


def test_many_notices_are_written_together_or_not_at_all(tenders: TenderRepository) -> None:
    assert tenders.upsert_many(notices("a", "b")) == {"created": 2, "updated": 0}
    assert tenders.upsert_many(notices("b", "c", "c", country="DE")) == {"created": 1, "updated": 1}
    countries = {tender.external_id: tender.country for tender in tenders.get_all()}
    assert countries == {"a": None, "b": "DE", "c": "DE"}
    with pytest.raises(InvalidInput) as caught:
        tenders.upsert_many([*notices("d"), *notices("e", estimated_amount="NaN")])
    assert (caught.value.field, caught.value.details) == ("estimated_amount", {"line": 2})
    for unfit in ({"external_id": None}, {"source": ""}, {"id": uuid4()}, {"deleted_at": None}):
        with pytest.raises(InvalidInput) as caught:
            tenders.upsert_many([{**notices("d")[0], **unfit}])
        assert caught.value.field == next(iter(unfit))
    assert tenders.count() == 3
    assert tenders.upsert_many([]) == {"created": 0, "updated": 0}


def test_a_second_tender_of_one_notice_is_a_conflict(desk: BidDesk, session: Session) -> None:
    for source in ("ted", None):
        desk.tender(source=source, external_id="N-1")
        with pytest.raises(Conflict) as caught, session.begin_nested():
            desk.tender(source=source, external_id="N-1")
        assert caught.value.field == "external_id"
    desk.tender()
    desk.tender()


def test_a_deleted_tender_does_not_block_its_notice(tenders: TenderRepository, session: Session) -> None:
    # T-6: the unique rule counts live rows.
    values = {"title": "T", "description": "d", "organization_name": "City"}
    old = tenders.upsert("ted", "N-1", **values)
    assert tenders.soft_delete(old.id)
    new = tenders.upsert("ted", "N-1", **values)
    assert new.id != old.id
    with pytest.raises(Conflict) as caught, session.begin_nested():
        tenders.restore(old.id)
    assert caught.value.field == "external_id"
    tenders.soft_delete(new.id)
    assert tenders.restore(old.id).is_deleted is False


def test_the_organisation_named_has_to_be_ones_own(
    database: DatabaseSession, people: People, desk: BidDesk, session: Session
) -> None:
    tender = desk.tender()
    desk.analysis(tender)
    desk.bid(tender)
    session.commit()
    own, other = people.organization_id, people.other_organization_id
    key = tender.id
    assert TenderRepository(session).get_by_id(tender_id=key, org_id=own) is tender
    calls: list[Callable[[Session, Any], Any]] = [
        lambda s, org: TenderRepository(s).get_by_id(key, org),
        lambda s, org: TenderRepository(s).get_by_external_id("N", org),
        lambda s, org: TenderRepository(s).list_by_organization(org),
        lambda s, org: TenderRepository(s).count_by_organization(org),
        lambda s, org: TenderRepository(s).update_status(key, "error", org_id=org),
        lambda s, org: TenderRepository(s).soft_delete(key, org),
        lambda s, org: AnalysisRepository(s).get_high_score_tenders(org),
        lambda s, org: BidDocumentRepository(s).list_by_organization(org),
    ]
    session.commit()
    for call in calls:
        for slug, named in (("acme", other), ("rival", own)):
            with pytest.raises(NotFound), database.get_session(slug) as asking:
                call(asking, named)
    with database.system_session() as system:
        assert TenderRepository(system).get_by_id(key, other) is None
        assert TenderRepository(system).get(key).status == "pending"


def test_nothing_of_another_organisations_tender_is_read_or_changed(
    database: DatabaseSession, desk: BidDesk, session: Session
) -> None:
    # T-8: status, analysis and bid had no tenant.
    tender = desk.tender()
    desk.analysis(tender)
    desk.bid(tender)
    session.commit()
    key = tender.id
    with database.get_session("rival") as foreign:
        tenders, analyses, bids = (
            TenderRepository(foreign),
            AnalysisRepository(foreign),
            BidDocumentRepository(foreign),
        )
        assert tenders.get_by_id(key) is None
        assert analyses.get_by_tender_id(key) is None
        assert bids.get_by_tender_id(key) is None
        assert bids.history(key) == []
        text = dict.fromkeys(("executive_summary", "capabilities", "approach", "value_proposition"), "x")
        for attempt in (
            lambda: tenders.update_status(key, "error"),
            lambda: tenders.soft_delete(key),
            lambda: analyses.create(tender_id=key, is_relevant=True, confidence=1.0),
            lambda: analyses.upsert(key, is_relevant=True, confidence=1.0),
            lambda: analyses.update_rating(key, overall_score=1.0),
            lambda: bids.create(tender_id=key, **text),
        ):
            with pytest.raises(NotFound):
                attempt()
    session.expire_all()
    assert (tender.status, desk.analyses.get_by_tender_id(key).overall_score) == ("pending", None)  # type: ignore[union-attr]
    assert len(desk.bids.history(key)) == 1


def test_every_dimension_and_cost_of_an_analysis_is_stored(desk: BidDesk, session: Session) -> None:
    # T-5, T-11: costs, model, financial attractiveness, requirements and effort were lost.
    tender = desk.tender()
    made = desk.analysis(tender, llm_model="small-1", processing_cost=0.00036)
    assert desk.analyses.update_rating(
        tender.id, **RATINGS, strengths=["fits"], risks=[], requirements=["ISO 27001"], recommendation="Go"
    )
    session.expire_all()
    found = desk.analyses.get_latest_by_tender(tender.id)
    assert found is made
    assert {name: getattr(made, name) for name in RATINGS} == RATINGS
    assert (made.requirements, made.recommendation, made.llm_model) == (["ISO 27001"], "Go", "small-1")
    assert made.processing_cost == Decimal("0.00036")
    bid = desk.bid(tender, generation_cost="0.0000000001", llm_model="large-1", timeline_estimate="6 weeks")
    session.expire_all()
    assert (bid.generation_cost, bid.llm_model) == (Decimal("0.0000000001"), "large-1")


@pytest.mark.parametrize("field", [*RATINGS, "confidence"])
def test_ratings_stay_on_their_scale(desk: BidDesk, session: Session, field: str) -> None:
    tender = desk.tender()
    most = 1 if field == "confidence" else 10
    for value in (-0.01, most + 0.01, float("nan")):
        with pytest.raises(InvalidInput) as caught, session.begin_nested():
            desk.analysis(tender, **{field: value})
        assert caught.value.field == field
    desk.analysis(tender, **{field: most})


def test_a_tender_has_one_analysis(desk: BidDesk, session: Session) -> None:
    tender = desk.tender()
    first = desk.analysis(tender, overall_score=3.0)
    with pytest.raises(Conflict), session.begin_nested():
        desk.analysis(tender)
    again = desk.analyses.upsert(tender.id, is_relevant=False, confidence=0.9)
    assert again is first
    assert (first.is_relevant, first.confidence, first.overall_score) == (False, 0.9, 3.0)
    fresh = desk.tender()
    assert desk.analyses.upsert(fresh.id, is_relevant=True, confidence=0.5).tender_id == fresh.id
    with pytest.raises(InvalidInput) as caught:
        desk.analyses.update_rating(tender.id, is_relevant=True)
    assert caught.value.field == "is_relevant"
    with pytest.raises(NotFound):
        desk.analyses.update_rating(desk.tender().id, overall_score=1.0)


def test_the_best_tenders_come_first(desk: BidDesk, people: People) -> None:
    made: dict[float, TenderDB] = {}
    for score in (6.9, 7.0, 9.5, 8.0):
        made[score] = desk.tender()
        desk.analysis(made[score], overall_score=score)
    desk.analysis(desk.tender())
    own = people.organization_id
    assert desk.analyses.get_high_score_tenders(own) == [made[9.5], made[8.0], made[7.0]]
    assert desk.analyses.get_high_score_tenders(own, min_score=8.0, limit=1) == [made[9.5]]
    TenderRepository(desk.session).soft_delete(made[9.5].id)
    assert desk.analyses.get_high_score_tenders(own, 8) == [made[8.0]]
    assert desk.analyses.get_by_tender_id(made[9.5].id) is None
    with pytest.raises(InvalidInput) as caught:
        desk.analyses.get_high_score_tenders(own, min_score="high")  # type: ignore[arg-type]
    assert caught.value.field == "min_score"


def test_a_new_bid_is_a_new_version(desk: BidDesk, people: People, session: Session) -> None:
    tender, other = desk.tender(), desk.tender()
    first, second = desk.bid(tender), desk.bid(tender)
    lone = desk.bid(other)
    assert (first.version, second.version, lone.version) == (1, 2, 1)
    assert desk.bids.get_by_tender_id(tender.id) is desk.bids.get_latest_by_tender(tender.id) is second
    assert desk.bids.history(tender.id) == [second, first]
    assert desk.bids.list_by_organization(people.organization_id) == [lone, second]
    assert desk.bids.list_by_organization(people.organization_id, limit=1) == [lone]
    with pytest.raises(InvalidInput) as caught:
        desk.bid(tender, version=7)
    assert caught.value.field == "version"
    TenderRepository(session).soft_delete(other.id)
    assert desk.bids.list_by_organization(people.organization_id) == [second]
    with pytest.raises(NotFound):
        desk.bid(other)


def test_bids_written_at_once_get_versions_of_their_own(database: DatabaseSession, people: People) -> None:
    with database.get_session("acme") as session:
        key = BidDesk(session).tender().id

    def write(_: int) -> None:
        with database.get_session("acme") as session:
            desk = BidDesk(session)
            desk.bid(desk.tenders.get(key))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(12)))
    with database.get_session("acme") as session:
        assert [bid.version for bid in BidDocumentRepository(session).history(key)] == list(range(12, 0, -1))


def test_one_notice_read_by_several_at_once_is_one_tender(database: DatabaseSession, people: People) -> None:
    def read(number: int) -> None:
        for _ in range(5):
            with database.get_session("acme") as session:
                TenderRepository(session).upsert(
                    "ted", "N-1", title=f"T{number}", description="d", organization_name="City"
                )

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(read, range(4)))
    with database.get_session("acme") as session:
        assert TenderRepository(session).count() == 1


def test_eight_threads_on_one_file_lose_nothing(sqlite_database: DatabaseSession) -> None:
    # T-2: one shared connection crashed, showed uncommitted rows and rolled back somebody else's.
    def work(number: int) -> int:
        seen = 0
        for turn in range(10):
            with sqlite_database.get_session() as session:
                BidDesk(session).tender(title=f"{number}/{turn}")
            with pytest.raises(ZeroDivisionError), sqlite_database.get_session() as session:  # noqa: PT012 - the rollback is meant
                BidDesk(session).tender(title="never")
                raise ZeroDivisionError
            with sqlite_database.get_session(read_only=True) as session:
                seen += TenderRepository(session).count(title="never")
        return seen

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == [0] * 8
    with sqlite_database.get_session() as session:
        assert {tender.title for tender in TenderRepository(session).get_all(limit=1000)} == {
            f"{number}/{turn}" for number in range(8) for turn in range(10)
        }


def test_a_closed_organisation_is_gone_with_its_people_and_tenders(
    database: DatabaseSession, people: People
) -> None:
    # T-7: its users were still found by e-mail, its tenders still listed.
    with database.get_session("acme") as session:
        BidDesk(session).tender()
        UserRepository(session).soft_delete(people.bob.id)
    with database.system_session() as session:
        organizations, users = OrganizationRepository(session), UserRepository(session)
        assert users.get_by_email("alice@acme.example") is not None
        organizations.soft_delete(people.organization_id)
        assert users.get_by_email("alice@acme.example") is None
        assert users.get_by_username("alice") is None
        with pytest.raises(NotFound):
            TenderRepository(session).list_by_organization(people.organization_id)
        with pytest.raises(NotFound):
            users.list_by_organization(people.organization_id)
    with pytest.raises(NotFound), database.get_session("acme") as session:
        TenderRepository(session)
    with database.system_session() as session:
        organizations, users = OrganizationRepository(session), UserRepository(session)
        organizations.restore(people.organization_id)
        assert users.get_by_email("alice@acme.example") is not None
        assert users.get_by_email("bob@acme.example") is None
        assert TenderRepository(session).count_by_organization(people.organization_id) == 1


def test_a_closed_organisations_address_is_free_and_not_taken_back(
    database: DatabaseSession, people: People
) -> None:
    with database.system_session() as session:
        OrganizationRepository(session).soft_delete(people.organization_id)
        UserRepository(session).create(
            organization_id=people.other_organization_id, email="alice@acme.example", hashed_password="x"
        )
    with pytest.raises(Conflict), database.system_session() as session:
        OrganizationRepository(session).restore(people.organization_id)
    with database.system_session() as session:
        assert OrganizationRepository(session).get_by_id(people.organization_id) is None


@pytest.mark.parametrize("address", ["%", "alice@acme.exampl_", "%@%", "", "ALICE%"])
def test_an_address_is_no_pattern(session: Session, address: str) -> None:
    # T-9: ILIKE took "%" for anybody.
    users = UserRepository(session)
    assert users.get_by_email(address) is None
    assert users.get_by_email("Alice@ACME.example") is not None


def test_imports_of_the_same_notices_at_once_neither_lock_nor_count_twice(
    database: DatabaseSession, people: People
) -> None:
    names = [f"n{number}" for number in range(50)]

    def take(number: int) -> dict[str, int]:
        with database.get_session(people.organization_id) as session:
            return TenderRepository(session).upsert_many(notices(*(names if number % 2 else names[::-1])))

    with ThreadPoolExecutor(6) as pool:
        told = list(pool.map(take, range(6)))
    assert sum(one["created"] for one in told) == 50
    assert sum(one["updated"] for one in told) == 250
