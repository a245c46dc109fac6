"""The sources that come with Procur; further ones need only `observe` (see `model.Source`)."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from procur.vendors.enrichment import compliance, pages, prices, structured
from procur.vendors.enrichment.model import Fetch, Observation, Page, Source, VendorView
from procur.vendors.vocabulary import Vocabulary


@dataclass(frozen=True)
class JsonLdSource:
    """schema.org data on any of the vendor's pages."""

    name: str = "schema.org"

    def observe(self, vendor: VendorView, fetch: Fetch) -> list[Observation]:
        """Return what the pages' JSON-LD says, each field from the first page that has it."""
        found: dict[str, Observation] = {}
        for page, _ in pages_of(vendor, fetch):
            for each in structured.observe(page, vendor):
                found.setdefault(each.field, each)
        return list(found.values())


@dataclass(frozen=True)
class PricePageSource:
    """The vendor's price page."""

    name: str = "price page"

    def observe(self, vendor: VendorView, fetch: Fetch) -> list[Observation]:
        """Return the plans of the first price page that names any."""
        for page, roles in pages_of(vendor, fetch):
            if pages.PRICES in roles and (found := prices.observe(page)):
                return found
        return []


@dataclass(frozen=True)
class CompliancePageSource:
    """The vendor's pages about security, trust and compliance."""

    vocabulary: Vocabulary
    name: str = "trust page"

    def observe(self, vendor: VendorView, fetch: Fetch) -> list[Observation]:
        """Return what each of these pages says of each framework."""
        return [
            each
            for page, roles in pages_of(vendor, fetch)
            if pages.COMPLIANCE in roles
            for each in compliance.observe(page, self.vocabulary)
        ]


def default_sources(vocabulary: Vocabulary) -> tuple[Source, ...]:
    """Return the sources that read vendors' pages."""
    return JsonLdSource(), PricePageSource(), CompliancePageSource(vocabulary)


def pages_of(vendor: VendorView, fetch: Fetch) -> list[tuple[Page, frozenset[str]]]:
    """Return a vendor's pages and what each is about: those a person named, or else the website's.

    A named page whose address says nothing is read as both, and the website's first page as neither.
    """
    both = frozenset({pages.PRICES, pages.COMPLIANCE})
    if vendor.pages:
        named = ((fetch(url), pages.roles_of(url) or both) for url in vendor.pages)
        return [(page, roles) for page, roles in named if page is not None]
    home = fetch(vendor.website) if vendor.website else None
    if home is None:
        return []
    found: dict[str, tuple[Page, frozenset[str]]] = {home.url: (home, pages.roles_of(home.url))}
    site = urlsplit(home.url).hostname or ""
    for role, urls in pages.links(home, site).items():
        for url in urls:
            page = fetch(url)
            if page is not None:
                known = found.get(page.url, (page, frozenset[str]()))[1]
                found[page.url] = (page, known | {role})
    return list(found.values())
