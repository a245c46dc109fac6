"""Does one job that somebody else has chosen: for executors that are told a job's id."""

import threading
import time
from collections.abc import Iterable
from typing import Any, Self
from uuid import UUID, uuid4

from procur.core.errors import Unavailable
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

    Its lease is extended from a thread of its own for as long as it runs. Unavailable: the database has gone.
    """
    by_name = {task.kind.name: task for task in tasks}
    only = Narrowed(organization_id=organization_id, id=job_id)
    with database.system_session() as session:
        taken = ClaimRepository(session).claim_some(
            list(by_name), 1, lease=Lease(uuid4(), worker, lease), only=only
        )
    for job in taken:
        with _Heart(database, job, lease) as heart:
            return execute(database, by_name[job.kind], job, still_held=heart.holds)
    return None


class _Heart:
    """Extends one lease while its job runs; hands the job back when the process is told to end."""

    def __init__(self, database: DatabaseSession, job: ClaimedJob, lease: float) -> None:
        self._database, self._job, self._lease = database, job, lease
        self._until = time.monotonic() + lease
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
            try:
                with self._database.system_session() as session:
                    held = self._job.id in ClaimRepository(session).extend([self._job], self._lease)
            except Unavailable:
                continue  # perhaps the next beat arrives; if none does, `holds` says so in time
            self._until = begun + self._lease if held else begun
            if not held:
                return
