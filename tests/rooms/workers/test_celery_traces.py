"""Celery's processes trace their jobs as every other worker does."""

import pytest
from celery.signals import worker_process_shutdown
from celery_trade import KINDS, Piece
from pytest_httpserver import HTTPServer

from procur.db import DatabaseSession
from procur.jobs.task import Task
from procur.workers.celery_app import worker_app
from procur.workers.celery_settings import CelerySettings


def test_a_job_is_traced_and_sent_when_its_process_ends(
    sqlite_database: DatabaseSession, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", httpserver.url_for("/"))
    httpserver.expect_request("/v1/traces").respond_with_data(b"")
    with sqlite_database.get_session() as session:
        job = KINDS[0].ask(session, Piece())[0]
        names = str(job.organization_id), str(job.id)
    broker = CelerySettings(broker_url="redis://127.0.0.1:1/0")
    app = worker_app(lambda: (sqlite_database, (Task(KINDS[0]),)), broker)
    app.tasks[KINDS[0].name].apply(args=names)
    worker_process_shutdown.send(sender=None)
    assert b"job process_negotiation_round" in b"".join(each.data for each, _ in httpserver.log)
