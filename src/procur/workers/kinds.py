"""Work that keeps the house clean."""

from dataclasses import dataclass

from procur.jobs.kinds import Kind


@dataclass(frozen=True, slots=True)
class Cleanup:
    """Remove what is past its time; `part` counts the jobs that one occasion has taken."""

    part: int = 1


CLEANUP = Kind("cleanup", "default", Cleanup, lasts=1800.0)
