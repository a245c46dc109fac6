"""Making pages small enough to keep, and finding the ones worth reading."""

import re
from urllib.parse import urljoin, urlsplit

from procur.net.addresses import below
from procur.vendors.enrichment.model import Page, clean, parse

PRICES, COMPLIANCE = "prices", "compliance"
_WORDS = {
    PRICES: re.compile(r"\b(?:pricing|prices|plans|preise|tarifs?|precios)\b"),
    COMPLIANCE: re.compile(
        r"\b(?:security|trust|trust ?cent(?:er|re)|compliance|certifications?|sicherheit|datenschutz)\b"
    ),
}
# Pages about these things that are not the vendor's own statement.
_BESIDE = re.compile(
    r"\b(?:blog|news|press|careers?|jobs?|docs?|help|support|community|events?|webinars?|academy)\b"
)
_DROPPED = [
    "style",
    "svg",
    "noscript",
    "iframe",
    "template",
    "img",
    "picture",
    "video",
    "audio",
    "canvas",
    "link",
]
_LONGEST_HTML = 600_000
_MOST_LINKS = 3000
_EACH = 2


def slim(html: str) -> str:
    """Return a page without what no parser of ours reads: scripts (but JSON-LD), styles, pictures."""
    tree = parse(html)
    for node in tree.css("script"):
        if (node.attributes.get("type") or "").split(";")[0].strip().lower() != "application/ld+json":
            node.decompose()
    tree.strip_tags(_DROPPED)
    return (tree.html or "")[:_LONGEST_HTML].replace("\x00", "")


def roles_of(url: str, words: str = "") -> frozenset[str]:
    """Return what a page is likely about, by its address and the words of the link to it."""
    parts = urlsplit(url)
    told = re.sub(r"[/_.\-]+", " ", f"{parts.hostname or ''} {parts.path}").casefold()
    if _BESIDE.search(told):
        return frozenset()
    # A long text around a link is not its name.
    named = f"{told} {words.casefold()}" if len(words) < 40 else told  # noqa: PLR2004
    return frozenset(role for role, pattern in _WORDS.items() if pattern.search(named))


def links(page: Page, site: str) -> dict[str, list[str]]:
    """Return the addresses of price and compliance pages that a page links to, by role, best first.

    Only pages of the same site count (`site` is its host), each once, at most two of a role.
    """
    found: dict[str, dict[str, int]] = {role: {} for role in _WORDS}
    for node in page.tree.css("a[href]")[:_MOST_LINKS]:
        address = _absolute(page.url, node.attributes.get("href") or "", site)
        if address is None:
            continue
        for role in roles_of(address, clean(node.text(), longest=200)):
            rank = len(urlsplit(address).path.strip("/").split("/")) * 100 + len(address)
            found[role].setdefault(address, rank)
    return {role: sorted(ranks, key=lambda url: (ranks[url], url))[:_EACH] for role, ranks in found.items()}


def _absolute(base: str, href: str, site: str) -> str | None:
    try:
        parts = urlsplit(urljoin(base, href.strip()))
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or host is None or not below(host, site):
        return None
    return parts._replace(fragment="").geturl()
