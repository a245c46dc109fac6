"""What tasks need besides the database: made once per process, from the environment."""

from dataclasses import dataclass, field
from pathlib import Path

from procur.core.clock import Clock, SystemClock
from procur.db import DatabaseSession


@dataclass(frozen=True, slots=True)
class Tools:
    """The tools of every task. `home` is the folder with the database file and the documents."""

    database: DatabaseSession
    home: Path
    clock: Clock = field(default_factory=SystemClock)

    @classmethod
    def from_environment(cls, home: Path, database: DatabaseSession | None = None) -> "Tools":
        """Return the tools that the environment describes; `database` if it is open already."""
        return cls(database or DatabaseSession(), home)
