"""Payment terms, billing and contract length as people write them."""

import re
from dataclasses import dataclass

from procur.core.deal import PAYMENT_TERMS
from procur.sourcing.amounts import NUMBER, read_count
from procur.sourcing.spans import Page

_NET = re.compile(
    (
        r"(?<!\w)(?:(?:payment|pay(?:able|ing)?|paid|invoices?|billing)\s*(?:terms?\s*)?(?:(?:is|are"
        r"|of|on|at|with|:|=|due|within|in|\u2013|-)\s*){0,3})?"
        r"(?:(?:net|n)[\s/-]{0,2}(?P<days1>[0-9]{1,3})(?:[\s-]days?)?"
        r"|(?P<days2>[0-9]{1,3})[\s-]days?[\s-]net)(?!\w)(?:\s+(?:payment\s+)?terms)?(?:\s+payment(?!\s+terms))?"
    ),
    re.IGNORECASE,
)
_DAYS = re.compile(
    r"(?<!\w)(?:"
    r"(?:payment|pay(?:able|ing)?|paid|invoices?)\s+(?:terms?\s+)?(?:(?:is|are|of|on|at|due|only"
    r"|the\s+invoice|invoices|us|you|within|in|after|to\s+be)\s+){0,4}(?P<days1>[0-9]{1,3}|"
    + NUMBER
    + r")[\s-]days?(?:\s+(?:after|from|of)\s+(?:the\s+)?(?:receipt\s+of\s+)?(?:the\s+)?(?:invoice"
    r"|delivery|receipt)(?:\s+date)?)?"
    r"|payment\s+terms?\s*:\s*(?P<days2>[0-9]{1,3})[\s-]?(?:days?|d)"
    r"|(?P<days3>[0-9]{1,3})[\s-]days?(?:['\u2019])?\s+(?:payment(?:\s+terms?)?|to\s+pay"
    r"|after\s+(?:the\s+)?(?:receipt\s+of\s+)?(?:the\s+)?invoice(?:\s+date)?"
    r"|from\s+(?:the\s+)?invoice(?:\s+date)?|invoice|credit(?:\s+terms)?)"
    r")(?!\w)",
    re.IGNORECASE,
)
_PREPAID = re.compile(
    r"(?<!\w)(?:pre-?\s?pa(?:id|y(?:ment|ments|ing)?)|(?:pay(?:ing|ment|able|ments)?|paid|billed"
    r"|invoiced?)(?:\s+for)?(?:\s+(?:the\s+)?(?:it|whole\s+year|year|full\s+year|everything"
    r"|a\s+year|one\s+year|full\s+amount))?"
    r"(?:\s+(?P<every>annually|yearly|quarterly|monthly))?\s+(?:up\s?-?front|in\s+advance|ahead)"
    r"|up-?front(?:\s+payments?)?|(?:annual\s+)?advance\s+payments?|payment\s+before\s+delivery"
    r"|cash\s+in\s+advance)"
    r"(?:\s+(?P<every2>annually|yearly|annual|per\s+year))?(?!\w)",
    re.IGNORECASE,
)
_MILESTONES = re.compile(
    r"(?<!\w)(?:(?:pay(?:ment|ments|ing|able)?|paid|billed"
    r"|invoiced?)\s+(?:terms?\s*:?\s*)?(?:(?:by|on|per|at|in|against|with)\s+)?(?:agreed\s+"
    r"|project\s+)?milestones?|milestone[\s-](?:based\s+)?(?:payments?|billing|invoicing)"
    r"|by\s+milestones?)(?:\s+payments?)?(?!\w)",
    re.IGNORECASE,
)
_OTHER_TERMS = re.compile(
    (
        r"(?<!\w)(?:pay(?:ment|able)?|paid)\s+(?:terms\s*:?\s*)?(?:on|upon|at)\s+(?:receipt|delivery"
        r"|invoice)|(?:cash|payment)\s+on\s+delivery|due\s+on\s+receipt"
    ),
    re.IGNORECASE,
)
_CADENCES = {
    "annual": "annual",
    "yearly": "annual",
    "annually": "annual",
    "monthly": "monthly",
    "quarterly": "quarterly",
    "month": "monthly",
    "quarter": "quarterly",
    "year": "annual",
    "months": "monthly",
}
_EVERY = r"(?P<{0}>monthly|quarterly|annually|annual|yearly)"
_CADENCE = re.compile(
    rf"(?<!\w)(?:(?:billed|bill|billing|invoiced?|invoicing|pay(?:ments?|ing|able)?|paid|charged"
    rf"|instal?lments?|subscription)(?:\s*:\s*|\s+(?:is\s+|it\s+|us\s+"
    rf"|in\s+)?){_EVERY.format('every1')}(?:\s+(?:instal?lments?|payments?))?"
    rf"|{_EVERY.format('every2')}\s+(?:billing|invoices?|invoicing|payments?|instal?lments?|pay(?!\w))"
    r"|(?:billed|invoiced|pay|paid|charged)\s+(?:(?:every|each|per|by\s+the"
    r"|once\s+a)\s+)(?P<every3>month|quarter|year))(?!\w)",
    re.IGNORECASE,
)
_TERM_NOUN = (
    r"(?:initial\s+|fixed\s+|minimum\s+|subscription\s+|contract\s+)?(?:contract|term|commitment"
    r"|agreement|subscription|deal|plan|lease|licen[cs]e|period|rental|framework)(?!\w)"
)
_LENGTH = rf"(?P<number>{NUMBER}|an?)[\s-]{{1,2}}(?P<unit>months?|years?|yrs?)(?!\w)"
_NOT_TERM = (
    r"(?![\s-]+(?:warrant|guarantee|experience|old|notice|history|on-?site|replacement|ago|support"
    r"|of\s+(?:warranty|experience|support|history|service))|\s+from\s+now)"
)
_TERM = re.compile(
    (
        r"(?<!\w)(?:(?:(?:contract\s+|initial\s+)?(?:term|duration|contract|commitment"
        r"|run\s?time)(?:\s+(?:of|for|is|length))?\s*:?\s*|(?:for|over)\s+|commit(?:ting)?\s+(?:to"
        r"|for)\s+|sign(?:ing)?\s+(?:up\s+)?for\s+)"
        rf"(?:the\s+)?(?:about\s+|at\s+least\s+|up\s+to\s+|max(?:imum)?\s+|(?:a\s+)?(?:minimum"
        rf"|maximum)\s+of\s+)?{_LENGTH}{_NOT_TERM}(?:\s+{_TERM_NOUN})?)"
    ),
    re.IGNORECASE,
)
_TERM_BARE = re.compile(
    (
        rf"(?<!\w){_LENGTH}{_NOT_TERM}(?:[\s-]+{_TERM_NOUN}|(?=\s*(?:[.,;)\n]|$|\x00|if\b|preferred"
        rf"|would|is\b|term|(?:a\s+)?must\b|required|only\b|fixed)))"
    ),
    re.IGNORECASE,
)
_TERM_NAMED = re.compile(
    (
        rf"(?<!\w)(?:(?P<year>annual|yearly|one-year)\s+{_TERM_NOUN}|(?P<month>month[\s-]to[\s-]month"
        rf"|rolling\s+monthly|monthly\s+(?:rolling|{_TERM_NOUN}|cancell?able|cancell?ation)"
        rf"|cancel(?:l?able)?\s+monthly)(?:\s+{_TERM_NOUN})?)(?!\w)"
    ),
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Wish:
    """A term of the deal that the text names; `value` is None where we have no such term."""

    value: str | int | None
    start: int
    end: int
    note: str = ""


def read_payment_terms(page: Page) -> tuple[list[Wish], list[Wish]]:
    """Return payment terms and billing cadences in order, claiming the words."""
    payments: list[Wish] = []
    cadences: list[Wish] = []
    for pattern in (_NET, _DAYS):
        for match in list(pattern.finditer(page.open)):
            days = next(
                (words for name, words in match.groupdict().items() if name.startswith("days") and words), ""
            )
            count = read_count(days)
            name = f"NET{count}"
            note = "" if name in PAYMENT_TERMS else f"{count} days is not among {', '.join(PAYMENT_TERMS)}"
            payments.append(Wish(name if name in PAYMENT_TERMS else None, match.start(), match.end(), note))
            page.claim(match.start(), match.end())
    for pattern, term in ((_PREPAID, "PREPAID"), (_MILESTONES, "MILESTONES"), (_OTHER_TERMS, None)):
        for match in list(pattern.finditer(page.open)):
            note = "" if term else f"not among {', '.join(PAYMENT_TERMS)}"
            payments.append(Wish(term, match.start(), match.end(), note))
            every = match.groupdict().get("every") or match.groupdict().get("every2")
            if every:
                cadences.append(Wish(_CADENCES.get(every.casefold(), "annual"), match.start(), match.end()))
            page.claim(match.start(), match.end())
    for match in list(_CADENCE.finditer(page.open)):
        every = match["every1"] or match["every2"] or match["every3"]
        cadences.append(Wish(_CADENCES[every.casefold()], match.start(), match.end()))
        page.claim(match.start(), match.end())
    return sorted(payments, key=lambda one: one.start), cadences


def read_term(page: Page) -> list[Wish]:
    """Return contract lengths in months, in order, claiming the words."""
    found: list[Wish] = []
    for match in list(_TERM_NAMED.finditer(page.open)):
        months = 12 if match["year"] else 1
        found.append(
            Wish(
                months,
                match.start(),
                match.end(),
                f'"{match[0]}" read as {months} months' if months > 1 else "cancellable every month",
            )
        )
        page.claim(match.start(), match.end())
    for pattern in (_TERM, _TERM_BARE):
        for match in list(pattern.finditer(page.open)):
            count = 1 if match["number"].casefold() in {"a", "an"} else read_count(match["number"])
            if count is None or count > 120:  # noqa: PLR2004 - no contract runs for longer
                continue
            months = count * (1 if match["unit"].casefold().startswith("month") else 12)
            found.append(Wish(months, match.start(), match.end()))
            page.claim(match.start(), match.end())
    return sorted(found, key=lambda one: one.start)
