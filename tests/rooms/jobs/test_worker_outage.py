"""A worker whose PostgreSQL is killed and comes back does everything once, and waits for no lease."""

import os
import threading
from collections.abc import Iterator

import pytest
from sums import Add, adding, ask, job, total, until

import postgres
import watching
from procur.db import DatabaseSession
from procur.db.repositories import OrganizationRepository
from procur.jobs.task import Work
from procur.jobs.worker import Worker

pytestmark = pytest.mark.slow


@pytest.fixture
def server() -> Iterator[postgres.Server]:
    found = postgres.start(os.getpid(), durable=True)
    yield found
    postgres.stop(found)


@pytest.mark.timeout(180)
def test_what_was_at_work_in_an_outage_is_done_right_after_it(server: postgres.Server) -> None:
    database = DatabaseSession(server.url)
    database.create_all_tables()
    with database.system_session() as session:
        OrganizationRepository(session).create(name="Acme", slug="acme")
    begun, go_on = threading.Semaphore(0), threading.Event()

    def think(_work: Work, payload: Add) -> None:
        if payload.name == "sum":
            begun.release()
            go_on.wait(60)

    keys = [ask(database) for _ in range(4)]
    worker = Worker(database, [adding(think)], threads=2, lease=120.0, schedules=False)
    worker.start()
    for _ in range(2):
        assert begun.acquire(timeout=20)
    watching.kill(server)
    go_on.set()  # they find no database to commit to, nor to note that in
    until(lambda: worker._desk.counts()[1] == 0, 60)
    watching.revive(server)
    later = ask(database, "later")
    until(lambda: total(database) == 4 and total(database, "later") == 1, 60)  # far sooner than a lease
    assert worker.stop()
    assert {(job(database, key).state, job(database, key).attempt) for key in (*keys, later)} == {("done", 1)}
    database.close()
