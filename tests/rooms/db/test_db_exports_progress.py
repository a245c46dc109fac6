"""Certifications and plans: every step by rule, every edit stored, every completion counted once."""

import threading
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from factories.exporting import CERTIFICATIONS, PLAN, about, full_report
from factories.people import People, make_people
from procur.core.errors import Conflict, InvalidInput, NotFound
from procur.db import DatabaseSession, Session
from procur.db.repositories import (
    ActionPlanRepository,
    CertificationRepository,
    ReportRepository,
    UserMetricsRepository,
)
from procur.db.repositories.exports_progress import MOVES


# E-6
def test_each_document_marked_is_stored(database: DatabaseSession, people: People) -> None:
    with database.get_session("acme") as session:
        report = full_report(session, people.alice)
    for document in ("label", "process", "label", "agent"):
        with database.get_session("acme") as session:
            CertificationRepository(session).mark_document_completed(report.id, "fda", document)
    with database.get_session("acme") as session:
        certificates = CertificationRepository(session)
        certificates.mark_document_completed(report.id, "fda", "fee")
        certificates.mark_document_completed(report.id, "fda", "plan")
    with database.get_session("acme") as session:
        fda, zed = CertificationRepository(session).list_by_report(report.id)
        assert fda.documents_completed == ["label", "process", "agent", "fee", "plan"]
        assert zed.documents_completed == []


@pytest.mark.parametrize("document", ["", "  ", None, 7, "a\x00b"])
def test_a_document_without_a_name_is_refused(session: Session, people: People, document: Any) -> None:
    report = full_report(session, people.alice)
    with pytest.raises(InvalidInput) as caught:
        CertificationRepository(session).mark_document_completed(report.id, "fda", document)
    assert caught.value.field == "document"


# E-6
def test_documents_marked_at_the_same_time_are_all_stored(database: DatabaseSession, people: People) -> None:
    with database.get_session("acme") as session:
        report = full_report(session, people.alice)

    def mark(first: int) -> None:
        for number in range(first, first + 5):
            with database.get_session("acme") as session:
                CertificationRepository(session).mark_document_completed(report.id, "fda", f"paper {number}")

    _at_once([lambda first=first: mark(first) for first in range(0, 20, 5)])
    with database.get_session("acme") as session:
        fda = CertificationRepository(session).list_by_report(report.id)[0]
        assert sorted(fda.documents_completed) == sorted(f"paper {number}" for number in range(20))


# E-7
def test_a_completion_is_counted_once_whoever_completes(database: DatabaseSession, people: People) -> None:
    with database.get_session("acme") as session:
        reports = [full_report(session, people.alice) for _ in range(6)]
        for report in reports:
            CertificationRepository(session).start(report.id, "fda")

    def complete() -> None:
        for report in reports:
            with database.get_session("acme") as session:
                CertificationRepository(session).update_status(report.id, "fda", "completed")

    _at_once([complete] * 3)
    with database.get_session("acme") as session:
        metrics = UserMetricsRepository(session).get_by_user(people.alice.id)
        assert metrics is not None
        assert (metrics.certifications_completed, metrics.reports_generated) == (6, 6)


def test_a_completion_that_is_rolled_back_is_not_counted(database: DatabaseSession, people: People) -> None:
    with database.get_session("acme") as session:
        report = full_report(session, people.alice)
    with pytest.raises(KeyError), database.get_session("acme") as session:  # noqa: PT012 - the end is part of it
        certificates = CertificationRepository(session)
        certificates.start(report.id, "fda")
        certificates.update_status(report.id, "fda", "completed")
        raise KeyError
    with database.get_session("acme") as session:
        metrics = UserMetricsRepository(session).get_by_user(people.alice.id)
        assert metrics is not None
        assert metrics.certifications_completed == 0
        assert CertificationRepository(session).summary(report.id).by_status["not_started"] == 2


def test_what_is_completed_from_the_start_is_dated_and_counted(session: Session, people: People) -> None:
    report = ReportRepository(session).create_complete(
        report=about(people.alice),
        certifications=[
            CERTIFICATIONS[0] | {"status": "completed"},
            CERTIFICATIONS[1] | {"status": "in_progress"},
        ],
        plan=[PLAN[0] | {"completed": True}],
    )
    done, begun = CertificationRepository(session).list_by_report(report.id)
    assert done.started_at is not None
    assert done.completed_at is not None
    assert (begun.started_at is not None, begun.completed_at) == (True, None)
    assert ActionPlanRepository(session).tasks(report.id)[0].completed_at is not None
    again = CERTIFICATIONS[0] | {"certification_id": "bis", "status": "completed"}
    CertificationRepository(session).create(report_id=report.id, **again)
    metrics = UserMetricsRepository(session).get_by_user(people.alice.id)
    assert metrics is not None
    assert metrics.certifications_completed == 2


def test_a_certification_and_a_task_stand_once_in_a_report(session: Session, people: People) -> None:
    report = full_report(session, people.alice)
    other = full_report(session, people.alice)
    assert len(CertificationRepository(session).list_by_report(other.id)) == 2
    for repository, values, field in (
        (CertificationRepository, CERTIFICATIONS[0], "certification_id"),
        (ActionPlanRepository, PLAN[0], "task_id"),
    ):
        with pytest.raises(Conflict) as caught, session.begin_nested():
            repository(session).create(report_id=report.id, **values)
        assert caught.value.field == field


@pytest.mark.parametrize(
    "change",
    [{"status": "completed"}, {"completed_at": None}, {"documents_completed": []}, {"report_id": None}],
)
def test_update_does_not_go_round_the_steps(session: Session, people: People, change: dict[str, Any]) -> None:
    report = full_report(session, people.alice)
    certificates = CertificationRepository(session)
    row = certificates.list_by_report(report.id)[0]
    with pytest.raises(InvalidInput) as caught:
        certificates.update(row.id, **change)
    assert caught.value.field == next(iter(change))
    assert certificates.update(row.id, notes="call the lab").notes == "call the lab"


def test_notes_go_with_a_step_or_alone(session: Session, people: People) -> None:
    report = full_report(session, people.alice)
    certificates = CertificationRepository(session)
    assert certificates.update_status(report.id, "fda", "not_started", "call the lab").notes == "call the lab"
    certificates.start(report.id, "fda")
    rejected = certificates.update_status(report.id, "fda", "rejected", notes="label incomplete")
    assert (rejected.notes, rejected.completed_at) == ("label incomplete", None)
    with pytest.raises(NotFound) as caught:
        certificates.start(report.id, "reach")
    assert caught.value.field == "certification_id"


class Work(RuleBasedStateMachine):
    """A report's certifications and tasks beside plain dictionaries; one transaction, undone at the end."""

    database: DatabaseSession
    people: People
    names = st.sampled_from([row["certification_id"] for row in CERTIFICATIONS])
    tasks = st.sampled_from([row["task_id"] for row in PLAN])

    @initialize()
    def begin(self) -> None:
        self.scope = self.database.get_session("acme")
        self.session = self.scope.__enter__()
        self.report = full_report(self.session, self.people.alice)
        self.status = {row["certification_id"]: "not_started" for row in CERTIFICATIONS}
        self.papers: dict[str, list[str]] = {name: [] for name in self.status}
        self.done: set[str] = set()
        self.completions = 0

    @rule(name=names, status=st.sampled_from(list(MOVES)))
    def move(self, name: str, status: str) -> None:
        certificates = CertificationRepository(self.session)
        before = self.status[name]
        if status != before and status not in MOVES[before]:
            with pytest.raises(Conflict):
                certificates.update_status(self.report.id, name, status)
            return
        certificates.update_status(self.report.id, name, status)
        self.completions += status == "completed" != before
        self.status[name] = status

    @rule(name=names, paper=st.sampled_from(["label", "licence", "test report"]))
    def mark(self, name: str, paper: str) -> None:
        CertificationRepository(self.session).mark_document_completed(self.report.id, name, paper)
        if paper not in self.papers[name]:
            self.papers[name].append(paper)

    @rule(task=tasks, done=st.booleans())
    def tick(self, task: str, done: bool) -> None:
        plan = ActionPlanRepository(self.session)
        (plan.complete_task if done else plan.reopen)(self.report.id, task)
        (self.done.add if done else self.done.discard)(task)

    @invariant()
    def the_database_says_the_same(self) -> None:
        if not hasattr(self, "session"):
            return
        self.session.flush()
        self.session.expire_all()
        certificates, plan = CertificationRepository(self.session), ActionPlanRepository(self.session)
        rows = {row.certification_id: row for row in certificates.list_by_report(self.report.id)}
        assert {name: row.status for name, row in rows.items()} == self.status
        assert {name: row.documents_completed for name, row in rows.items()} == self.papers
        for row in rows.values():
            assert (row.completed_at is not None) == (row.status == "completed")
            assert (row.started_at is not None) == (row.status != "not_started")
        summary = certificates.summary(self.report.id)
        completed = sum(status == "completed" for status in self.status.values())
        assert (summary.done, summary.total, summary.percent) == (completed, 2, 50 * completed)
        found = plan.tasks(self.report.id)
        assert {row.task_id for row in found if row.completed and row.completed_at} == self.done
        assert all(row.completed_at is None for row in found if not row.completed)
        progress = plan.progress(self.report.id)
        assert (progress.done, progress.total) == (len(self.done), 3)
        assert list(progress.days) == list(range(1, 8))
        assert (progress.days[1].done, progress.days[1].total) == (len(self.done & {"lut", "iec"}), 2)
        metrics = UserMetricsRepository(self.session).get_by_user(self.people.alice.id)
        assert metrics is not None
        assert metrics.certifications_completed == self.completions

    def teardown(self) -> None:
        if hasattr(self, "scope"):
            self.scope.close()


def test_progress_does_what_a_plain_model_does(sqlite_database: DatabaseSession) -> None:
    Work.database, Work.people = sqlite_database, make_people(sqlite_database)
    run_state_machine_as_test(
        Work, settings=settings(max_examples=25, stateful_step_count=15, deadline=None, database=None)
    )


def _at_once(works: list[Any]) -> None:
    """Run each in a thread of its own; raise what any of them raised."""
    failures: list[BaseException] = []

    def guarded(work: Any) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - told to the test below
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
