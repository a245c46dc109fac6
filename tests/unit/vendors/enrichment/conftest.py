from datetime import UTC, datetime

import pytest

from procur.vendors.enrichment.model import Page, digest

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def page():
    def make(html, url="https://acme.example/pricing"):
        return Page(url, html, digest(html), NOW)

    return make
