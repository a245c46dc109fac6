"""What nobody understood, so that it is shown and never silently dropped."""

import re

from procur.sourcing.spans import CLAIMED, Page, Span

_EDGE = re.compile(r"\x00+|[.;!?](?=\s|$|\x00)|,(?=\s|$|\x00)|\n|\s[-\u2013\u2014]\s|[()]|:(?=\s|$|\x00)")
_WORD = re.compile(r"[$€£₹]?[^\W_]+(?:['\u2019][^\W\d_]+)?")
_NEGATIONS = frozenset({"no", "not", "without", "never", "nor"})
# Words that carry no wish of their own: they glue the understood pieces together.
_GLUE = frozenset(
    """
    a able about above access after afternoon ahead all already also am an and annual annually another
    any app application apps are around as ask at attestation audited available back based be because
    been being best both budget business but buy buying by can cap case category center certificate
    certification certified cheers choice choose come comes coming company compliance compliant consider
    contract cost costs could currency d date deadline deal dear definitely delivered delivery
    department do does don't done due e each eg else employee employees end etc evening every everybody
    everyone everything existing feature features few find first following for from full fully further
    fwd g general get getting give go going good great greetings group guys had has have have's haves
    having hello help here hey hi how i i'd i'm i've i.e idea ideally ie if important in include
    included includes including inside into invoice invoices is it it's item items its itself just kind
    kindly know least let let's lets licence licences license licenses like ll look looking m make many
    max maximum may me might min minimum month monthly months more morning most much must must-have
    musts my myself need needed needs new next nice nice-to-have nice-to-haves now of off offer offers
    office ok okay on once one ones only option or order ordering organisation organization other our
    ours out over paid pay payment people per platform please possible price procure procurement product
    provide provider purchase purchasing put qty quantity quick quote quotes re recommend regards
    replace replacing report reports request require required requirement requirements run running s
    saas search seat seats security see select service services several shall she should sincerely so
    software solution solutions some somebody someone something soon source sourcing spend staff start
    starting subject subscription such suggest suitable supplier suppliers supply support supports sure
    system t team team's teams tell term terms than thank thanks that that's the their them then there
    there's these they thing things this those through to today together too tool tools total two type
    unit units up us use used user users using ve vendor vendors via w want wanted wants was way we we'd
    we'll we're we've well what when where which while who whole whose will wish with within work
    working would x year yearly years yes yet you your yours
    """.split()  # noqa: SIM905 - a list of ninety strings reads worse
)


def read_unread(page: Page) -> tuple[Span, ...]:
    """Return the stretches of the text with words that were neither understood nor mere glue."""
    found = []
    left = page.start
    text = page.open
    edges = [(match.start(), match.end()) for match in _EDGE.finditer(text)]
    for start, end in [*edges, (len(text), len(text))]:
        span = _stretch(page, text, left, start)
        if span is not None:
            found.append(span)
        left = end
    return tuple(found)


def _stretch(page: Page, text: str, start: int, end: int) -> Span | None:
    """Return the words from the first to the last that carry a meaning."""
    telling = [match for match in _WORD.finditer(text, start, end) if _tells(match[0])]
    if telling and all(match[0].casefold() in _NEGATIONS for match in telling):
        # A lone "no" says nothing; what it stands with does.
        telling = list(_WORD.finditer(text, start, end))
    return page.span(telling[0].start(), telling[-1].end()) if telling else None


def _tells(word: str) -> bool:
    return word.casefold().replace("\u2019", "'") not in _GLUE and word != CLAIMED
