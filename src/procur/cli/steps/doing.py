"""A job that a command asks for and does at once."""

import time
from typing import Any
from uuid import UUID

from procur.cli.workspace import Workspace
from procur.db.repositories import JobRepository
from procur.jobs.drain import execute_one
from procur.jobs.task import Task

_PATIENCE = 60.0  # seconds that a worker which was faster gets
_LOOK_EVERY = 0.1


def do_now(workspace: Workspace, task: Task[Any], job_id: UUID, *, patience: float = _PATIENCE) -> None:
    """Do this job here. A worker may have taken it first: wait until it has tried."""
    until = time.monotonic() + patience
    while execute_one(workspace.database, [task], job_id, clock=workspace.clock) is None:
        with workspace.session(read_only=True) as session:
            job = JobRepository(session).get(job_id)
        untried = job.state == "ready" and job.last_error is None
        if not (untried or job.state == "running") or time.monotonic() > until:
            return
        time.sleep(_LOOK_EVERY)
