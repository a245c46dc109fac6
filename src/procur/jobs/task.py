"""Tasks: how a kind of work is done, in two phases.

*think* may take long and call models and the network, with no transaction open; *commit* is one short
transaction that writes the effect, its facts and follow-up jobs, and with them that the job is done.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from procur.core.actor import Actor
from procur.core.errors import ProcurError
from procur.db import Session
from procur.jobs.kinds import Kind

P = TypeVar("P")
_SOONEST = 1.0  # seconds


class GiveUp(ProcurError):
    """The work cannot succeed however often it is tried: the job ends as failed."""


class Later(ProcurError):
    """The work is not possible yet: tried again so many seconds from now, without counting an attempt.

    At the earliest in a second, by the database's clock: whoever is wrong about the time tries no faster.
    """

    def __init__(self, message: str, *, seconds: float) -> None:
        super().__init__(message)
        self.seconds = max(_SOONEST, seconds)


class LeaseLost(ProcurError):
    """Somebody else has the job by now, or it was cancelled: nothing more may be written for it."""


class Work(Protocol):
    """What a task knows of the job it does."""

    @property
    def job_id(self) -> UUID:
        """The job's key: the same in every attempt, so it names outside effects (a Message-ID)."""

    @property
    def organization_id(self) -> UUID:
        """Whose work it is."""

    @property
    def attempt(self) -> int:
        """Which attempt this is, from 1."""

    @property
    def actor(self) -> Actor:
        """Who acts: the system, inside the job's organisation."""

    def now(self) -> datetime:
        """Return the time now (UTC), by the clock the worker was given."""

    def session(self, *, read_only: bool = False) -> AbstractContextManager[Session]:
        """Open a short transaction of the job's organisation; close it before anything slow.

        It asks for no lease: what it writes, a worker that has lost the job may write as well.
        """

    def step(self, name: str, do: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return what this step of the job has given, doing it only if no earlier attempt has.

        The result (JSON values) is kept before it is returned, so a retry does not pay for it again.
        """

    def check(self) -> None:
        """Raise LeaseLost when the job was cancelled or taken over; call it in long loops."""


@dataclass(frozen=True, slots=True)
class Task(Generic[P]):
    """How one kind of work is done.

    `think(work, payload)` gives a thought; `commit(session, work, payload, thought)` writes it and may return
    what the job's row keeps as its result. Without `think` the thought is None; without `commit` there is no
    effect to write.

    Errors: GiveUp, InvalidInput, NotFound, NotAllowed and OutsideMandate end the job as failed; Later puts
    it off; everything else is tried again with backoff until the attempts are used up (dead).
    """

    kind: Kind[P]
    think: Callable[[Work, P], Any] | None = None
    commit: Callable[[Session, Work, P, Any], dict[str, Any] | None] | None = None
