"""By when it is needed: "by 1 March 2027", "before end of Q1", "in 6 weeks"; today is passed in."""

import re
from calendar import monthrange
from datetime import date, timedelta

from procur.sourcing.amounts import NUMBER, read_count
from procur.sourcing.spans import Found, Page

_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_MONTH_WORDS = {name[:3]: number for number, name in enumerate(_MONTHS, start=1)}
_DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\.?"
)
_YEAR = r"20[0-9]{2}"
_CUE = (
    r"(?:(?:needed|done|completed|finished|carried\s+out|required|due|wanted|deliver(?:y|ed"
    r"|able)?|live|go-?\s?live|ready|running"
    r"|start(?:ing|s)?|deadline|in\s+place|start\s+date"
    r"|installed|rolled\s+out|need\s+(?:it|them|this|these)|have\s+(?:it|them))(?:\s+(?:is|date"
    r"|must\s+be|should\s+be))?\s*:?\s*)"
)
_BY = (
    r"(?:by|before|until|till|no\s+later\s+than|not\s+later\s+than|at\s+the\s+latest(?:\s+by"
    r"|\s+on)?|on\s+or\s+before|from|on|latest"
    r"|as\s+of|ahead\s+of|for|in\s+time\s+for)"
)
_BY_ROUGH = (
    r"(?:by|before|until|till|in(?!\s+20)|no\s+later\s+than|not\s+later\s+than|at\s+the\s+latest\s+(?:by|in)"
    r"|on\s+or\s+before|from|latest"
    r"|ahead\s+of|in\s+time\s+for)"
)
_LATEST = r"(?:\s+(?:at\s+the\s+latest|latest))?"
_DAY_MONTH = (
    rf"(?P<day1>[0-9]{{1,2}})(?:st|nd|rd|th|\.)?\s+(?:of\s+)?(?P<month1>{_MONTH})(?:,?\s+(?P<year1>{_YEAR}))?"
)
_MONTH_DAY = (
    rf"(?P<month2>{_MONTH})\s+(?P<day2>[0-9]{{1,2}})(?:st|nd|rd|th)?(?![0-9])(?:,?\s+(?P<year2>{_YEAR}))?"
)
_ISO = rf"(?P<year3>{_YEAR})-(?P<month3>[0-9]{{2}})-(?P<day3>[0-9]{{2}})"
_DOTTED = rf"(?P<day4>[0-9]{{1,2}})\.\s?(?P<month4>[0-9]{{1,2}})\.\s?(?P<year4>{_YEAR})"
_SLASHED = rf"(?P<first>[0-9]{{1,2}})[/-](?P<second>[0-9]{{1,2}})[/-](?P<year5>{_YEAR})"
_FULL = rf"(?:{_ISO}|{_DOTTED}|{_SLASHED}|{_DAY_MONTH}|{_MONTH_DAY})"
_PERIOD = (
    rf"(?:(?P<edge>(?:the\s+)?(?:very\s+)?(?:end|start|beginning|middle)\s+of|mid-?)\s*)?(?:the\s+)?"
    rf"(?:(?P<quarter>Q[1-4])(?:[\s/]+(?:of\s+)?(?P<year6>{_YEAR}))?"
    rf"|(?P<month6>{_MONTH})(?:,?\s+(?:of\s+)?(?P<year7>{_YEAR}))?"
    rf"|(?P<rel>this|next)\s+(?P<unit>week|month|quarter|year)|(?P<plain>(?:year|quarter"
    rf"|month)(?P<close>[\s-]end)?(?=\W|$))|(?P<year8>{_YEAR}))"
)
_EXACT = re.compile(
    rf"(?<!\w)(?:(?P<cue>{_CUE})?(?P<by>{_BY}):?\s+)?(?P<cue2>{_CUE})?(?:the\s+)?{_FULL}(?!\w){_LATEST}",
    re.IGNORECASE,
)
_ROUGH = re.compile(rf"(?<!\w){_CUE}?{_BY_ROUGH}\s+(?:the\s+)?{_PERIOD}(?!\w){_LATEST}", re.IGNORECASE)
_EDGE_ALONE = re.compile(rf"(?<!\w){_CUE}(?:in\s+)?{_PERIOD}(?!\w)", re.IGNORECASE)
_AHEAD = re.compile(
    rf"(?<!\w){_CUE}?(?:in|within|in\s+the\s+next|within\s+the\s+next"
    rf"|inside)\s+(?:about\s+)?(?P<count>an?|{NUMBER})[\s-]+"
    r"(?P<unit>days?|weeks?|months?)(?:['\u2019]?\s+time)?(?!\w)(?:\s+(?:from\s+(?:now|today)))?",
    re.IGNORECASE,
)
_NAMED = re.compile(
    (
        rf"(?<!\w){_CUE}?(?:by|before|until|on)\s+(?:(?P<tomorrow>tomorrow)|(?:next\s+|this\s+"
        rf"|coming\s+)?(?P<name>{'|'.join(_DAYS)}))(?!\w)"
    ),
    re.IGNORECASE,
)
# A date of something else: the old contract, the letter itself.
_OTHER = re.compile(
    (
        r"(?:ends?|ended|expir\w+|since|dated?|sent|renew\w*|signed|until now|born"
        r"|founded)\W{0,3}(?:on|at|by|:|in|of)?\W*$"
    ),
    re.IGNORECASE,
)


def read_needed_by(page: Page, today: date) -> list[Found[date]]:
    """Return every day by which the text wants it, in order, claiming the words."""
    found: list[Found[date]] = []
    for pattern, reader in (
        (_EXACT, _exact),
        (_ROUGH, _rough),
        (_EDGE_ALONE, _rough),
        (_AHEAD, _ahead),
        (_NAMED, _named),
    ):
        for match in list(pattern.finditer(page.open)):
            if _OTHER.search(page.text[max(0, match.start() - 24) : match.start()]):
                continue
            read = reader(match, today)
            if read is None:
                continue
            day, note = read
            page.claim(match.start(), match.end())
            found.append(page.found(day, match.start(), match.end(), derived=bool(note), note=note))
    return sorted(found, key=lambda one: one.start)


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _exact(match: re.Match[str], today: date) -> tuple[date, str] | None:
    if not (match["by"] or match["cue"] or match["cue2"]):
        return None
    if match["first"]:
        return _slashed(int(match["first"]), int(match["second"]), int(match["year5"]))
    if match["year3"]:
        year, month, day = int(match["year3"]), int(match["month3"]), int(match["day3"])
    elif match["year4"]:
        year, month, day = int(match["year4"]), int(match["month4"]), int(match["day4"])
    else:
        month = _MONTH_WORDS[(match["month1"] or match["month2"]).casefold()[:3]]
        day = int(match["day1"] or match["day2"])
        told = match["year1"] or match["year2"]
        if told is None:
            return _next_time(month, day, today)
        year = int(told)
    read = _day(year, month, day)
    return None if read is None else (read, "")


def _slashed(first: int, second: int, year: int) -> tuple[date, str] | None:
    """Read 28/02/2027 or 02/28/2027; 01/03/2027 has two readings and so has none."""
    if first != second and max(first, second) <= 12:  # noqa: PLR2004 - both may be months
        return None
    read = (
        _day(year, min(first, second), max(first, second)) if first != second else _day(year, first, second)
    )
    return None if read is None else (read, "")


def _next_time(month: int, day: int, today: date) -> tuple[date, str] | None:
    for year in (today.year, today.year + 1):
        read = _day(year, month, day)
        if read is not None and read >= today:
            return read, f"no year given: the next {read:%d %B} is in {read.year}"
    return None


def _rough(match: re.Match[str], today: date) -> tuple[date, str] | None:
    edge = (match["edge"] or match["close"] or "").casefold()
    if match["plain"] and not edge:
        return None
    months = _months(match, today)
    if months is None:
        return _next_week(match, today)
    year, first, last = months
    if "end" in edge:
        read = date(year, last, monthrange(year, last)[1])
    elif "mid" in edge:
        middle = (first + last) // 2
        read = date(year, middle, 15)
    else:
        read = date(year, first, 1)
    words = " ".join(match[0].split())
    kind = "" if edge else "; the earliest reading"
    return read, f'"{words}" read as {read.isoformat()}{kind}'


def _months(match: re.Match[str], today: date) -> tuple[int, int, int] | None:
    """Return year, first and last month of the period that is named."""
    if match["quarter"]:
        first = 3 * int(match["quarter"][1]) - 2
        return _year_of(match["year6"], first + 2, today), first, first + 2
    if match["month6"]:
        month = _MONTH_WORDS[match["month6"].casefold()[:3]]
        return _year_of(match["year7"], month, today), month, month
    if match["year8"]:
        return int(match["year8"]), 1, 12
    return _relative_months(match, today)


def _relative_months(match: re.Match[str], today: date) -> tuple[int, int, int] | None:
    ahead = 1 if (match["rel"] or "").casefold() == "next" else 0
    unit = (match["unit"] or match["plain"] or "").casefold()
    if unit == "year":
        return today.year + ahead, 1, 12
    if unit == "quarter":
        index = (today.month - 1) // 3 + ahead
        first = 3 * (index % 4) + 1
        return today.year + index // 4, first, first + 2
    if unit == "month":
        index = today.month - 1 + ahead
        return today.year + index // 12, index % 12 + 1, index % 12 + 1
    return None


def _year_of(told: str | None, last_month: int, today: date) -> int:
    if told is not None:
        return int(told)
    return today.year if last_month >= today.month else today.year + 1


def _next_week(match: re.Match[str], today: date) -> tuple[date, str]:
    monday = today - timedelta(days=today.weekday())
    ahead = 7 if (match["rel"] or "").casefold() == "next" else 0
    days = 4 if "end" in (match["edge"] or "").casefold() or not ahead else 0
    read = monday + timedelta(days=ahead + days)
    return read, f'"{match[0].strip()}" read as {read.isoformat()}'


def _ahead(match: re.Match[str], today: date) -> tuple[date, str] | None:
    count = 1 if match["count"].casefold() in {"a", "an"} else read_count(match["count"])
    if count is None or count > 1000:  # noqa: PLR2004 - a deadline, not an aeon
        return None
    unit = match["unit"].casefold().rstrip("s")
    if unit == "month":
        index = today.month - 1 + count
        year, month = today.year + index // 12, index % 12 + 1
        read = date(year, month, min(today.day, monthrange(year, month)[1]))
    else:
        read = today + timedelta(days=count * (7 if unit == "week" else 1))
    return read, f"{count} {unit}{'s' if count > 1 else ''} from {today.isoformat()} is {read.isoformat()}"


def _named(match: re.Match[str], today: date) -> tuple[date, str]:
    if match["tomorrow"]:
        read = today + timedelta(days=1)
    else:
        ahead = (_DAYS.index(match["name"].casefold()) - today.weekday()) % 7 or 7
        read = today + timedelta(days=ahead)
    return read, f'"{match[0].strip()}" is {read.isoformat()}'
