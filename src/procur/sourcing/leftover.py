"""What nobody understood, so that it is shown and never silently dropped."""

import re

from procur.sourcing.spans import CLAIMED, Page, Span

_EDGE = re.compile(r"\x00+|[.;!?](?=\s|$|\x00)|,(?=\s|$|\x00)|\n|\s[-\u2013\u2014]\s|[()]|:(?=\s|$|\x00)")
_WORD = re.compile(r"[$€£₹]?[^\W_]+(?:['\u2019][^\W\d_]+)?")
_NEGATIONS = frozenset({"no", "not", "without", "never", "nor"})
# Words that carry no wish of their own: they glue the understood pieces together.
_GLUE = frozenset(
    """
    a about above access after ahead all already also am an and another any are around as ask at available back based be because been being best both but buy buying
    by can case cheers choose choice consider could d dear definitely do does done each else etc every everybody everyone everything existing few find first following
    for from further general get getting give go going good great group guys had has have having hello help here hey hi how i idea if important in including
    inside into is it item items its itself just kind kindly know let lets like ll looking look m make many may me might more much must my myself need needed needs
    new next nice now of off office offer offers ok okay on once one ones only option or order ordering organisation organization other our ours out over people per platform
    please possible procure procurement product provide provider purchase purchasing put quick quote quotes re recommend regards request require required requirement requirements s search see
    select several shall she should so software solution solutions some somebody someone something soon source sourcing such suggest suitable support supplier suppliers supply supports sure t
    team teams tell than thank thanks that the their them then there these they thing things this those through to today together too tool tools total two up us
    use used users using ve vendor vendors via want wanted wants was way we well what when where which while who whole whose will wish with within work working would
    yes yet you your yours service services company business department app application apps system subject re fwd saas subscription licence license licenses licences seat seats
    budget price cost costs term terms payment pay paid contract deal delivery delivered deadline quantity qty compliance security certified certification certificate compliant feature features cap
    include includes included sincerely best greetings morning afternoon evening cost center category type currency staff user employee employees month year months years annual annually monthly
    yearly max maximum min minimum ideally most least units unit start starting end date due report reports audited attestation full fully per each x e g eg ie i.e spend
    must-have musts invoice invoices replace replacing w haves nice-to-have nice-to-haves procure come comes coming run running able have's team's let's we're we've we'd we'll i'm i'd i've it's don't that's there's
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
