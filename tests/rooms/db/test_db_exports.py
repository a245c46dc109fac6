"""Reports with their parts: written in one go, kept in step, moved by rule, read in few queries."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event, text

from factories.exporting import CERTIFICATIONS, FINANCE, PLAN, about, full_report
from factories.people import People
from procur.core.errors import Conflict, InvalidInput, NotFound
from procur.db import DatabaseSession, Session
from procur.db.models import Report
from procur.db.repositories import (
    ActionPlanRepository,
    CertificationRepository,
    FinanceAnalysisRepository,
    GeneratedDocumentRepository,
    LogisticsAnalysisRepository,
    ReportRepository,
    UserMetricsRepository,
    UserRepository,
)


@contextmanager
def counted(database: DatabaseSession) -> Iterator[list[str]]:
    """Collect the statements that the block runs."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


# E-2, E-7
def test_a_report_is_stored_with_all_its_parts(database: DatabaseSession, people: People) -> None:
    with database.get_session("acme") as session:
        report = full_report(session, people.alice, hs_code="0910.30", hs_code_confidence=87.5)
    with database.get_session("acme") as session:
        found = ReportRepository(session).complete(report.id)
        assert found.report.product_name == "Turmeric powder"
        assert [row.certification_id for row in found.certifications] == ["fda", "zed"]
        assert [row.task_id for row in found.plan] == ["lut", "iec", "ship"]
        assert found.finance is not None
        assert found.finance.working_capital_data == {"total": "295000"}
        assert found.logistics is not None
        assert found.logistics.freight_estimate == {"sea": 1650}
        assert found.documents == []
        metrics = UserMetricsRepository(session).get_by_user(people.alice.id)
        assert metrics is not None
        assert metrics.reports_generated == 1
        assert {row.user_id for row in (*found.certifications, *found.plan)} == {people.alice.id}


# E-2
@pytest.mark.parametrize(
    ("parts", "field", "message"),
    [
        (
            {"certifications": [CERTIFICATIONS[0], {"certification_id": "x"}]},
            "certification_name",
            "certification 2",
        ),
        ({"plan": [PLAN[0] | {"colour": "red"}]}, "colour", "task 1"),
        ({"plan": [PLAN[0], PLAN[0]]}, "task_id", "already"),
        ({"plan": [PLAN[0] | {"day_number": 8}]}, "day_number", "rule"),
        ({"finance": {}}, "working_capital_data", "required"),
        ({"certifications": [CERTIFICATIONS[0] | {"report_id": str(uuid4())}]}, "report_id", "report's"),
    ],
)
def test_nothing_of_a_report_is_stored_when_a_part_is_wrong(
    database: DatabaseSession, people: People, parts: dict[str, Any], field: str, message: str
) -> None:
    with (
        pytest.raises((InvalidInput, Conflict), match=message) as caught,
        database.get_session("acme") as session,
    ):
        ReportRepository(session).create_complete(report=about(people.alice), **parts)
    assert caught.value.field == field
    with database.get_session("acme") as session:
        assert ReportRepository(session).count() == 0
        assert UserMetricsRepository(session).count() == 0


# E-2, E-15
def test_the_number_of_statements_does_not_grow_with_the_report(
    database: DatabaseSession, people: People
) -> None:
    def many(number: int) -> dict[str, Any]:
        return {
            "certifications": [CERTIFICATIONS[0] | {"certification_id": f"c{one}"} for one in range(number)],
            "plan": [PLAN[0] | {"task_id": f"t{one}", "day_number": 1 + one % 7} for one in range(number)],
            "finance": FINANCE,
        }

    writing, reading = [], []
    for number in (1, 2, 40):  # the first one opens the connection
        with database.get_session("acme") as session:
            with counted(database) as statements:
                report = ReportRepository(session).create_complete(report=about(people.alice), **many(number))
            writing.append(len(statements))
        with database.get_session("acme") as session:
            with counted(database) as statements:
                found = ReportRepository(session).complete(report.id)
            reading.append(len(statements))
            assert len(found.certifications) == len(found.plan) == number
    assert writing[1] == writing[2] <= 9
    assert reading[1] == reading[2] <= 8


def test_tasks_of_a_day_keep_the_order_they_were_given_in(session: Session, people: People) -> None:
    plan = [PLAN[0] | {"task_id": f"t{number:02}"} for number in range(30)]
    report = ReportRepository(session).create_complete(report=about(people.alice), plan=plan)
    session.expire_all()
    assert [row.task_id for row in ActionPlanRepository(session).tasks(report.id)] == [
        row["task_id"] for row in plan
    ]


# E-6
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"hs_code": "0910.30"}),
        ({"hs_code": "0000.00", "risks": [1]}, {"hs_code": "0910.30", "risks": [1]}),
        (
            {"hs_code": {"code": "0000.00", "confidence": 0, "alternatives": []}},
            {"hs_code": {"code": "0910.30", "confidence": 91.25, "alternatives": []}},
        ),
    ],
)
def test_a_corrected_hs_code_is_corrected_in_the_report_too(
    database: DatabaseSession, people: People, before: dict[str, Any], after: dict[str, Any]
) -> None:
    with database.get_session("acme") as session:
        report = ReportRepository(session).create(**about(people.alice, report_data=before))
    with database.get_session("acme") as session:
        ReportRepository(session).set_hs_code(report.id, "0910.30", 91.25)
    with database.get_session("acme") as session:
        row = ReportRepository(session).get(report.id)
        assert (row.hs_code, row.hs_code_confidence) == ("0910.30", Decimal("91.25"))
        assert row.report_data == after


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"risks": [1]}, {"hs_code": "0910.30", "risks": [1]}),
        ({"hs_code": "0000.00"}, {"hs_code": "0910.30"}),
        (
            {"hs_code": {"code": "0", "alternatives": []}},
            {"hs_code": {"code": "0910.30", "confidence": 91.25, "alternatives": []}},
        ),
    ],
)
def test_a_new_text_of_the_report_keeps_the_hs_code(
    session: Session, people: People, told: dict[str, Any], expected: dict[str, Any]
) -> None:
    reports = ReportRepository(session)
    report = reports.create(**about(people.alice))
    assert reports.update(report.id, report_data={"risks": [2]}).report_data == {"risks": [2]}
    reports.set_hs_code(report.id, "0910.30", 91.25)
    assert reports.update(report.id, report_data=told).report_data == expected


@pytest.mark.parametrize("confidence", ["100.01", "-0.01", "87.655", float("nan"), "high", True])
def test_a_confidence_that_is_none_is_refused(session: Session, people: People, confidence: Any) -> None:
    reports = ReportRepository(session)
    report = reports.create(**about(people.alice))
    with pytest.raises(InvalidInput) as caught:
        reports.set_hs_code(report.id, "0910.30", confidence)
    assert caught.value.field == "hs_code_confidence"
    assert report.hs_code is None


def test_a_confidence_is_exact_and_compares_as_a_number(session: Session, people: People) -> None:
    reports = ReportRepository(session)
    for hundredths in (0, 1, 7, 1999, 2000, 3333, 8765, 9999, 10000):
        value = Decimal(hundredths).scaleb(-2)
        made = reports.create(**about(people.alice, hs_code="1", hs_code_confidence=value))
        session.expire(made)
        assert str(made.hs_code_confidence) == f"{value:.2f}"
        assert reports.count(hs_code_confidence=value) == 1
    below = session.query(Report).filter(Report.hs_code_confidence < Decimal("20.00")).count()
    assert below == 4
    noisy = reports.create(**about(people.alice, hs_code="1", hs_code_confidence=0.1 + 0.2))
    assert noisy.hs_code_confidence == Decimal("0.30")


@pytest.mark.parametrize(
    ("column", "value"),
    [("hs_code_confidence", "100.5"), ("risk_score", 101), ("risk_score", -1), ("status", "'done'")],
)
def test_the_database_itself_refuses_what_is_out_of_range(
    session: Session, people: People, column: str, value: object
) -> None:
    ReportRepository(session).create(**about(people.alice))
    with pytest.raises(InvalidInput) as caught:
        session.execute(text(f"UPDATE reports SET {column} = {value}"))
    assert caught.value.field == column


def test_a_report_moves_by_rule_and_counts_once(session: Session, people: People) -> None:
    reports = ReportRepository(session)
    report = reports.create(**about(people.alice, status="processing"))
    assert UserMetricsRepository(session).get_by_user(people.alice.id) is None
    for status in ("processing", "failed", "failed", "processing", "completed", "completed"):
        assert reports.update_status(report.id, status).status == status
    for status in ("processing", "failed"):
        with pytest.raises(Conflict):
            reports.update_status(report.id, status)
    with pytest.raises(InvalidInput):
        reports.update_status(report.id, "done")
    metrics = UserMetricsRepository(session).get_by_user(people.alice.id)
    assert metrics is not None
    assert metrics.reports_generated == 1


@pytest.mark.parametrize(
    "change", [{"status": "failed"}, {"hs_code": "1"}, {"user_id": uuid4()}, {"colour": "red"}]
)
def test_update_does_not_go_round_the_rules(session: Session, people: People, change: dict[str, Any]) -> None:
    reports = ReportRepository(session)
    report = reports.create(**about(people.alice))
    for attempt in (
        lambda: reports.update(report.id, **change),
        lambda: reports.advance(report.id, expected={}, **change),
    ):
        with pytest.raises(InvalidInput) as caught:
            attempt()
        assert caught.value.field == next(iter(change))
    assert reports.update(report.id, price_range="5-7").price_range == "5-7"


def test_reports_are_listed_newest_first(session: Session, people: People) -> None:
    reports = ReportRepository(session)
    one = reports.create(**about(people.alice))
    two = reports.create(**about(people.alice, destination_country="Japan", status="failed"))
    three = reports.create(**about(people.bob))
    assert reports.get_user_reports(people.alice.id, 10) == [two, one]
    assert reports.get_user_reports(people.alice.id, 1) == [two]
    assert reports.by_status("completed") == [three, one]
    assert reports.by_destination("Japan") == [two]
    with pytest.raises(InvalidInput):
        reports.by_status("done")
    with pytest.raises(InvalidInput):
        reports.get_user_reports(people.alice.id, -1)


def test_a_person_of_elsewhere_or_deleted_gets_no_report(session: Session, people: People) -> None:
    UserRepository(session).soft_delete(people.bob.id)
    for user_id in (people.charlie.id, people.bob.id, uuid4()):
        with pytest.raises(InvalidInput) as caught:
            ReportRepository(session).create(**about(people.alice, user_id=user_id))
        assert caught.value.field == "user_id"


def test_parts_hide_with_their_report_and_come_back(session: Session, people: People) -> None:
    report = full_report(session, people.alice)
    plan, certificates = ActionPlanRepository(session), CertificationRepository(session)
    finance = FinanceAnalysisRepository(session)
    row = plan.tasks(report.id)[0]
    ReportRepository(session).soft_delete(report.id)
    assert plan.tasks(report.id) == plan.get_all() == certificates.page().rows == []
    assert plan.get_by_id(row.id) is None
    assert (plan.count(), plan.count(include_deleted=True)) == (0, 3)
    assert plan.progress(report.id).total == certificates.summary(report.id).total == 0
    assert finance.get_by_report(report.id) is None
    for attempt in (
        lambda: plan.complete_task(report.id, "lut"),
        lambda: certificates.start(report.id, "fda"),
        lambda: plan.create(report_id=report.id, **PLAN[0]),
        lambda: finance.upsert(report.id, **FINANCE),
    ):
        with pytest.raises(NotFound):
            attempt()
    ReportRepository(session).restore(report.id)
    assert len(plan.tasks(report.id)) == 3


def test_there_is_one_analysis_per_report(session: Session, people: People) -> None:
    report = ReportRepository(session).create(**about(people.alice))
    finance, logistics = FinanceAnalysisRepository(session), LogisticsAnalysisRepository(session)
    assert finance.get_by_report(report.id) is None
    with pytest.raises(InvalidInput) as caught:
        finance.upsert(report.id, gst_refund_data={})
    assert caught.value.field == "working_capital_data"
    made = finance.upsert(report.id, working_capital_data={"total": 1})
    same = finance.upsert(report.id, gst_refund_data={"amount": "12.50"})
    assert made is same is finance.get_by_report(report.id)
    assert (same.working_capital_data, same.gst_refund_data) == ({"total": 1}, {"amount": "12.50"})
    logistics.upsert(report.id, route_analysis={"days": 25})
    assert logistics.upsert(report.id, route_analysis={"days": 35}).route_analysis == {"days": 35}
    with pytest.raises(Conflict) as taken:
        logistics.create(report_id=report.id)
    assert taken.value.field == "report_id"


# E-7
def test_papers_are_counted_with_their_writing(session: Session, people: People) -> None:
    report = ReportRepository(session).create(**about(people.alice))
    papers = GeneratedDocumentRepository(session)
    first = papers.create(report_id=report.id, document_type="packing_list", document_data={"items": []})
    second = papers.create(report_id=report.id, document_type="packing_list", document_data={"items": [1]})
    assert papers.of_type(report.id, "packing_list") == [second, first]
    assert papers.latest(report.id, "packing_list") is second
    assert papers.latest(report.id, "softex") is None
    for wrong in ({"document_type": "poem"}, {"document_data": [1]}, {"user_id": people.bob.id}):
        values = {"report_id": report.id, "document_type": "softex", "document_data": {}, **wrong}
        with pytest.raises(InvalidInput) as caught:
            papers.create(**values)
        assert caught.value.field == next(iter(wrong))
    metrics = UserMetricsRepository(session).get_by_user(people.alice.id)
    assert metrics is not None
    assert (metrics.documents_generated, metrics.reports_generated) == (2, 1)


# E-7
def test_counters_grow_in_one_statement(database: DatabaseSession, people: People) -> None:
    with database.get_session("acme") as session:
        metrics = UserMetricsRepository(session)
        metrics.increment(people.alice.id, cost_savings="12.5", timeline_reduction_days=3)
        now = metrics.increment(people.alice.id, cost_savings=0.25, exports_completed=1)
        assert (now.cost_savings, now.timeline_reduction_days) == (Decimal("12.75"), 3)
        assert now.last_export_date is not None
        assert now.last_export_date <= datetime.now(UTC)
        assert metrics.get_by_user(people.bob.id) is None
        for wrong in ({"colour": 1}, {"last_export_date": now.last_export_date}, {"exports_completed": -1}):
            with pytest.raises(InvalidInput) as caught:
                metrics.increment(people.alice.id, **wrong)
            assert caught.value.field == next(iter(wrong))
    for stranger in (people.charlie.id, uuid4()):
        with pytest.raises(InvalidInput) as caught, database.get_session("acme") as session:
            UserMetricsRepository(session).increment(stranger, reports_generated=1)
        assert caught.value.field == "user_id"
