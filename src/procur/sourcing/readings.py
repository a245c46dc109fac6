"""One pass over a text: every reader in the order that keeps one from eating another's words."""

import re
from dataclasses import dataclass, field
from datetime import date

from procur.sourcing.budget import Budget, read_budgets
from procur.sourcing.dates import read_needed_by
from procur.sourcing.items import Item, items, software_word
from procur.sourcing.leftover import read_unread
from procur.sourcing.quantity import Count, read_counts
from procur.sourcing.spans import Found, Page, Span
from procur.sourcing.strengths import Strengths
from procur.sourcing.terms import Wish, read_payment_terms, read_term
from procur.sourcing.wants import Named, read_names
from procur.vendors.vocabulary import Vocabulary

_COST_CENTER = re.compile(
    r"(?<!\w)(?:(?:charge[d]?\s+to\s+|on\s+|book(?:ed)?\s+(?:it\s+)?(?:on|to)\s+)?(?:our\s+"
    r"|the\s+)?(?:cost[\s-]?(?:cent(?:er|re)|code|object)|kostenstelle)|(?-i:CC))\s*(?:no\.?"
    r"|number|is|code)?\s*[:#=-]?\s*"
    r"(?P<code>(?=[A-Z./_-]{0,12}[0-9])[A-Z0-9](?:[A-Z0-9./_-]{0,18}[A-Z0-9])?)(?!\w)",
    re.IGNORECASE,
)
_DEPARTMENTS = (
    r"marketing|sales|finance|engineering|legal|human\s+resources|hr|it|operations|ops"
    r"|customer\s+(?:support|success|service|care)|product|design|procurement"
    r"|research(?:\s+and\s+development)?"
    r"|r&d|people\s+ops|people|support|logistics|accounting|controlling|purchasing|compliance"
    r"|security|data|quality|production|manufacturing|warehouse|communications|pr|development"
    r"|facilities|administration|editorial|growth"
)
_DEPARTMENT = re.compile(
    rf"(?<!\w)(?:(?:for|on\s+behalf\s+of|from|in|within|by)\s+(?:the\s+|our\s+)?(?P<named>(?!people"
    rf"|it\b){_DEPARTMENTS}|(?-i:IT))(?=\s*(?:[.,;:!?)\n\x00]|$|(?:team|department|dept\.?|division"
    rf"|unit)\b|with\b|at\b|by\b|and\s+(?:we|it|must|needs?)\b|who\b|we\b|under\b|max\b|up\b"
    rf"|budget\b|in\b|to\b))(?:\s+(?:team|department|dept\.?|division|unit))?"
    rf"|(?:the\s+|our\s+|for\s+)?(?P<team>{_DEPARTMENTS})\s+(?:department|dept\.?|division)"
    rf"|(?P<crew>(?!people\b){_DEPARTMENTS})\s+(?:team|crew)"
    r"|(?:department|dept\.?)\s*:\s*(?P<label>[^\W\d_][\w&/ -]{0,40}?))(?=\s*(?:$|[^\w\s]|\n|\x00|\s))",
    re.IGNORECASE,
)
_LABEL = re.compile(r"(?<!\w)(?:department|dept\.?)\s*:\s*(?P<label>[^\W\d_][\w&/ -]{0,40})", re.IGNORECASE)
_ONE = re.compile(r"(?<!\w)(?:an?|one)\s+(?:[^\W\d_][\w-]{0,20}\s+){0,3}$", re.IGNORECASE)


@dataclass(slots=True)
class Readings:
    """What the readers found in one text, before anything is compared or concluded."""

    page: Page
    payments: list[Wish] = field(default_factory=list)
    cadences: list[Wish] = field(default_factory=list)
    needed_by: list[Found[date]] = field(default_factory=list)
    cost_centers: list[Found[str]] = field(default_factory=list)
    departments: list[Found[str]] = field(default_factory=list)
    budgets: list[Budget] = field(default_factory=list)
    terms: list[Wish] = field(default_factory=list)
    counts: list[Count] = field(default_factory=list)
    names: list[Named] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    software: Span | None = None
    strength: dict[int, str] = field(default_factory=dict)
    unread: tuple[Span, ...] = ()


def read_page(page: Page, vocabulary: Vocabulary, today: date) -> Readings:
    """Run every reader over the text once."""
    read = Readings(page)
    names = read_names(page, vocabulary)
    # "SOC 2", "ISO 27001" and "24/7 support" hold numbers that are no quantity.
    for name in names:
        if name.framework or any(letter.isdigit() for letter in page.text[name.start : name.end]):
            page.claim(name.start, name.end)
    certain = {name.start for name in names if page.open[name.start] == "\x00"}
    read.payments, read.cadences = read_payment_terms(page)
    read.needed_by = read_needed_by(page, today)
    read.cost_centers = [_claimed(page, match, "code") for match in list(_COST_CENTER.finditer(page.open))]
    read.departments = _departments(page)
    read.budgets = read_budgets(page)
    read.terms = read_term(page)
    # Names inside "for the design team" or "per month" are spoken for; those inside "50 mailboxes" are not.
    free = [name for name in names if name.start in certain or "\x00" not in page.open[name.start : name.end]]
    read.items = [item for item in items(page.open) if not _overlaps(item, free)]
    word = software_word(page.open)
    read.software = page.span(word.start(), word.end()) if word else None
    read.counts = read_counts(page, services=any(item.request_type == "services" for item in read.items))
    read.names = free
    _read_strengths(read)
    return read


def finish(read: Readings, used: list[tuple[int, int]]) -> None:
    """Claim what was concluded from and collect what is left."""
    read.page.claim_all(used)
    read.unread = read_unread(read.page)


def one_of(page: Page, item: Item) -> Span | None:
    """Return "a laptop" where the article says how many."""
    article = _ONE.search(page.text, max(page.start, item.start - 60), item.start)
    return page.span(article.start(), item.end) if article else None


def _overlaps(item: Item, names: list[Named]) -> bool:
    return any(name.start < item.end and item.start < name.end for name in names)


def _claimed(page: Page, match: re.Match[str], group: str) -> Found[str]:
    page.claim(match.start(), match.end())
    return page.found(match[group].strip(), match.start(), match.end())


def _departments(page: Page) -> list[Found[str]]:
    labelled = [_claimed(page, match, "label") for match in list(_LABEL.finditer(page.open))]
    found = []
    for match in list(_DEPARTMENT.finditer(page.open)):
        name = match["named"] or match["team"] or match["crew"]
        if name:
            page.claim(match.start(), match.end())
            found.append(page.found(" ".join(name.split()), match.start(), match.end()))
    return labelled + found


def _read_strengths(read: Readings) -> None:
    """Find the strength word of every name and term, and claim the words that were used."""
    wishes = [(wish.start, wish.end) for wish in (*read.payments, *read.terms, *read.cadences)]
    places = [(name.start, name.end) for name in read.names] + wishes
    bought = next((name.start for name in read.names if name.category), -1)
    alone = [
        bought,
        *(start for start, _ in wishes),
        *(name.start for name in read.names if name.feature is None),
    ]
    framework = {name.start for name in read.names if name.framework}
    strengths = Strengths(read.page.open, places, [start for start in alone if start not in framework])
    for start, _ in places:
        told = strengths.of(start)
        if told is not None:
            read.strength[start] = told
    read.page.claim_all(strengths.marks)
