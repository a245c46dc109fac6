import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/**/*.md")])
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+\s+(.*)$", re.MULTILINE)


def anchor(heading: str) -> str:
    """The fragment under which a heading is linked: lower case, words joined by dashes."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_inside_the_repository_lead_somewhere(page):
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, fragment = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name}: {link} does not exist"
        if fragment and target.suffix == ".md":
            anchors = {anchor(heading) for heading in HEADING.findall(target.read_text(encoding="utf-8"))}
            assert fragment in anchors, f"{page.name}: {link} names no heading"


def test_no_page_is_an_orphan():
    linked = set()
    for page in PAGES:
        for link in LINK.findall(page.read_text(encoding="utf-8")):
            linked.add((page.parent / link.partition("#")[0]).resolve())
            if link.endswith("/"):
                linked.add((page.parent / link / "README.md").resolve())
    roots = {ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")}
    assert set(PAGES) - linked - roots == set()
