"""The threads that keep leases and house: extend, free what others left, fire schedules."""

import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

from procur.core.logs import get_logger
from procur.db import DatabaseSession
from procur.db.repositories import ClaimRepository
from procur.db.wake import Wake
from procur.jobs.desk import Desk, HeldJob
from procur.jobs.outage import Outage
from procur.jobs.schedules import fire_due
from procur.jobs.task import Task

_EVERY = 1.0  # seconds between two looks for lost leases and due schedules


class LeaseKeeper:
    """Extends the leases of all jobs of a desk, a few times before they end."""

    def __init__(
        self, database: DatabaseSession, desk: Desk, tasks: Mapping[str, Task[Any]], lease: float
    ) -> None:
        self._database = database
        self._desk = desk
        self._tasks = tasks
        self._lease = lease
        self._extended = time.monotonic()

    def run(self, stopped: threading.Event, outage: Outage) -> None:
        """Work until `stopped`; raises when the database cannot be reached."""
        while not stopped.wait(self._lease / 3):
            keep = [held for held in self._desk.held() if not held.lost and not self._overdue(held)]
            if time.monotonic() - self._extended > self._lease:
                _lose(keep)  # all leases have run out meanwhile
            with self._database.system_session() as session:
                mine = ClaimRepository(session).extend([held.job for held in keep], self._lease)
            self._extended = time.monotonic()
            _lose(held for held in keep if held.job.id not in mine)
            outage.over()

    def _overdue(self, held: HeldJob) -> bool:
        """Let go of a job that takes longer than its kind may: another attempt will be made of it."""
        if held.age() <= self._tasks[held.job.kind].kind.lasts:
            return False
        get_logger("procur.jobs").warning(
            "job takes too long, its lease ends", job_id=held.job.id, kind=held.job.kind
        )
        held.lost = True
        return True


def _lose(jobs: Iterable[HeldJob]) -> None:
    for held in jobs:
        held.lost = True


def keep_house(
    database: DatabaseSession, wake: Wake, stopping: threading.Event, outage: Outage, *, schedules: bool
) -> None:
    """Free jobs whose workers went away, and make the jobs of schedules that are due, until `stopping`."""
    while True:
        with database.system_session() as session:
            freed, dead = ClaimRepository(session).reap()
        if freed or dead:
            get_logger("procur.jobs").warning("leases ran out", ready_again=freed, dead=dead)
            wake.ring()
        if schedules and fire_due(database):
            wake.ring()
        outage.over()
        if stopping.wait(_EVERY):
            return
