"""What goes in comes out the same, or is refused by name: money, times, JSON, text, numbers."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Dialect, func, select, text
from sqlalchemy.dialects import postgresql, sqlite

from factories.buying import Desk
from factories.people import People
from procur.core.errors import InvalidInput
from procur.db import DatabaseSession, Session
from procur.db.models import RequestRecord, VendorProfileRecord
from procur.db.repositories import RequestRepository, VendorRepository
from procur.db.types import Cost, exact

AMOUNTS = st.decimals(min_value=0, max_value=Decimal("99999999999999.9999"), places=4)
SAME_DATABASE = [HealthCheck.function_scoped_fixture]


@settings(suppress_health_check=SAME_DATABASE, max_examples=40, deadline=None)
@given(amounts=st.lists(AMOUNTS, min_size=1, max_size=5))
def test_money_survives_sorts_and_sums_exactly(session: Session, amounts: list[Decimal]) -> None:
    vendors = VendorRepository(session)
    with session.begin_nested() as savepoint:
        for number, amount in enumerate(amounts):
            vendors.create(vendor_id=f"v{number}", name="V", list_price=amount)
        session.expunge_all()
        column = VendorProfileRecord.list_price
        assert list(session.scalars(select(column).order_by(column))) == sorted(amounts)
        assert session.scalar(select(func.sum(column))) == sum(amounts)
        assert session.scalar(select(func.max(column))) == max(amounts)
        savepoint.rollback()


@given(cents=st.integers(min_value=0, max_value=10**9))
def test_a_float_counts_as_the_digits_python_shows(cents: int) -> None:
    assert exact(cents / 100) == Decimal(cents).scaleb(-2)


@given(amount=st.decimals(min_value=0, max_value=Decimal("99999999.9999999999"), places=10))
@pytest.mark.parametrize("dialect", [sqlite.dialect(), postgresql.dialect()], ids=["sqlite", "postgresql"])
def test_a_cost_keeps_ten_decimals(dialect: Dialect, amount: Decimal) -> None:
    assert Cost().process_result_value(Cost().process_bind_param(amount, dialect), dialect) == amount


def test_the_noise_of_float_prices_is_not_billed() -> None:
    assert Cost().fit(0.1 + 0.2) == Decimal("0.3")
    assert Cost().fit(0.00036) == Decimal("0.00036")


@pytest.mark.parametrize("value", ["0.00000000001", "100000000", 1e8, 1e300, float("nan"), -1e8, True, "x"])
def test_unfit_costs_are_refused(value: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        Cost().fit(value)
    assert caught.value.field == "cost"


@pytest.mark.parametrize(
    "value",
    ["NaN", "Infinity", "1e400", "100000000000000", "0.00001", float("nan"), float("inf"), True, "x", ""],
)
def test_unfit_money_is_refused_by_name(session: Session, value: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        VendorRepository(session).create(vendor_id="v", name="V", list_price=value)
    assert caught.value.field == "list_price"
    assert VendorRepository(session).count() == 0


def test_multiplying_money_in_sql_is_refused(session: Session) -> None:
    with pytest.raises(TypeError, match="in Python"):
        session.scalars(select(VendorProfileRecord.list_price * 2))


UNFIT: dict[str, Any] = {
    "description": "a\x00b",
    "title": "\ud800",
    "request_id": "x" * 65,
    "quantity": 1 << 63,
    "seed": -(1 << 63) - 1,
    "currency": "XXY",
    "status": "lost",
    "approved_at": datetime(2026, 1, 1),  # noqa: DTZ001 - naive on purpose
    "needed_by": datetime(2026, 1, 1, tzinfo=UTC),
    "user_id": "not-an-id",
    "must_haves": "one text",
    "specs": ["a list"],
    "category": 5,
    "billing_cadence": ["x"],
    "nonsense": 1,
}


@pytest.mark.parametrize("field", UNFIT)
def test_what_cannot_be_stored_is_refused_by_name(session: Session, people: People, field: str) -> None:
    requests = RequestRepository(session)
    plain = {"user_id": people.alice.id, "description": "x"}
    with pytest.raises(InvalidInput) as caught:
        requests.create(**plain | {field: UNFIT[field]})
    assert caught.value.field == field
    kept = requests.create(**plain)
    with pytest.raises(InvalidInput):
        requests.update(kept.id, **{field: UNFIT[field]})
    assert requests.count() == 1


@pytest.mark.parametrize(
    "content",
    [
        {"a": float("nan")},
        {"a": "\x00"},
        {"a\ud800": 1},
        {"a": [float("inf")]},
        {"a": 1 << 64},
        {"a": object()},
    ],
)
def test_unfit_json_is_refused_by_name(session: Session, people: People, content: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        RequestRepository(session).create(user_id=people.alice.id, description="x", specs=content)
    assert caught.value.field == "specs"


# PostgreSQL keeps a float as a numeric and gives the digits of 1e22 back as an integer beyond 64 bits.
@pytest.mark.parametrize("number", [1e22, -1e22, 1e23, 2.0**63, -(2.0**63), 1e300, 1e16, 5e-324, 0.1])
def test_a_float_in_json_that_was_read_can_be_written_again(
    session: Session, people: People, number: float
) -> None:
    requests = RequestRepository(session)
    row = requests.create(user_id=people.alice.id, description="x", specs={"a": [number], "b": {"c": number}})
    for edit in (1, 2):
        session.expire(row)
        assert row.specs["a"] == [number]
        row.specs["edit"] = edit
        session.flush()
    session.expire(row)
    again = requests.update(row.id, specs=dict(row.specs), must_haves=[row.specs["b"]["c"]])
    session.expire(again)
    assert again.specs == {"a": [number], "b": {"c": number}, "edit": 2}
    assert again.must_haves == [number]


@pytest.mark.parametrize("number", [1 << 63, -(1 << 63) - 1, 10**22])
def test_an_integer_beyond_64_bits_is_refused_in_json(session: Session, people: People, number: int) -> None:
    with pytest.raises(InvalidInput, match="beyond 64 bits"):
        RequestRepository(session).create(user_id=people.alice.id, description="x", specs={"a": number})


def test_json_that_nests_for_ever_is_refused(session: Session, people: People) -> None:
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(InvalidInput, match="nested"):
        RequestRepository(session).create(user_id=people.alice.id, description="x", must_haves=deep)


@pytest.mark.parametrize("missing", ["user_id", "description"])
def test_a_missing_field_is_named(session: Session, people: People, missing: str) -> None:
    values = {"user_id": people.alice.id, "description": "x"}
    del values[missing]
    with pytest.raises(InvalidInput) as caught:
        RequestRepository(session).create(**values)
    assert caught.value.field == missing


def test_times_come_back_in_utc(database: DatabaseSession, people: People) -> None:
    kolkata = datetime(2026, 3, 1, 5, 30, 0, 123456, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    with database.get_session("acme") as session:
        key = Desk(session, people.alice).request(approved_at=kolkata, needed_by=date(2026, 4, 1)).id
    with database.get_session("acme") as session:
        row = RequestRepository(session).get(key)
        assert row.approved_at == kolkata
        assert row.approved_at.tzinfo is UTC
        assert row.needed_by == date(2026, 4, 1)


EDITS: list[Callable[[RequestRecord], object]] = [
    lambda row: row.specs.update(seats=51),
    lambda row: row.specs["deep"]["list"].append({"x": 1}),
    lambda row: row.specs["deep"]["list"][0].update(y=2),
    lambda row: row.specs.setdefault("new", []).append(1),
    lambda row: row.specs["deep"].pop("list"),
    lambda row: row.must_haves.append("sso"),
    lambda row: row.must_haves[0].update(level=2),
    lambda row: row.must_haves.insert(0, {"a": []}),
    lambda row: row.must_haves.__iadd__(["more"]),
    lambda row: row.must_haves.clear(),
]


@pytest.mark.parametrize("edit", EDITS)
def test_json_edited_in_place_is_saved_however_deep(
    database: DatabaseSession, people: People, edit: Callable[[RequestRecord], object]
) -> None:
    with database.get_session("acme") as session:
        key = (
            Desk(session, people.alice)
            .request(specs={"seats": 50, "deep": {"list": [{"a": 1}]}}, must_haves=[{"name": "api"}])
            .id
        )
    with database.get_session("acme") as session:
        row = RequestRepository(session).get(key)
        before = repr((row.specs, row.must_haves))
        edit(row)
        wanted = repr((row.specs, row.must_haves))
        assert wanted != before
    with database.get_session("acme") as session:
        row = RequestRepository(session).get(key)
        stored = (row.specs, row.must_haves)
        assert _sorted(stored) == _sorted(eval(wanted))  # noqa: S307 - the repr of our own dicts


def _sorted(value: Any) -> Any:
    return sorted(value.items()) if isinstance(value, dict) else value


def test_json_assigned_inside_later_is_tracked_too(database: DatabaseSession, people: People) -> None:
    with database.get_session("acme") as session:
        row = Desk(session, people.alice).request()
        row.specs["fresh"] = {"inner": []}
        session.flush()
        row.specs["fresh"]["inner"].append(1)
        key = row.id
    with database.get_session("acme") as session:
        assert RequestRepository(session).get(key).specs == {"fresh": {"inner": [1]}}


def test_amounts_in_json_are_text(session: Session, people: People) -> None:
    row = Desk(session, people.alice).request(specs={"price": Decimal("1.10"), "on": date(2026, 1, 2)})
    assert row.specs == {"price": "1.10", "on": "2026-01-02"}


def test_sqlite_stores_money_as_a_whole_number(sqlite_database: DatabaseSession) -> None:
    with sqlite_database.get_session() as session:
        VendorRepository(session).create(vendor_id="v", name="V", list_price=150.0)
        assert session.execute(text("SELECT list_price, typeof(list_price) FROM vendor_profiles")).one() == (
            1500000,
            "integer",
        )
