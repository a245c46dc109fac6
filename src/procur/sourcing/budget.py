"""What it may cost: which amounts are the budget, per what, and what that makes a year or in total."""

import re
from dataclasses import dataclass
from decimal import Decimal

from procur.sourcing.amounts import NUMBER, Amount, amounts, read_count
from procur.sourcing.items import LICENCES, PEOPLE, THINGS
from procur.sourcing.spans import Page

_MAX = (
    r"at\s+(?:the\s+)?most|up\s+to|max(?:imum|imal|imally)?\.?|(?:no|not)\s+more\s+than"
    r"|upper\s+limit|below|under|less\s+than|lower\s+than|cheaper\s+than"
    r"|(?:must\s+|should\s+|may\s+|can\s?|to\s+|shall\s+|do(?:es)?\s?|could\s+|will\s+)?(?:not"
    r"|n't|never)\s+(?:to\s+)?(?:exceed(?:ing)?|go\s+(?:over|above|beyond|past)|(?:cost|be|spend"
    r"|pay)\s+more\s+than|be\s+over|be\s+above)"
    r"|without\s+exceeding|within|cap(?:ped)?|ceiling|limit(?:ed)?|stay(?:ing)?\s+(?:under|below"
    r"|within)|keep\s+(?:it|this|us|costs?|the\s+(?:cost|price|total))\s+(?:under|below|within)"
    r"|<=?|≤|not\s+(?:above|over)|tops"
)
_MIN = (
    r"at\s+least|min(?:imum)?\.?|(?:no|not)\s+less\s+than|more\s+than|from|starting\s+at"
    r"|upwards\s+of|above|over|>=?|≥"
)
_ABOUT = (
    r"around|about|approx(?:imately|\.)?|roughly|circa|ca\.?|~|≈|some|in\s+the\s+(?:region"
    r"|neighbou?rhood|ballpark|range)\s+of|ballpark|somewhere\s+(?:around|near)|close\s+to"
    r"|nearly|almost"
)
_MONEY_WORD = (
    r"budget(?:ed)?|spend(?:ing)?|prices?|priced|pric(?:ing)|costs?|costing|pay(?:ing)?|funds?"
    r"|funding|amount|allocat(?:ion|ed)|approved|set\s+aside|target|afford|expense|fee"
    r"|expenditure|volume|available|purse|value|invest(?:ment)?"
)
_PER_TIME = (
    r"annual(?:ly)?|yearly|monthly|quarterly|weekly|hourly|daily|per\s+(?:year|annum|month"
    r"|quarter|seat|user|person|head|unit)|a\s+(?:year|month)|total|overall|all-in|whole|entire"
)
_FILL = (
    r"our|the|my|a|an|is|are|of|be|to|for|it|at|this|that|all|was|will|would|should|must|can"
    r"|could|may|we|i|have|has|had|got|there|there's|we've|we'd|you|s|="
    r"|project|year|next|purchase|order|rate|price|per|between|and|which|not|please|spend|go"
    r"|only|just|so|said|with|on|in|each|range|planned|plan|about|them|everything|us|signed|off"
    r"|full|i've|they"
)
_ALL = f"{_MAX}|{_MIN}|{_ABOUT}|{_MONEY_WORD}|{_PER_TIME}|{_FILL}"
_LEAD = re.compile(
    rf"(?:(?<![\w])(?:{_ALL}|['\u2019]s|[(:\u2013\u2014-])(?:[ \t:=('\u2019]|(?<=[~<>=≤≥(:]))*){{1,12}}$",
    re.IGNORECASE,
)
_LEAD_TRIM = re.compile(
    (
        r"(?:(?:we|i|have|has|got|there|there's|we've|is|are|a|an|our|the|my|it|and|that|can|with"
        r"|of(?!\s+at)|this|which|please|on|they|so|us|should|must|be|was|will|would|i've|per|next"
        r"|year|you|them|each|and|[(:\u2013\u2014-])(?:[\s:(]+|$))*"
    ),
    re.IGNORECASE,
)
_TIMES = {
    "year": 12,
    "yr": 12,
    "y": 12,
    "annum": 12,
    "month": 1,
    "mo": 1,
    "mth": 1,
    "m": 1,
    "quarter": 3,
    "qtr": 3,
    "q": 3,
}
_UNIT = (
    rf"(?:{LICENCES}|{PEOPLE}|{THINGS}|units?|pieces?|items?|pcs?|hours?|hr|h|days?|(?:active"
    rf"|named)\s+users?)"
)
_TIME = r"(?:calendar\s+)?(?:years?|yr|annum|months?|mo|mth|quarters?|qtr|y|m)"
_WHOLE = r"(?:annum|project|contract|order|term|invoice|company|organi[sz]ation)(?!\w)"
_TAIL_PART = re.compile(
    rf"[\s,(]{{0,2}}(?:(?P<unit>(?:per|each|every|for\s+each|/|an?|p\.)\s?(?:(?:employee|new"
    rf"|single|full)\s)?{_UNIT}(?!\w))"
    rf"|(?P<time>(?:per|each|every|/|an?|p\.)\s?(?P<every>{_TIME})(?!\w))"
    rf"|(?P<other>(?:per\s|/\s?)(?!{_WHOLE})[^\W\d_][\w-]{{1,20}})"
    r"|(?P<yearly>(?:annually|yearly|p\.\s?a\.|p/a|pa(?!\w)|per\s+annum|annual)(?!\w))"
    r"|(?P<monthly>(?:monthly|p\.\s?m\.|pm|pcm)(?!\w))|(?P<quarterly>quarterly(?!\w))"
    r"|(?P<pupm>(?:pupm|puppm)(?!\w))|(?P<each>(?:each|apiece|a\s+piece)(?!\w))"
    r"|(?P<total>(?:in\s+total|total|overall|all[\s-]in|altogether|in\s+all|one[\s-]?(?:off"
    r"|time)|once|flat|lump\s+sum|for\s+(?:everything|all(?:\s+of)?(?:\s+(?:them|it))?"
    r"|the\s+(?:whole|entire)\s+\w+|the\s+lot|the\s+(?:project|order|batch|job)))(?!\w))"
    rf"|(?P<term>(?:over|for|across|during)\s+(?:the\s+)?(?:full\s+|whole\s+"
    rf"|entire\s+)?(?P<length>{NUMBER}|an?)[\s-](?P<scale>months?|years?)(?:\s+(?:term|contract"
    rf"|period))?(?!\w))"
    r"|(?P<upper>(?:max(?:imum)?|at\s+(?:the\s+)?(?:most|maximum)|tops|or\s+(?:less|under|below)"
    r"|limit|cap|ceiling)(?!\w)\.?)"
    r"|(?P<about>(?:or\s+so|ish|-ish|approximately|approx\.?|give\s+or\s+take|or\s+thereabouts"
    r"|roughly)(?!\w))"
    r"|(?P<word>(?:budget|spend|is\s+(?:our|the|my)\s+(?:(?:absolute\s+)?(?:budget|limit|maximum"
    r"|max|cap|ceiling))(?:\s+(?:limit|cap))?|is\s+(?:the\s+)?(?:most\s+we\s+can\s+(?:spend|pay)"
    r"|what\s+we\s+have|available))(?!\w))"
    r"|(?P<tax>\(?(?:excl(?:uding|usive|\.)?|incl(?:uding|usive|\.)?|plus|before|net\s+of|ex"
    r"|without|with)\s+(?:of\s+)?(?:sales\s+)?(?:VAT|tax(?:es)?|GST)(?!\w)))\)?",
    re.IGNORECASE,
)
_RANGE_GAP = re.compile(r"\s?(?:-|\u2013|\u2014|to|up\s+to|and|or)\s?", re.IGNORECASE)
# Money in a sentence about something else is not what may be spent.
_OTHER = re.compile(
    (
        r"(?<!\w)(?:current(?:ly)?|at\s+the\s+moment|today|last\s+year|so\s+far|list\s+price|list"
        r"|quoted|quotes?|offer(?:s|ed)?|instead\s+of|used\s+to|previous(?:ly)?|paid|revenue"
        r"|turnover"
        r"|liability|insurance|deposit|raised|charge[sd]?|down\s+from|saves?|saved|saving|worth"
        r"|penalt(?:y|ies)|fine|old\s+(?:contract|price|tool)|existing)(?!\w)[^.;!?\n]*$"
    ),
    re.IGNORECASE,
)
_CLAUSE = re.compile(r",(?=\s)|(?<!\w)(?:and|but|so)(?!\w)", re.IGNORECASE)
_FOLLOWS = re.compile(
    (
        r"\s*(?:$|[.,;:!?)\n\x00\u2013\u2014-]|(?:for|and|but|with|if|as|because|including|so|per|is"
        r"|to|by|on|in|or|we|must|should|\u2013)\b)"
    ),
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Budget:
    """What the text allows to be spent, as stated; `months` is what it pays for, None when it is not said.

    `months` 0 is a total. `per_unit` amounts are for one seat or piece.
    """

    minimum: Decimal | None
    maximum: Decimal | None
    sign: str | None
    months: int | None
    per_unit: bool
    approximate: bool
    start: int
    end: int
    length: int | None = None
    tax: str = ""


def read_budgets(page: Page) -> list[Budget]:
    """Return every amount that may be spent, in order, claiming the words."""
    found: list[Budget] = []
    pending = [amount for amount in amounts(page.open) if _may_be_money(amount, page.open)]
    while pending:
        first = pending.pop(0)
        second = None
        if pending and _RANGE_GAP.fullmatch(page.open[first.end : pending[0].start]):
            second = pending.pop(0)
        budget = _budget(first, second, page)
        if budget is not None:
            page.claim(budget.start, budget.end)
            found.append(budget)
    return found


def _may_be_money(amount: Amount, text: str) -> bool:
    return not re.match(
        r"\s?(?:%|percent|GB\b|TB\b|MB\b|inch|\"|°)", text[amount.end : amount.end + 9], re.IGNORECASE
    )


def _budget(first: Amount, second: Amount | None, page: Page) -> Budget | None:
    text = page.open
    lead = _LEAD.search(text, max(0, first.start - 90), first.start)
    lead_words = lead[0] if lead else ""
    if (
        second is not None
        and " and " in f"{text[first.end : second.start]} "
        and not re.search(r"between|from", lead_words, re.IGNORECASE)
    ):
        second = None
    sign = first.sign or (second.sign if second else None)
    end, tail = _tail(text, (second or first).end)
    if sign is None and not _spoken_of(lead_words, first, tail, text, end):
        return None
    before = _CLAUSE.split(page.text[max(0, first.start - 70) : first.start])[-1]
    if _OTHER.search(before):
        return None
    low, high, about = _bounds(first, second, lead_words, tail)
    months, per_unit, length = _per_what(lead_words, tail)
    start = first.start
    if lead:
        trimmed = _LEAD_TRIM.match(text, lead.start(), first.start)
        start = trimmed.end() if trimmed else lead.start()
    tax = " ".join(tail["tax"].strip(" (),").split()) if "tax" in tail else ""
    return Budget(low, high, sign, months, per_unit, about, start, end, length, tax)


def _tail(text: str, start: int) -> tuple[int, dict[str, str]]:
    """Return where the words that belong to the amount end, and those words by kind."""
    parts: dict[str, str] = {}
    end = start
    for _ in range(6):
        match = _TAIL_PART.match(text, end)
        if match is None:
            break
        parts.update({name: words for name, words in match.groupdict().items() if words})
        end = match.end()
    if text[end - 1] == ")" and "(" not in text[start:end]:
        end -= 1
    return end, parts


def _spoken_of(lead: str, amount: Amount, tail: dict[str, str], text: str, end: int) -> bool:
    """Tell whether a number without a currency is money: "budget 9,000", "at most 9k", "9,000 a year"."""
    has_word = re.search(rf"(?<!\w)(?:{_MONEY_WORD})(?!\w)", lead, re.IGNORECASE) is not None
    bounded = re.search(rf"(?:{_MAX}|{_ABOUT})", lead, re.IGNORECASE) is not None
    timed = bool({"time", "yearly", "monthly", "quarterly", "pupm"} & set(tail))
    if not (has_word or timed or "word" in tail or (bounded and (amount.scaled or amount.value >= 1000))):  # noqa: PLR2004
        return False
    return bool(_FOLLOWS.match(text, end))


def _bounds(
    first: Amount, second: Amount | None, lead: str, tail: dict[str, str]
) -> tuple[Decimal | None, Decimal | None, bool]:
    about = "about" in tail or re.search(rf"(?<!\w)(?:{_ABOUT})(?!\w)|[~≈]", lead, re.IGNORECASE) is not None
    if second is not None:
        low = first.value
        if second.scaled and not first.scaled and first.value < second.value / second.scaled:
            low *= second.scaled
        return low, second.value, about
    if re.search(rf"(?<!\w)(?:{_MAX})", lead, re.IGNORECASE) is None and re.search(
        rf"(?<!\w)(?:{_MIN})(?!\w)", lead, re.IGNORECASE
    ):
        return first.value, None, about
    return None, first.value, about


def _per_what(lead: str, tail: dict[str, str]) -> tuple[int | None, bool, int | None]:
    """Return the months an amount pays for, whether it is for one unit, and the length of a stated term."""
    per_unit = bool({"unit", "each", "pupm"} & set(tail)) or bool(
        re.search(
            r"per[\s-]+(?:seat|user|person|head|unit|licen[cs]e)|hourly|daily\s+rate", lead, re.IGNORECASE
        )
    )
    if "term" in tail:
        count = 1 if tail["length"].casefold() in {"a", "an"} else read_count(tail["length"])
        length = (count or 0) * (12 if tail["scale"].casefold().startswith("year") else 1) or None
        every = _every(tail, lead)
        return (every or length), per_unit, length
    per_unit = per_unit or "other" in tail
    if "total" in tail and not {"time", "yearly", "monthly", "quarterly"} & set(tail):
        return 0, per_unit, None
    every = _every(tail, lead)
    if every is None and re.search(
        r"(?<!\w)(?:total|overall|all-in|whole|entire)(?!\w)", lead, re.IGNORECASE
    ):
        every = 0
    return every, per_unit, None


def _every(tail: dict[str, str], lead: str) -> int | None:
    if "every" in tail:
        return _TIMES[re.sub(r"^calendar\s+", "", tail["every"].casefold()).rstrip("s")]
    for name, months in (("yearly", 12), ("monthly", 1), ("pupm", 1), ("quarterly", 3)):
        if name in tail:
            return months
    for pattern, months in ((r"annual|yearly|year|annum", 12), (r"month", 1), (r"quarter", 3)):
        if re.search(pattern, lead, re.IGNORECASE):
            return months
    return None


def read_period(words: str) -> tuple[int, int | None] | None:
    """Return the months that "a year", "per month" or "in total for 3 years" mean, and a stated length."""
    tail = next((parts for at in range(len(words)) if (parts := _tail(words, at)[1])), None)
    months, _, length = _per_what("" if tail else words, tail or {})
    return None if months is None else (months, length)
