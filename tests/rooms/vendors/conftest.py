from typing import Any

import pytest

from factories.house import House
from factories.pages import serving
from procur.net.client import GuardedClient
from procur.net.manners import Manners
from procur.net.settings import NetSettings
from procur.vendors.enrichment.feeds import FeedSource
from procur.vendors.enrichment.sources import default_sources
from procur.vendors.enrichment.tools import EnrichmentTools
from procur.vendors.vocabulary import load


@pytest.fixture
def pages():
    """The vendor's web server."""
    with serving() as served:
        yield served


@pytest.fixture
def tools(pages: Any, house: House) -> EnrichmentTools:
    """What enrichment works with; the vendor's server is allowed although it is on loopback."""
    client = GuardedClient(NetSettings(allow=pages.place, rate=1000, total_timeout=5))
    words = load()
    sources = (*default_sources(words), FeedSource(house.workspace.home / "feeds", words))
    return EnrichmentTools(Manners(client), sources)
