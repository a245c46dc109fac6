"""What tasks need besides the database: made once per process, from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from procur.core.clock import Clock, SystemClock
from procur.db import DatabaseSession
from procur.notifications.channels import Channel
from procur.notifications.tasks import default_channels


@dataclass(frozen=True, slots=True)
class Tools:
    """The tools of every task. `home` is the folder with the database file and the documents."""

    database: DatabaseSession
    home: Path
    clock: Clock = field(default_factory=SystemClock)
    channels: Mapping[str, Channel] = field(default_factory=default_channels)

    @classmethod
    def from_environment(cls, home: Path, database: DatabaseSession | None = None) -> "Tools":
        """Return the tools that the environment describes; `database` if it is open already."""
        return cls(database or DatabaseSession(), home)
