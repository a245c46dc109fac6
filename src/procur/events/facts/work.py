"""What people did to jobs, facts and schedules, and what the house did by itself."""

from dataclasses import dataclass
from typing import ClassVar

from procur.events.facts.fact import Fact


@dataclass(frozen=True, slots=True)
class JobCancelled(Fact):
    """Somebody stopped a job before it was done."""

    subject: ClassVar[str] = "job"
    job_id: str
    kind: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class JobsRedriven(Fact):
    """Somebody gave failed and dead jobs of a kind all their attempts again."""

    subject: ClassVar[str] = "kind"
    kind: str
    jobs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WorkStuck(Fact):
    """Jobs were given up, or facts went to the dead letters, since this was told last.

    `failed` says how many of the jobs no further attempt could have helped; the others have used up theirs.
    `about` names the kinds of jobs and the consumers; `until` is when the newest of them gave up.
    """

    subject: ClassVar[str] = "organization"
    slug: str
    jobs: int
    facts: int
    about: tuple[str, ...]
    until: str
    failed: int = 0


@dataclass(frozen=True, slots=True)
class GroupReplayed(Fact):
    """Somebody let a group read the facts again from a place on."""

    subject: ClassVar[str] = "group"
    group: str
    position: int
    facts: int


@dataclass(frozen=True, slots=True)
class DeadLettersRedriven(Fact):
    """Somebody had facts delivered again that a group could not take in."""

    subject: ClassVar[str] = "group"
    group: str
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeadLettersDropped(Fact):
    """Somebody gave up facts that a group could not take in."""

    subject: ClassVar[str] = "group"
    group: str
    facts: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class SchedulePaused(Fact):
    """A schedule makes no jobs for now: somebody wants it so, or it cannot be read (`reason`)."""

    subject: ClassVar[str] = "schedule"
    name: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ScheduleResumed(Fact):
    """Somebody let a paused schedule go on."""

    subject: ClassVar[str] = "schedule"
    name: str
    next_run_at: str


@dataclass(frozen=True, slots=True)
class ScheduleChanged(Fact):
    """Somebody changed when a schedule runs."""

    subject: ClassVar[str] = "schedule"
    name: str
    cron: str
    timezone: str
    next_run_at: str


@dataclass(frozen=True, slots=True)
class ScheduleStarted(Fact):
    """Somebody had a schedule's job done at once, beside its times."""

    subject: ClassVar[str] = "schedule"
    name: str
    job_id: str


@dataclass(frozen=True, slots=True)
class RetentionApplied(Fact):
    """What nobody needs any more was removed: how many rows of what."""

    subject: ClassVar[str] = "organization"
    slug: str
    removed: dict[str, int]
