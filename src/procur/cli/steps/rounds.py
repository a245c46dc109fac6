"""The rounds of a request: work them off in this process, or look on while others do."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from procur.cli.workspace import Workspace
from procur.core.errors import DecisionNeeded, Unavailable
from procur.db import Session
from procur.db.models import JobRecord
from procur.db.repositories import JobRepository, NegotiationRepository, RequestRepository
from procur.db.wake import Wake
from procur.jobs.drain import Only, drain
from procur.jobs.task import Task, Work
from procur.negotiation.kinds import PROCESS_NEGOTIATION_ROUND, PlayRound
from procur.negotiation.tasks import process_negotiation_round
from procur.negotiation.watching import Watch

OnRound = Callable[[dict[str, Any]], None]
OnWait = Callable[[str], None]

LEASE = 5.0  # seconds after which a round of a command that was killed is taken over
LOOK_AGAIN = 0.1  # seconds between two looks at work that somebody else does, at first
LOOK_AT_LAST = 2.0  # seconds between two looks when nothing is heard of it
SAY_SO = 1.5  # seconds without news after which it is told what is waited for
PATIENCE = 60.0  # seconds without news after which nobody waits any longer


@dataclass
class Looking:
    """Tells the rounds of a request as they come on record."""

    workspace: Workspace
    watch: Watch
    on_round: OnRound | None = None
    _round: int = field(default=0, init=False)

    def look(self) -> bool:
        """Tell what is new; say whether anything was."""
        with self.workspace.session(read_only=True) as session:
            return self.tell(session)

    def tell(self, session: Session) -> bool:
        """Do the same in an open session."""
        news = self.watch.news(session)
        if self.on_round is not None:
            for one in news:
                self.on_round(one.as_dict())
        return bool(news)

    def task(self) -> Task[PlayRound]:
        """Return the task of playing rounds, which tells each round of all sessions before the next one."""
        task = process_negotiation_round()

        def think(work: Work, asked: PlayRound) -> Any:
            if asked.round != self._round and self.on_round is not None:
                self._round = asked.round
                self.look()
            return None if task.think is None else task.think(work, asked)

        return replace(task, think=think)


def play_off(
    workspace: Workspace, watch: Watch, *, on_round: OnRound | None = None, on_wait: OnWait | None = None
) -> None:
    """Play until every session of the request has ended or waits for a vendor.

    Workers may take some of the rounds at the same time: those are told when they are on record. Raises
    DecisionNeeded when a round cannot be played as things stand, Unavailable when whoever has it does not
    get on with it.
    """
    looking = Looking(workspace, watch, on_round)
    tasks, only = (looking.task(),), Only(correlation_id=watch.request_id)
    since, said, refused = time.monotonic(), False, False
    while True:
        done = drain(
            workspace.database,
            tasks,
            organization=workspace.organization or workspace.database.config.default_organization,
            only=only,
            clock=workspace.clock,
            ids=workspace.ids,
            lease=LEASE,
        )
        if done:
            workspace.to_seal()
        with workspace.session(read_only=True) as session:
            # In this order: where nothing is left to do, all that was done is on record and told.
            left = _left(session, watch.request_id)
            news = looking.tell(session)
        if not left.rounds:
            return
        if not left.at_work and refused:  # seen twice, so not just between two commits
            raise left.refusal(watch.request_id)
        refused = not left.at_work
        if done or news:
            since, said = time.monotonic(), False
            continue
        quiet = time.monotonic() - since
        if quiet > PATIENCE:
            raise Unavailable(
                f"nothing has come on record for {PATIENCE:.0f} seconds: {'; '.join(left.at_work)}",
                hint=f"procur negotiation watch {watch.request_id}",
            )
        if quiet > SAY_SO and not said and on_wait is not None:
            said = True
            on_wait("; ".join(left.at_work))
        time.sleep(min(max(LOOK_AGAIN, quiet / 4), LOOK_AT_LAST))


def look_on(looking: Looking) -> None:
    """Tell the rounds until the talks have ended, whoever plays them, which may take days."""
    wake = Wake(looking.workspace.database)
    wake.start()
    try:
        while True:
            seen = wake.seen()
            looking.look()
            if looking.watch.ended:
                return
            time.sleep(LOOK_AGAIN)  # on a busy database something is written all the time
            wake.wait(seen, LOOK_AT_LAST)
    finally:
        wake.stop()


@dataclass(frozen=True, slots=True)
class _Left:
    """What is still to be played (session and round), what the open jobs wait for, why others ended."""

    rounds: dict[str, int]
    at_work: list[str]
    why: str | None

    def refusal(self, request_id: str) -> DecisionNeeded:
        """Return the error that says why these rounds are not played."""
        names = ", ".join(f"round {number} of {name}" for name, number in self.rounds.items())
        return DecisionNeeded(
            f"{names} could not be played: {self.why or 'nobody has asked for it, or it was cancelled'}",
            field="request_id",
            hint=f"mend what it says, then: procur negotiate {request_id} --resume",
        )


def _left(session: Session, request_id: str) -> _Left:
    request = RequestRepository(session).named(request_id)
    jobs = JobRepository(session).correlated(request_id, kind=PROCESS_NEGOTIATION_ROUND.name)
    ready = dict(NegotiationRepository(session).ready(request.id))
    at_work = [_waits_for(job) for job in jobs if job.state in {"ready", "running"}]
    ended = [job for job in jobs if ready.get(job.payload["session_id"]) == job.payload["round"]]
    return _Left(ready, at_work, next((job.last_error for job in reversed(ended) if job.last_error), None))


def _waits_for(job: JobRecord) -> str:
    """Tell in words what an open job waits for."""
    name = f"round {job.payload['round']} of {job.payload['session_id']}"
    if job.state == "ready":
        again = f" after: {job.last_error}" if job.last_error else ""
        return f"{name} is due at {job.run_at:%H:%M:%S} UTC{again}"
    until = "" if job.lease_until is None else f", which has it until {job.lease_until:%H:%M:%S} UTC"
    return f"{name} is with {job.worker or 'a worker'}{until}; then it is taken over"
