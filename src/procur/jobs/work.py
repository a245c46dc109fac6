"""What a task sees of the job it does."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID

from procur.core.actor import Actor
from procur.core.clock import Clock
from procur.core.ids import IdSource
from procur.db import DatabaseSession, Session
from procur.db.repositories import ClaimedJob, JobStepRepository, LeaseRepository
from procur.jobs.task import LeaseLost


class JobWork:
    """The `Work` of one claimed job: its facts, short transactions, steps that are paid for once."""

    def __init__(
        self,
        database: DatabaseSession,
        job: ClaimedJob,
        *,
        clock: Clock,
        ids: IdSource | None = None,
        still_held: Callable[[], bool] = lambda: True,
    ) -> None:
        """Take the job and `still_held`, which says (cheaply) whether its lease is known to be held."""
        self._database = database
        self._job = job
        self._clock = clock
        self._ids = ids
        self._still_held = still_held

    @property
    def job_id(self) -> UUID:
        """The job's key."""
        return self._job.id

    @property
    def organization_id(self) -> UUID:
        """Whose work it is."""
        return self._job.organization_id

    @property
    def attempt(self) -> int:
        """Which attempt this is, from 1."""
        return self._job.attempt

    @property
    def actor(self) -> Actor:
        """The system, inside the job's organisation."""
        return Actor(self._job.organization_id, "system", "procur", "Procur", "system")

    def now(self) -> Any:
        """Return the time now, by the clock the worker was given."""
        return self._clock.now()

    def session(self, *, read_only: bool = False) -> AbstractContextManager[Session]:
        """Open a short transaction of the job's organisation."""
        return self._database.get_session(
            self._job.organization_id, read_only=read_only, ids=self._ids, clock=self._clock
        )

    def step(self, name: str, do: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return what this step has given, doing it only if no earlier attempt has."""
        self.check()
        with self.session(read_only=True) as session:
            known = JobStepRepository(session).result(self._job.id, name)
        if known is not None:
            return known
        result = do()
        self.check()
        with self.session() as session:
            if not LeaseRepository(session).holds(self._job.id, self._job.lease_token):
                raise self._lost()
            return JobStepRepository(session).remember(self._job.id, name, result)

    def check(self) -> None:
        """Raise LeaseLost when the job was cancelled or taken over."""
        if not self._still_held():
            raise self._lost()

    def _lost(self) -> LeaseLost:
        return LeaseLost(f"the job {self._job.id} is not ours any more")
