"""The threads that keep leases and house: extend, free what others left, fire schedules."""

import threading
import time
from collections.abc import Mapping
from typing import Any

from procur.core.logs import get_logger
from procur.db import DatabaseSession
from procur.db.repositories import ClaimRepository
from procur.db.wake import Wake
from procur.jobs.desk import Desk, HeldJob
from procur.jobs.outage import Outage
from procur.jobs.schedules import fire_due
from procur.jobs.task import Task

_REAPED = 100  # jobs that are freed in one transaction
_EVERY = 1.0  # seconds between two looks for lost leases and due schedules


class LeaseKeeper:
    """Extends the leases of all jobs of a desk, a few times before they end."""

    def __init__(
        self,
        database: DatabaseSession,
        desk: Desk,
        tasks: Mapping[str, Task[Any]],
        *,
        threads: int,
        lease: float,
    ) -> None:
        self._database = database
        self._desk = desk
        self._tasks = tasks
        self._lease = lease
        self._threads = threads
        self._hung = False
        self._next = time.monotonic() + lease / 3

    def run(self, stopped: threading.Event, outage: Outage) -> None:
        """Work until `stopped`; raises when the database cannot be reached."""
        # After a failure at once: by the time a database is back, a third of a lease may be all that is left.
        while not stopped.wait(max(0.0, self._next - time.monotonic())):
            self._tell_if_hung()
            keep = [held for held in self._desk.held() if not held.lost and not self._overdue(held)]
            if not keep:
                self._next = time.monotonic() + self._lease / 3
                continue  # and nothing has been learnt of the database
            with self._database.system_session() as session:
                mine = ClaimRepository(session).extend([held.job for held in keep], self._lease)
            self._next = time.monotonic() + self._lease / 3
            # Also after an outage: as long as nobody else has taken a job, its token stands and it is ours.
            for held in keep:
                held.lost = held.lost or held.job.id not in mine
            outage.over()

    def hung(self) -> bool:
        """Say whether every thread is at a job that takes longer than it may: nothing more is done here."""
        running = self._desk.running()
        return len(running) >= self._threads and all(map(self._too_old, running))

    def _tell_if_hung(self) -> None:
        hung = self.hung()
        if hung and not self._hung:
            get_logger("procur.jobs").error(
                "every thread is held by a job that takes too long, nothing more is done by this process",
                threads=self._threads,
            )
        self._hung = hung

    def _too_old(self, held: HeldJob) -> bool:
        return held.age() > self._tasks[held.job.kind].kind.lasts

    def _overdue(self, held: HeldJob) -> bool:
        """Let go of a job that takes longer than its kind may: another attempt will be made of it."""
        if not self._too_old(held):
            return False
        get_logger("procur.jobs").warning(
            "job takes too long, its lease ends", job_id=held.job.id, kind=held.job.kind
        )
        held.lost = True
        return True


def reap_all(database: DatabaseSession) -> tuple[int, int]:
    """Free every job whose lease has run out, some at a time: how many are ready again, how many dead."""
    ready = dead = 0
    while True:
        with database.system_session() as session:
            freed, ended = ClaimRepository(session).reap(_REAPED)
        ready, dead = ready + freed, dead + ended
        if freed + ended < _REAPED:
            return ready, dead


def keep_house(
    database: DatabaseSession, wake: Wake, stopping: threading.Event, outage: Outage, *, schedules: bool
) -> None:
    """Free jobs whose workers went away, and make the jobs of schedules that are due, until `stopping`."""
    while True:
        freed, dead = reap_all(database)
        if freed or dead:
            get_logger("procur.jobs").warning("leases ran out", ready_again=freed, dead=dead)
            wake.ring()
        if schedules and fire_due(database):
            wake.ring()
        outage.over()
        if stopping.wait(_EVERY):
            return
