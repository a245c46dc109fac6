"""How many of what: "50 people", "a team of fifty", "25 new laptops", "40 consulting days"."""

import re
from dataclasses import dataclass

from procur.sourcing.amounts import NUMBER, read_count
from procur.sourcing.items import LICENCES, PEOPLE, THINGS
from procur.sourcing.spans import Page

_STOP = (
    r"for|and|or|with|in|at|of|per|a|an|the|to|by|on|is|are|must|months?|years?|days?|weeks?"
    r"|hours?|minutes?|percent|x|inch|gb|tb|but|from|as|net"
)
_ADJECTIVES = rf"(?:(?!(?:{_STOP})(?!\w))[^\W\d_][\w'\u2019-]{{0,20}},?[\s-]+){{0,3}}?"
_RANGE = rf"(?:\s?(?:-|\u2013|\u2014|to|or)\s?(?P<upper>{NUMBER}))?"
_ABOUT = (
    r"(?P<about>(?:about|around|approx(?:\.|imately)?|roughly|some|circa|ca\.?|~|almost|nearly"
    r"|up\s+to|at\s+most|at\s+least|max(?:imum|\.)?|min(?:imum|\.)?|exactly|between)\s*)?"
)
_COUNT = rf"(?<![\w.,$€£₹/])(?P<number>{NUMBER})(?P<more>\+)?{_RANGE}"
_NO_UNIT = r"(?!\w)(?!\s?(?:%|k\b|percent|days?\b|weeks?\b|months?\b|years?\b|hours?\b|GB\b|TB\b))"
_COUNTED = re.compile(
    (
        rf"(?<!\w){_ABOUT}{_COUNT}(?:\s*[x\u00d7]\s|[\s-]{{1,3}}){_ADJECTIVES}(?:(?P<thing>{THINGS})"
        rf"|(?P<licence>{LICENCES})|(?P<people>{PEOPLE}))(?!\w)"
    ),
    re.IGNORECASE,
)
_TEAM = re.compile(
    rf"(?<!\w)(?P<people>team|staff|company|group|department|crew|organi[sz]ation|firm|headcount"
    rf"|workforce|size|school|clinic|agency|startup|office)"
    rf"(?:\s+size)?\s*(?:of|is|:|=)\s*(?:of\s+)?{_ABOUT}{_COUNT}{_NO_UNIT}",
    re.IGNORECASE,
)
_STRONG = re.compile(
    (
        rf"(?<!\w){_COUNT}[\s-](?:strong|head|member|people|man)(?:[\s-](?P<people>team|staff|company"
        rf"|crew|department|group|firm))(?!\w)"
    ),
    re.IGNORECASE,
)
_LABELLED = re.compile(
    rf"(?<!\w)(?P<licence>quantity|qty|number\s+of\s+(?:seats|users|licen[cs]es|people|units"
    rf"|employees)|seats|users|licen[cs]es|people|headcount|units|amount|count|how\s+many)"
    rf"\s*[:=]?\s*(?:is\s+)?{_ABOUT}{_COUNT}{_NO_UNIT}",
    re.IGNORECASE,
)
_OF_US = re.compile(
    (
        rf"(?<!\w)(?:we\s+are|we're|there\s+are"
        rf"|there\s+will\s+be)\s+{_ABOUT}{_COUNT}(?:\s+(?P<people>of\s+us"
        rf"|in\s+total))?(?=\s*(?:[.,;:!)\n]|$|and\b|in\b|of\b))"
    ),
    re.IGNORECASE,
)
_FOR = re.compile(
    rf"(?<!\w)for\s+{_ABOUT}{_COUNT}(?=\s*(?:[.,;:!?)\n\x00]|$|with\b|and\b|at\b|in\b|by\b|on\b))",
    re.IGNORECASE,
)
_LEAD = re.compile(
    rf"(?:(?<!\w)(?:need|needs|buy|order|purchase|want|get|supply|procure|quote\s+for"
    rf"|looking\s+for|request\s+for|replace|deliver|require)\s+{_ABOUT}"
    rf"|^\s*(?:[-*•]\s+)?){_COUNT}"
    rf"\s*[x\u00d7]?\s+(?P<noun>(?:(?!(?:{_STOP})(?!\w))[^\W\d_][\w'\u2019-]{{0,20}}\s+){{0,3}}?[^\W\d_][\w'\u2019-]{{0,20}}s)(?!\w)",
    re.IGNORECASE | re.MULTILINE,
)
_TIME = re.compile(r"(?:hours|days)$")
_NOT_UNITS = re.compile(
    (
        r"(?:months?|years?|days?|weeks?|hours?|minutes?|seconds?|percent|times|dollars|euros|pounds"
        r"|gigabytes|integrations|languages|countries|offices|sites|locations|vendors|suppliers|offers"
        r"|quotes|projects|reports|references|options|things|points|items\son)$"
    ),
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Count:
    """A number of things; `rank` 0 is what is bought (licences, items), 1 the people it is for."""

    number: int
    upper: int | None
    unit: str
    unit_start: int
    unit_end: int
    rank: int
    note: str
    start: int
    end: int


def read_counts(page: Page, *, services: bool) -> list[Count]:
    """Return every count of the text, in order, claiming the words except the name of a thing.

    Hours and days are only counted where a service is bought: "30 days notice" is no quantity.
    """
    found: list[Count] = []
    for pattern, rank in ((_COUNTED, None), (_STRONG, 1), (_TEAM, 1), (_LABELLED, 0), (_OF_US, 1), (_FOR, 1)):
        for match in list(pattern.finditer(page.open)):
            count = _count(match, rank)
            if count is None or (_TIME.search(count.unit) and not services):
                continue
            # The name of a thing stays readable: it also says what kind of purchase this is.
            thing = match.groupdict().get("thing")
            page.claim(count.start, match.start("thing") if thing else count.end)
            found.append(count)
    if not found:
        found = _lead(page)
    return sorted(found, key=lambda one: one.start)


def _count(match: re.Match[str], rank: int | None) -> Count | None:
    number = read_count(match["number"])
    upper = read_count(match["upper"]) if match["upper"] else None
    if number is None or (match["upper"] and upper is None):
        return None
    groups = match.groupdict()
    name = next((name for name in ("thing", "licence", "people", "noun") if groups.get(name)), None)
    if rank is None:
        rank = 1 if name == "people" else 0
    unit = match[name].casefold() if name else "people"
    place = match.span(name) if name else (match.start(), match.start())
    if name in {"people", "licence"} and unit in _NOT_A_UNIT:
        unit = _NOT_A_UNIT[unit]
    return Count(
        number, upper, " ".join(unit.split()), *place, rank, _note(match), match.start(), match.end()
    )


_NOT_A_UNIT = dict.fromkeys(
    (
        "team",
        "staff",
        "company",
        "group",
        "department",
        "crew",
        "organisation",
        "organization",
        "firm",
        "headcount",
        "workforce",
        "size",
        "of us",
        "in total",
        "school",
        "clinic",
        "agency",
        "startup",
        "office",
    ),
    "people",
) | dict.fromkeys(("quantity", "qty", "amount", "count", "how many"), "units")


def _note(match: re.Match[str]) -> str:
    about = " ".join((match.groupdict().get("about") or "").casefold().split())
    if match["more"]:
        return "at least this many"
    return f'approximate: "{about}"' if about and about not in {"exactly", "between"} else ""


def _lead(page: Page) -> list[Count]:
    """Read "need 200 hard hats": a number and a noun nobody told us about, where the request begins."""
    for match in _LEAD.finditer(page.open):
        count = _count(match, 0)
        if count is not None and not _NOT_UNITS.search(match["noun"]):
            start = match.start("number")
            page.claim(start, match.start("noun"))
            return [
                Count(
                    count.number,
                    count.upper,
                    count.unit,
                    count.unit_start,
                    count.unit_end,
                    0,
                    count.note or "unknown",
                    start,
                    count.end,
                )
            ]
    return []
