"""Workers that are killed at any moment lose nothing and do nothing twice."""

import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import sums

from factories.people import People
from procur.db import DatabaseSession
from procur.db.repositories import JobRepository

DOOMED = Path(__file__).with_name("doomed_worker.py")
JOBS, KILLS, LEASE = 60, 2, 1.0


class Doomed:
    """A worker process."""

    def __init__(self, database: DatabaseSession) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(DOOMED), database.config.database_url, str(LEASE)], stdout=subprocess.PIPE
        )

    def wait(self) -> "Doomed":
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"working\n"
        return self

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.mark.timeout(180)
def test_killed_workers_lose_nothing_and_do_nothing_twice(
    database: DatabaseSession, people: People, counted: Callable[[int, str], None]
) -> None:
    with database.get_session("acme") as session:
        keys = [sums.LASTING.ask(session, sums.Add("sum"))[0].id for _ in range(JOBS)]
    chance, workers = random.Random(4), [Doomed(database), Doomed(database)]
    try:
        for _ in range(KILLS):
            victim = workers[0].wait()
            if len(workers) <= KILLS:
                workers.append(Doomed(database))
            time.sleep(chance.uniform(0.0, 0.25))
            victim.kill()
            del workers[0]
        sums.until(lambda: sums.total(database) >= JOBS, 90)
        sums.until(lambda: _open_jobs(database) == 0, 30)
    finally:
        for worker in workers:
            worker.kill()
    assert sums.total(database) == JOBS
    with database.system_session() as session:
        jobs = JobRepository(session).get_many(keys)
        steps = session.execute("SELECT count(*) FROM job_steps").scalar_one()
    assert {job.state for job in jobs.values()} == {"done"}
    assert steps == JOBS
    counted(KILLS, "workers killed")


def _open_jobs(database: DatabaseSession) -> int:
    with database.system_session(read_only=True) as session:
        found: int = session.execute("SELECT count(*) FROM jobs WHERE state <> 'done'").scalar_one()
        return found
