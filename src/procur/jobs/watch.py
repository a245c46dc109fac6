"""Who looks on while jobs are done: logs, metrics, traces."""

import logging
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from procur.db.repositories import ClaimedJob
from procur.jobs.run import Outcome

_log = logging.getLogger("procur.jobs")


class Watch(Protocol):
    """Is told of every attempt."""

    def around(self, job: ClaimedJob) -> AbstractContextManager[object]:
        """Return what the attempt runs inside (a span)."""

    def ended(self, job: ClaimedJob, outcome: Outcome, seconds: float) -> None:
        """Hear how the attempt ended and how long it took."""


class LogWatch:
    """Writes a line for every attempt: `done` at level debug, everything else at info."""

    def around(self, job: ClaimedJob) -> AbstractContextManager[object]:
        """Add nothing."""
        del job
        return nullcontext()

    def ended(self, job: ClaimedJob, outcome: Outcome, seconds: float) -> None:
        """Write the line; the fields go along as `extra`."""
        level = logging.DEBUG if outcome is Outcome.DONE else logging.INFO
        if not _log.isEnabledFor(level):
            return
        fields = {
            "kind": job.kind,
            "job_id": str(job.id),
            "organization_id": str(job.organization_id),
            "attempt": job.attempt,
            "outcome": outcome.value,
            "seconds": round(seconds, 4),
            "correlation_id": job.correlation_id or str(job.id),
        }
        _log.log(level, "job %s: %s %s", outcome.value, job.kind, job.id, extra={"job": fields})
