"""Does one job that somebody else has chosen: for executors that are told a job's id."""

import threading
import time
from collections.abc import Iterable
from typing import Any, Self
from uuid import UUID, uuid4

from procur.core.errors import Unavailable
from procur.core.logs import get_logger
from procur.db import DatabaseSession
from procur.db.repositories import ClaimedJob, ClaimRepository, Lease, Narrowed
from procur.jobs.run import Outcome, execute
from procur.jobs.task import Task


def run_one(
    database: DatabaseSession,
    tasks: Iterable[Task[Any]],
    organization_id: UUID,
    job_id: UUID,
    *,
    worker: str,
    lease: float = 30.0,
) -> Outcome | None:
    """Claim this job of this organisation and do it; None when it is taken, over, not due or unknown.

    Its lease is extended from a thread of its own for as long as it runs and its kind may take; after that
    others get it, and what it still thinks is not written. Unavailable: the database has gone.
    """
    by_name = {task.kind.name: task for task in tasks}
    only = Narrowed(organization_id=organization_id, id=job_id)
    with database.system_session() as session:
        taken = ClaimRepository(session).claim_some(
            list(by_name), 1, lease=Lease(uuid4(), worker, lease), only=only
        )
    for job in taken:
        task = by_name[job.kind]
        with _Heart(database, job, lease, lasts=task.kind.lasts) as heart:
            return execute(database, task, job, still_held=heart.holds)
    return None


class _Heart:
    """Extends one lease while its job runs, for `lasts` seconds; hands it back when the process is to end."""

    def __init__(self, database: DatabaseSession, job: ClaimedJob, lease: float, *, lasts: float) -> None:
        self._database, self._job, self._lease = database, job, lease
        begun = time.monotonic()
        self._until, self._ends = begun + lease, begun + lasts
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="procur-heart", daemon=True)

    def holds(self) -> bool:
        """Say whether the lease is known to be held."""
        return time.monotonic() < self._until

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        self._over.set()
        self._thread.join()
        if kind is not None and issubclass(kind, KeyboardInterrupt | SystemExit):
            with self._database.system_session() as session:
                ClaimRepository(session).hand_back([self._job])

    def _beat(self) -> None:
        while not self._over.wait(self._lease / 3):
            begun = time.monotonic()
            if begun > self._ends:
                self._until = begun
                log = get_logger("procur.jobs")
                log.warning(
                    "job takes too long, its lease ends", job_id=str(self._job.id), kind=self._job.kind
                )
                return
            try:
                with self._database.system_session() as session:
                    held = self._job.id in ClaimRepository(session).extend([self._job], self._lease)
            except Unavailable:
                continue  # perhaps the next beat arrives; if none does, `holds` says so in time
            self._until = begun + self._lease if held else begun
            if not held:
                return
