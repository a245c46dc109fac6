"""What enrichment works with: the polite client and the sources."""

import os
from dataclasses import dataclass
from pathlib import Path

from procur.net.client import GuardedClient
from procur.net.manners import Manners
from procur.net.settings import NetSettings
from procur.vendors.enrichment.feeds import FeedSource
from procur.vendors.enrichment.model import Source, parse
from procur.vendors.enrichment.sources import default_sources
from procur.vendors.vocabulary import Vocabulary


@dataclass(frozen=True)
class EnrichmentTools:
    """One per process, so that its threads share what they know of hosts and their turns."""

    manners: Manners
    sources: tuple[Source, ...]

    @classmethod
    def from_environment(cls, home: Path, vocabulary: Vocabulary) -> "EnrichmentTools":
        """Return the tools that the environment describes.

        Feeds are in the folder PROCUR_ENRICHMENT_FEEDS, or in `home`/feeds.
        """
        folder = Path(os.environ.get("PROCUR_ENRICHMENT_FEEDS") or home / "feeds")
        return cls(
            Manners(GuardedClient(NetSettings())),
            (*default_sources(vocabulary), FeedSource(folder, vocabulary)),
        )

    def ready(self) -> None:
        """Raise NotConfigured when the extra is not installed."""
        parse("<p>")
