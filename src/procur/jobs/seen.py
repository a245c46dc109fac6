"""What an attempt at a job leaves to be seen: a span, a log line and its seconds in the figures."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from procur.core.context import Cause, because_of
from procur.core.logs import about, line
from procur.core.metrics import count_attempt
from procur.core.tracing import Value, failed, span
from procur.db.repositories import ClaimedJob

_WELL = frozenset({"done", "put_off"})


@dataclass(slots=True)
class Attempt:
    """How it ended; `error` is the text that was kept with the job."""

    outcome: str = "interrupted"
    error: str | None = None


@contextmanager
def attempted(job: ClaimedJob) -> Iterator[Attempt]:
    """Let what the block does belong to the job; afterwards tell how its attempt ended."""
    attempt, started = Attempt(), time.perf_counter()
    cause = Cause(job.correlation_id or str(job.id), str(job.id), job.trace)
    fields: dict[str, Value] = {"job.kind": job.kind, "job.id": str(job.id), "job.attempt": job.attempt}
    with (
        because_of(cause),
        about(job_id=str(job.id), organization_id=str(job.organization_id)),
        span(f"job {job.kind}", kind="consumer", parent=job.trace, **fields) as running,
    ):
        try:
            yield attempt
        finally:
            seconds = time.perf_counter() - started
            count_attempt(job.kind, attempt.outcome, seconds)
            if running is not None:
                running.set_attribute("job.outcome", attempt.outcome)
                if attempt.outcome not in _WELL:
                    failed(running, attempt.error or attempt.outcome)
            more = {} if attempt.error is None else {"error": attempt.error}
            told = {"kind": job.kind, "outcome": attempt.outcome, "attempt": job.attempt}
            line("procur.jobs", "job", **told, seconds=round(seconds, 4), **more)
