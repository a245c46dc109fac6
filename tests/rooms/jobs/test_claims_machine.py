"""Any order of asking, taking, ending, expiring and redriving gives what a dictionary would give."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import sums
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from factories.people import People
from procur.core.errors import Conflict
from procur.db import DatabaseSession
from procur.db.models import JobRecord
from procur.db.repositories import (
    ClaimedJob,
    ClaimRepository,
    JobRepository,
    Lease,
    LeaseRepository,
    Queues,
)

MOST = 2
WANTED = Queues(("default",), ("add",))
OWNERS = ("acme", "rival")


@dataclass
class Known:
    """What the model knows of one job."""

    owner: str
    state: str = "ready"
    attempt: int = 0
    token: UUID | None = None
    expired: bool = False


class Jobs(RuleBasedStateMachine):
    """The repositories beside a dictionary. `taken` are all claims ever made: of zombies, too."""

    database: DatabaseSession

    def __init__(self) -> None:
        super().__init__()
        with self.database.system_session() as session:
            session.execute("DELETE FROM jobs")
        self.known: dict[UUID, Known] = {}
        self.taken: list[tuple[str, ClaimedJob]] = []

    def _pick(self, number: int) -> tuple[str, ClaimedJob, Known, bool] | None:
        """Return some claim, the job's model, and whether the lease is still held."""
        if not self.taken:
            return None
        owner, job = self.taken[number % len(self.taken)]
        model = self.known[job.id]
        return owner, job, model, model.state == "running" and model.token == job.lease_token

    @rule(owner=st.sampled_from(OWNERS))
    def ask(self, owner: str) -> None:
        with self.database.get_session(owner) as session:
            job, _ = JobRepository(session).enqueue("add", {}, max_attempts=MOST)
        self.known[job.id] = Known(owner)

    @rule(limit=st.integers(1, 4))
    def claim(self, limit: int) -> None:
        with self.database.system_session() as session:
            jobs = ClaimRepository(session).claim(WANTED, limit, lease=Lease(uuid4(), "w", 60))
        ready = sum(one.state == "ready" for one in self.known.values())
        assert len(jobs) == min(limit, ready)
        for job in jobs:
            model = self.known[job.id]
            assert model.state == "ready"
            model.state, model.attempt, model.token = "running", model.attempt + 1, job.lease_token
            model.expired = False
            assert job.attempt == model.attempt
            self.taken.append((model.owner, job))

    @rule(number=st.integers(0, 50), batch=st.booleans())
    def finish(self, number: int, batch: bool) -> None:
        if (picked := self._pick(number)) is None:
            return
        owner, job, model, held = picked
        if batch:
            with self.database.system_session() as session:
                assert ClaimRepository(session).finish_many([job]) == ({job.id} if held else set())
        else:
            with self.database.get_session(owner) as session:
                assert LeaseRepository(session).finish(job.id, job.lease_token) is held
        if held:
            model.state, model.token = "done", None

    @rule(number=st.integers(0, 50), final=st.booleans())
    def fail(self, number: int, final: bool) -> None:
        if (picked := self._pick(number)) is None:
            return
        owner, job, model, held = picked
        with self.database.get_session(owner) as session:
            leases, key = LeaseRepository(session), (job.id, job.lease_token)
            done = (
                leases.end(*key, state="failed", error="no")
                if final
                else leases.retry(*key, error="no", seconds=-1)
            )
        assert done is held
        if held:
            model.state, model.token = "failed" if final else "ready", None

    @rule(number=st.integers(0, 50))
    def hand_back(self, number: int) -> None:
        if (picked := self._pick(number)) is None:
            return
        _owner, job, model, held = picked
        with self.database.system_session() as session:
            assert ClaimRepository(session).hand_back([job]) == ({job.id} if held else set())
        if held:
            model.state, model.token, model.attempt = "ready", None, model.attempt - 1

    @rule()
    def extend_all(self) -> None:
        jobs = [job for _owner, job in self.taken]
        held = {job.id for job in jobs if self._holds(job)}
        with self.database.system_session() as session:
            assert ClaimRepository(session).extend(jobs, 60) == held
        for key in held:
            self.known[key].expired = False

    def _holds(self, job: ClaimedJob) -> bool:
        model = self.known[job.id]
        return model.state == "running" and model.token == job.lease_token

    @rule()
    def time_passes(self) -> None:
        sums.expire(self.database)
        for model in self.known.values():
            model.expired = model.expired or model.state == "running"

    @rule()
    def reap(self) -> None:
        gone = [model for model in self.known.values() if model.state == "running" and model.expired]
        dead = [model for model in gone if model.attempt >= MOST]
        with self.database.system_session() as session:
            assert ClaimRepository(session).reap() == (len(gone) - len(dead), len(dead))
        for model in gone:
            model.state, model.token = "dead" if model in dead else "ready", None

    @rule(number=st.integers(0, 50), redrive=st.booleans())
    def by_hand(self, number: int, redrive: bool) -> None:
        if not self.known:
            return
        key = list(self.known)[number % len(self.known)]
        model = self.known[key]
        states = ("failed", "dead") if redrive else ("ready", "running")
        try:
            with self.database.get_session(model.owner) as session:
                jobs: Any = JobRepository(session)
                (jobs.redrive if redrive else jobs.cancel)(key)
        except Conflict:
            assert model.state not in states
            return
        assert model.state in states
        model.state, model.token = ("ready" if redrive else "cancelled"), None
        model.attempt = 0 if redrive else model.attempt

    @invariant()
    def every_job_is_as_known(self) -> None:
        with self.database.system_session(read_only=True) as session:
            found = session.execute(
                JobRecord.__table__.select().with_only_columns(
                    JobRecord.id, JobRecord.state, JobRecord.attempt, JobRecord.lease_token
                )
            )
            rows = {row.id: (row.state, row.attempt, row.lease_token) for row in found}
        assert rows == {key: (one.state, one.attempt, one.token) for key, one in self.known.items()}


def test_jobs_behave_like_a_dictionary(
    database: DatabaseSession, people: People, counted: Callable[[int, str], None]
) -> None:
    machine = type("Machine", (Jobs,), {"database": database})
    examples, steps = 8, 30
    run_state_machine_as_test(
        machine, settings=settings(max_examples=examples, stateful_step_count=steps, deadline=None)
    )
    counted(examples * steps, "steps of jobs beside a dictionary")
