"""The database itself refuses to accept what a mandate forbids, whoever writes and however."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import insert, text, update

from factories.buying import Desk
from factories.people import People
from procur.core.deal import PAYMENT_TERMS, Mandate, Terms
from procur.core.errors import Conflict, InvalidInput, NotAllowed, OutsideMandate, ProcurError
from procur.db import DatabaseSession, Session
from procur.db.base import utc_now
from procur.db.models import MandateRecord, OfferRecord
from procur.db.repositories import MandateRepository, NegotiationRepository, OfferRepository
from procur.negotiation.mandates import hold_to_mandate

OFFERS: Any = OfferRecord.__table__
MANDATES: Any = MandateRecord.__table__


@pytest.fixture
def desk(session: Session, people: People) -> Desk:
    return Desk(session, people.alice)


def _raw(desk: Desk, offer: OfferRecord, **changes: Any) -> None:
    """Copy an offer by plain SQL, changed."""
    values = {column.name: getattr(offer, column.name) for column in OFFERS.columns}
    fresh = {"id": uuid4(), "offer_id": uuid4().hex, "negotiation_session_id": None}
    desk.session.execute(insert(OFFERS).values(**values | fresh | changes))


BREACHES: list[tuple[str, dict[str, Any]]] = [
    ("unit price", {"unit_price": Decimal("140.0001"), "quantity": 10, "term_months": 6}),
    ("quantity", {"quantity": 9}),
    ("quantity", {"quantity": 51, "unit_price": 1}),
    ("total", {"unit_price": Decimal(140), "term_months": 24}),
    ("term", {"term_months": 7}),
    ("payment", {"payment_terms": "PREPAID"}),
    ("currency", {"currency": "EUR"}),
    ("mandate", {"mandate_id": None}),
]


def test_an_acceptance_says_when_and_lies_before_the_end_of_the_mandate(desk: Desk) -> None:
    request = desk.request()
    end = utc_now()
    mandate = desk.mandate(request, expires_at=end)
    offer = desk.offer(request, desk.vendor(), mandate_id=mandate.id)
    for word, moment in (("when it was accepted", None), ("had ended", end + timedelta(microseconds=1))):
        values = {"accepted": True, "accepted_at": moment}
        with pytest.raises(OutsideMandate, match=word), desk.session.begin_nested():
            desk.session.execute(update(OFFERS).where(OFFERS.c.id == offer.id).values(**values))
        with pytest.raises(OutsideMandate, match=word), desk.session.begin_nested():
            _raw(desk, offer, **values)
    with pytest.raises(OutsideMandate, match="had ended"), desk.session.begin_nested():
        OfferRepository(desk.session).accept(offer.id)
    assert OfferRepository(desk.session).accept(offer.id, accepted_at=end).accepted_at == end


def test_the_moment_of_acceptance_stays_and_belongs_to_an_accepted_offer(desk: Desk) -> None:
    request = desk.request()
    offer = desk.offer(request, desk.vendor(), mandate_id=desk.mandate(request).id)
    with pytest.raises(InvalidInput) as caught, desk.session.begin_nested():
        desk.session.execute(update(OFFERS).values(accepted_at=utc_now()))
    assert caught.value.field == "accepted_at"
    accepted = OfferRepository(desk.session).accept(offer.id).accepted_at
    assert OfferRepository(desk.session).accept(offer.id).accepted_at == accepted
    for moment in (None, utc_now() + timedelta(days=1)):
        with pytest.raises(Conflict, match="accepted once"), desk.session.begin_nested():
            desk.session.execute(update(OFFERS).values(accepted_at=moment))


@pytest.mark.parametrize("moment", ["", "0", "2026", "soon", "2026-11-21T09:00:00.000000"])
def test_text_that_is_no_moment_does_not_slip_through(sqlite_database: DatabaseSession, moment: str) -> None:
    with sqlite_database.get_session() as session:
        desk = Desk(session, _buyer(session))
        request = desk.request()
        desk.offer(request, desk.vendor(), mandate_id=desk.mandate(request).id)
        with pytest.raises(OutsideMandate, match="when it was accepted"):
            session.execute(text("UPDATE offers SET accepted = 1, accepted_at = :moment"), {"moment": moment})


@pytest.mark.parametrize(("word", "changes"), BREACHES)
def test_an_offer_outside_the_mandate_cannot_be_inserted_accepted(
    desk: Desk, word: str, changes: dict[str, Any]
) -> None:
    request, vendor = desk.request(), desk.vendor()
    mandate = desk.mandate(request)
    offer = desk.offer(request, vendor, mandate_id=mandate.id)
    with pytest.raises(OutsideMandate, match=word):
        _raw(desk, offer, **{"accepted": True, "accepted_at": utc_now()} | changes)


@pytest.mark.parametrize(("word", "changes"), BREACHES)
def test_nor_accepted_later(desk: Desk, word: str, changes: dict[str, Any]) -> None:
    request, vendor = desk.request(), desk.vendor()
    mandate = desk.mandate(request)
    offer = desk.offer(request, vendor, **{"mandate_id": mandate.id} | changes)
    values = {"accepted": True, "accepted_at": utc_now()}
    with pytest.raises(OutsideMandate, match=word), desk.session.begin_nested():
        desk.session.execute(update(OFFERS).where(OFFERS.c.id == offer.id).values(**values))
    with pytest.raises(OutsideMandate, match=word):
        OfferRepository(desk.session).accept(offer.id)


def test_the_triggers_and_the_arithmetic_agree(desk: Desk) -> None:
    request, vendor = desk.request(), desk.vendor()
    random = Random(20261121)
    outcomes = set()
    start = datetime(2026, 11, 21, 9, tzinfo=UTC)
    for _ in range(250):
        limits = {
            "max_total": Decimal(random.randrange(1000, 90000)),
            "max_yearly": random.choice([None, Decimal(random.randrange(1000, 90000))]),
            "max_unit_price": Decimal(random.randrange(0, 2_000_000)).scaleb(-4),
            "min_quantity": random.randrange(1, 30),
            "terms_months": random.sample([0, 1, 6, 12, 24, 36], 3),
            "payment_terms": random.sample(PAYMENT_TERMS, 4),
            "currency": random.choice(["USD", "USD", "USD", "EUR"]),
            "expires_at": random.choice([None, None, start, start + timedelta(microseconds=1)]),
        }
        limits["max_quantity"] = limits["min_quantity"] + random.randrange(40)
        mandate = desk.mandate(request, **limits)
        terms = Terms(
            unit_price=Decimal(random.randrange(0, 1_500_000)).scaleb(-4),
            quantity=random.randrange(1, 60),
            term_months=random.choice([0, 1, 6, 12, 24]),
            payment_terms=random.choice(PAYMENT_TERMS),
            currency="USD",
        )
        at = start + timedelta(microseconds=random.randrange(-1, 3))
        offer = _offer_of(desk, request, vendor, mandate, terms)
        allowed = _python_accepts(offer, mandate, at)
        outcomes.add((allowed, limits["expires_at"] is None))
        assert _database_accepts(desk, offer, at) is allowed, (limits, terms, at)
    assert outcomes == set(product((True, False), repeat=2))


def _offer_of(desk: Desk, request: Any, vendor: Any, mandate: MandateRecord, terms: Terms) -> OfferRecord:
    offer = OfferRepository(desk.session).create(
        request_id=request.id,
        vendor_id=vendor.id,
        mandate_id=mandate.id,
        unit_price=terms.unit_price,
        quantity=terms.quantity,
        term_months=terms.term_months,
        payment_terms=terms.payment_terms,
        currency=terms.currency,
        actor="seller",
    )
    assert offer.terms == terms
    return offer


def _python_accepts(offer: OfferRecord, mandate: MandateRecord, at: datetime) -> bool:
    try:
        hold_to_mandate(offer, mandate, now=at)
    except OutsideMandate:
        return False
    return True


def _database_accepts(desk: Desk, offer: OfferRecord, at: datetime) -> bool:
    values = {"accepted": True, "accepted_at": at}
    try:
        with desk.session.begin_nested():
            desk.session.execute(update(OFFERS).where(OFFERS.c.id == offer.id).values(**values))
    except OutsideMandate:
        return False
    return True


def test_the_very_limit_is_allowed(desk: Desk) -> None:
    request = desk.request()
    offer = desk.offer(request, desk.vendor(), unit_price="140", mandate_id=desk.mandate(request).id)
    assert OfferRepository(desk.session).accept(offer.id).accepted


def test_enormous_totals_do_not_slip_through(desk: Desk) -> None:
    request = desk.request()
    largest = Decimal("99999999999999.9999")
    mandate = desk.mandate(
        request,
        max_total=largest,
        max_yearly=None,
        max_unit_price=largest,
        max_quantity=(1 << 63) - 1,
        terms_months=[12],
    )
    offer = desk.offer(
        request, desk.vendor(), unit_price=largest, quantity=(1 << 63) - 1, mandate_id=mandate.id
    )
    with pytest.raises(OutsideMandate, match="total"):
        OfferRepository(desk.session).accept(offer.id)


def test_the_mandate_of_another_request_does_not_count(desk: Desk) -> None:
    request, other = desk.request(), desk.request()
    offer = desk.offer(request, desk.vendor(), mandate_id=desk.mandate(other).id)
    with pytest.raises(OutsideMandate):
        OfferRepository(desk.session).accept(offer.id)


def test_an_older_version_of_the_mandate_does_not_count(desk: Desk) -> None:
    request = desk.request()
    old = desk.mandate(request)
    offer = desk.offer(request, desk.vendor(), mandate_id=old.id)
    assert desk.mandate(request, max_unit_price="100").version == 2
    with pytest.raises(OutsideMandate, match="newer"):
        OfferRepository(desk.session).accept(offer.id)


def test_an_offer_without_mandate_takes_the_one_given_at_acceptance(desk: Desk) -> None:
    request = desk.request()
    offer = desk.offer(request, desk.vendor())
    mandate = desk.mandate(request)
    assert OfferRepository(desk.session).accept(offer.id, mandate_id=mandate.id).mandate_id == mandate.id


@pytest.mark.parametrize(
    "changes",
    [
        {"unit_price": Decimal(1)},
        {"quantity": 1},
        {"term_months": 1},
        {"payment_terms": "NET90"},
        {"currency": "EUR"},
        {"value_adds": ["training"]},
        {"round_number": 5},
        {"actor": "buyer"},
    ],
)
def test_terms_never_change(desk: Desk, changes: dict[str, Any]) -> None:
    request = desk.request()
    offer = desk.offer(request, desk.vendor())
    with pytest.raises(Conflict, match="cannot be changed"), desk.session.begin_nested():
        desk.session.execute(update(OFFERS).values(**changes))
    OfferRepository(desk.session).update(offer.id, score=0.5, rejected=True, utility_buyer=0.25)


def test_an_offer_keeps_its_mandate(desk: Desk) -> None:
    request = desk.request()
    first, second = desk.mandate(request), desk.mandate(request)
    offer = desk.offer(request, desk.vendor(), mandate_id=first.id)
    with pytest.raises(Conflict, match="keeps the mandate"):
        OfferRepository(desk.session).update(offer.id, mandate_id=second.id)


def test_a_mandate_is_never_edited(desk: Desk) -> None:
    mandate = desk.mandate(desk.request())
    with pytest.raises(NotAllowed):
        MandateRepository(desk.session).update(mandate.id, max_total=10**6)
    for changes in ({"max_total": Decimal(10**6)}, {"terms_months": [12, 24]}, {"reason": "because"}):
        with pytest.raises(Conflict, match="new version"), desk.session.begin_nested():
            desk.session.execute(update(MANDATES).values(**changes))
    assert MandateRepository(desk.session).soft_delete(mandate.id)


def test_a_withdrawn_mandate_does_not_count(desk: Desk) -> None:
    request = desk.request()
    mandate = desk.mandate(request)
    offer = desk.offer(request, desk.vendor(), mandate_id=mandate.id)
    MandateRepository(desk.session).soft_delete(mandate.id)
    with pytest.raises(OutsideMandate), desk.session.begin_nested():
        OfferRepository(desk.session).accept(offer.id)
    assert MandateRepository(desk.session).latest_for(request.id) is None
    assert desk.mandate(request).version == 2


def test_only_one_offer_of_a_negotiation_is_accepted(desk: Desk) -> None:
    request, vendor = desk.request(), desk.vendor()
    mandate, talks = desk.mandate(request), desk.talks(request, vendor)
    keys = {"mandate_id": mandate.id, "negotiation_session_id": talks.id}
    first = desk.offer(request, vendor, round_number=1, **keys)
    second = desk.offer(request, vendor, round_number=2, **keys)
    OfferRepository(desk.session).accept(first.id)
    with pytest.raises(Conflict):
        OfferRepository(desk.session).accept(second.id)


def test_each_side_speaks_once_a_round(desk: Desk) -> None:
    request, vendor = desk.request(), desk.vendor()
    talks = desk.talks(request, vendor)
    desk.offer(request, vendor, negotiation_session_id=talks.id)
    desk.offer(request, vendor, negotiation_session_id=talks.id, actor="buyer")
    with pytest.raises(Conflict) as caught:
        desk.offer(request, vendor, negotiation_session_id=talks.id)
    assert caught.value.field == "round_number"


@pytest.mark.parametrize("changes", [{"unit_price": -1}, {"quantity": 0}, {"term_months": -1}])
def test_impossible_offers_are_refused_by_name(desk: Desk, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        desk.offer(desk.request(), desk.vendor(), **changes)
    assert caught.value.field in changes


def test_a_round_never_passes_the_last_one(desk: Desk) -> None:
    talks = desk.talks(desk.request(), desk.vendor(), max_rounds=2)
    negotiations = NegotiationRepository(desk.session)
    assert negotiations.increment_round(talks.id).current_round == 1
    assert negotiations.increment_round(talks.id, expected=1).current_round == 2
    with pytest.raises(Conflict, match="played"):
        negotiations.increment_round(talks.id)
    with pytest.raises(ProcurError):
        desk.session.execute(text("UPDATE negotiation_sessions SET current_round = 3"))


def test_talks_end_once(desk: Desk) -> None:
    request, vendor = desk.request(), desk.vendor()
    talks = desk.talks(request, vendor, current_round=1)
    negotiations = NegotiationRepository(desk.session)
    done = negotiations.complete_session(talks.id, outcome="accepted", savings_achieved=500.0)
    assert (done.status, done.outcome, done.savings_achieved) == ("completed", "accepted", Decimal(500))
    assert done.completed_at is not None
    with pytest.raises(Conflict):
        negotiations.complete_session(talks.id, outcome="no_agreement")
    with pytest.raises(Conflict):
        negotiations.increment_round(talks.id)


def test_text_in_the_accepted_column_does_not_slip_through(sqlite_database: DatabaseSession) -> None:
    with sqlite_database.get_session() as session:
        desk = Desk(session, _buyer(session))
        desk.offer(desk.request(), desk.vendor())
        with pytest.raises(OutsideMandate):
            session.execute(text("UPDATE offers SET accepted = 'yes'"))


def _buyer(session: Session) -> Any:
    from procur.db.repositories import UserRepository

    return UserRepository(session).create(email="a@b.example", hashed_password="x", role="buyer")


def test_the_twin_says_the_same_words_for_a_plain_mandate(desk: Desk) -> None:
    mandate = desk.mandate(desk.request())
    assert isinstance(mandate.limits, Mandate)
    assert mandate.limits.max_total == Decimal(84000)
