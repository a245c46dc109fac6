"""What the code running now belongs to: one chain of causes, from a request to jobs, facts and audit rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something is done.

    `correlation_id` names the whole chain (a request, a command), `causation_id` the fact or job just
    before, `trace` a W3C traceparent.
    """

    correlation_id: str | None = None
    causation_id: str | None = None
    trace: str | None = None


_cause: ContextVar[Cause] = ContextVar("procur_cause", default=Cause())  # noqa: B039 - frozen


def current_cause() -> Cause:
    """Return what the running code belongs to; all fields are None where nobody has said so."""
    return _cause.get()


@contextmanager
def because_of(cause: Cause) -> Iterator[None]:
    """Let facts, jobs and audit rows written inside the block name this cause."""
    token = _cause.set(cause)
    try:
        yield
    finally:
        _cause.reset(token)
