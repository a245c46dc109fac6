import re
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event
from starlette.testclient import TestClient

from factories.serving import append
from procur.app import create_app
from procur.core.errors import NotAllowed
from procur.core.ids import uuid7
from procur.core.metrics import count_attempt, count_claims, count_facts
from procur.db.base import utc_now
from procur.db.repositories import (
    AuditRepository,
    EventDeliveryRepository,
    EventOffsetRepository,
    EventRepository,
    FigureRepository,
    JobRepository,
    OrganizationRepository,
)
from procur.web.application import application

REFERENCE = Path(__file__).parents[3] / "docs/reference/metrics.md"


@pytest.fixture
def worked(database, people):
    """Jobs in all states, a log of five facts of which one has no place yet, one group two facts behind."""
    now = utc_now()
    append(database, people.organization_id, *(f"REQ-{number}" for number in range(4)))
    with database.get_session(people.organization_id) as session:
        jobs = JobRepository(session)
        jobs.enqueue("a", queue="mail", run_at=now - timedelta(seconds=100))
        jobs.enqueue("a", queue="mail")
        jobs.enqueue("a", queue="mail", run_at=now + timedelta(hours=1))
        for until in (-60, 60):
            lease = {"lease_token": uuid7(), "lease_until": now + timedelta(seconds=until)}
            jobs.update(jobs.enqueue("b", queue="talks")[0].id, state="running", **lease)
        for state in ("dead", "dead", "failed", "done"):
            jobs.update(jobs.enqueue("b", queue="talks")[0].id, state=state, finished_at=now)
        first, *_ = EventRepository(session).get_all()
        letters = EventDeliveryRepository(session)
        letters.ensure("reports", [first.id])
        letters.failed(letters.find(consumer="reports").id, error="no", next_attempt_at=None)
        EventOffsetRepository(session).move("reports", 2, expected=None)
        EventRepository(session).append(type="X", aggregate_type="request", aggregate_id="REQ-9")
        AuditRepository(session).log_action(action="x", resource_type="y", actor_type="system", actor_id="z")
    with database.get_session(people.other_organization_id) as session:
        JobRepository(session).enqueue("a", queue="mail")
    return database


def samples(text):
    return {
        (one.name, *one.labels.values()): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def test_the_figures_are_what_stands_in_the_tables(worked):
    count_attempt("a", "done", 0.2)
    count_claims("mail", 3)
    count_facts("reports", "dead")
    with TestClient(application(worked, groups={"reports", "mail"})) as client:
        answer = client.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain")
        found = samples(answer.text)
    expected = {
        ("procur_jobs_ready", "mail"): 4, ("procur_jobs_due", "mail"): 3,
        ("procur_jobs_running", "talks"): 2, ("procur_jobs_expired_leases", "talks"): 1,
        ("procur_jobs_running", "mail"): 0, ("procur_jobs_oldest_due_seconds", "talks"): 0,
        ("procur_jobs_stuck", "b", "dead"): 2, ("procur_jobs_stuck", "b", "failed"): 1,
        ("procur_group_lag_facts", "reports"): 2, ("procur_group_lag_facts", "mail"): 4,
        ("procur_group_dead_letters", "reports"): 1, ("procur_group_dead_letters", "mail"): 0,
        ("procur_facts_unnumbered",): 1, ("procur_audit_unsealed",): 1, ("procur_database_up",): 1,
    }  # fmt: skip
    assert {name: found.get(name) for name in expected} == expected
    assert 100 <= found["procur_jobs_oldest_due_seconds", "mail"] < 160
    assert 0 <= found["procur_group_lag_seconds", "reports"] < 60
    assert found["procur_task_seconds_count", "a", "done"] >= 1
    assert found["procur_job_claims_total", "mail"] >= 3
    assert found["procur_facts_delivered_total", "reports", "dead"] >= 1
    assert "Acme" not in answer.text


def test_the_database_is_asked_once_a_second_at_most(worked):
    app = application(worked)
    with TestClient(app) as client:
        first = samples(client.get("/metrics").text)
        with worked.get_session("acme") as session:
            JobRepository(session).enqueue("a", queue="mail")
        assert (
            samples(client.get("/metrics").text)["procur_jobs_ready", "mail"]
            == first["procur_jobs_ready", "mail"]
        )
        app.state.figures._asked = -10.0
        assert samples(client.get("/metrics").text)["procur_jobs_ready", "mail"] == 5


def test_what_a_deleted_organisation_has_left_is_not_counted(worked, people):
    with worked.system_session() as session:
        OrganizationRepository(session).soft_delete(people.organization_id)
    with TestClient(application(worked, groups={"reports"})) as client:
        found = samples(client.get("/metrics").text)
    gone = {
        ("procur_group_lag_facts", "reports"), ("procur_group_lag_seconds", "reports"),
        ("procur_group_dead_letters", "reports"), ("procur_facts_unnumbered",), ("procur_audit_unsealed",),
    }  # fmt: skip
    assert {name: found[name] for name in gone} == dict.fromkeys(gone, 0)
    # The other organisation has one job, which is due.
    assert {name: number for name, number in found.items() if name[0] == "procur_jobs_due"} == {
        ("procur_jobs_due", "mail"): 1
    }
    assert not [name for name in found if name[0] == "procur_jobs_stuck"]


def test_no_figure_reads_through_a_table_that_grows(sqlite_database):
    asked = []

    def note(_connection, _cursor, statement, given, *_):
        asked.append((statement, given))

    event.listen(sqlite_database.engine, "before_cursor_execute", note)
    with sqlite_database.system_session(read_only=True) as session:
        figures = FigureRepository(session)
        figures.queues(), figures.stuck(), figures.groups(["mail"]), figures.unnumbered(), figures.unsealed()
    event.remove(sqlite_database.engine, "before_cursor_execute", note)
    raw = sqlite_database.engine.raw_connection()
    plans = [
        row[-1]
        for statement, given in asked
        if statement.startswith(("SELECT", "WITH"))
        for row in raw.cursor().execute(f"EXPLAIN QUERY PLAN {statement}", given)
    ]
    raw.close()
    assert {plan.split()[1] for plan in plans if plan.startswith("SEARCH")} >= {"jobs", "events"}
    assert not [
        plan
        for plan in plans
        if re.match("SCAN (jobs|events|event_deliveries|event_heads|audit_unsealed)", plan)
    ]


def test_only_a_system_session_counts_over_organisations(session):
    with pytest.raises(NotAllowed):
        FigureRepository(session)


def test_every_figure_stands_in_the_reference(sqlite_database):
    with TestClient(create_app(sqlite_database)) as client:
        families = list(text_string_to_metric_families(client.get("/metrics").text))
    told = {family.name: family.type for family in families if not family.name.endswith("_created")}
    rows = re.findall(r"^\| `(procur_\w+)` \| (\w+) \|", REFERENCE.read_text(encoding="utf-8"), re.MULTILINE)
    assert dict(rows) == told
