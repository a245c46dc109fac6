"""What tasks need besides the database: made once per process, from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from procur.core.clock import Clock, SystemClock
from procur.db import DatabaseSession
from procur.documents.settings import DocumentSettings, store_from
from procur.documents.store import DocumentStore
from procur.notifications.channels import Channel
from procur.notifications.tasks import default_channels
from procur.vendors.enrichment.tools import EnrichmentTools
from procur.vendors.vocabulary import Vocabulary, load_for


@dataclass(frozen=True, slots=True)
class Tools:
    """The tools of every task. `home` is the folder with the database file and the documents."""

    database: DatabaseSession
    home: Path
    clock: Clock = field(default_factory=SystemClock)
    channels: Mapping[str, Channel] = field(default_factory=default_channels)

    def store(self) -> DocumentStore:
        """Return the store of contracts and orders; NotConfigured when it needs an extra that is missing."""
        return store_from(DocumentSettings(), self.home)

    def vocabulary(self) -> Vocabulary:
        """Return the words Procur knows, with the user's own file on top where the folder has one."""
        return load_for(self.home)

    def enrichment(self) -> EnrichmentTools:
        """Return what vendors' pages and feeds are read with."""
        return EnrichmentTools.from_environment(self.home, self.vocabulary())

    @classmethod
    def from_environment(cls, home: Path, database: DatabaseSession | None = None) -> "Tools":
        """Return the tools that the environment describes; `database` if it is open already."""
        return cls(database or DatabaseSession(), home)
