"""Reading prices as price pages write them: "$12.50 / user / month", "ab 9,90 € pro Nutzer und Monat"."""

import re
from dataclasses import dataclass
from decimal import Decimal

_SIGNS = {
    "US$": "USD", "CA$": "CAD", "C$": "CAD", "AU$": "AUD", "A$": "AUD", "NZ$": "NZD", "S$": "SGD",
    "HK$": "HKD", "R$": "BRL", "$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR",
}  # fmt: skip
_CODES = (
    "USD",
    "EUR",
    "GBP",
    "CHF",
    "CAD",
    "AUD",
    "JPY",
    "SEK",
    "NOK",
    "DKK",
    "PLN",
    "INR",
    "SGD",
    "NZD",
    "BRL",
)
# A letter before a sign makes it another currency's: "MX$", "NT$".
_CURRENCY = "|".join(
    [*(rf"(?<![A-Za-z]){re.escape(sign)}" for sign in _SIGNS), *(rf"\b{code}\b" for code in _CODES)]
)
# All that stands together, whether it makes a number or not: half of "1,00,000" is no price.
_TOGETHER = r"\d+(?:[.,'’\u00a0\u202f]\d+)*(?:\s[.,]\s?\d{2})?"
_CERTAIN = r"\d{1,3}(?: \d{3})+(?:[.,]\d{2}\b|(?=\s?(?:/|per\b|pro\b|par\b)))"
_SPACED = r"\d{1,3}(?: \d{3})+(?:\s?[.,]\s?\d{1,2})?"
# "$29 100 users" is no number with a blank in it; "$1 299 / month" and "1 299,00 €" are.
_PRICE = re.compile(
    rf"(?P<before>{_CURRENCY})\s{{0,2}}"
    rf"(?P<first>{_CERTAIN}|{_TOGETHER})(?!\d)|"
    rf"(?<![\d.,])(?P<second>{_SPACED}|{_TOGETHER})\s{{0,2}}(?P<after>{_CURRENCY})(?!\d)"
)
_FIRST = r"\bfirst (?:\w+ )?(?:day|week|month|year)s?\b"
# Money that is not a price: savings, credits, fees on top, what only the first months cost.
_NOT_BEFORE = re.compile(
    r"\b(?:save|saves|saving|worth|credit of|up to|over|plus|setup|value of|raised|was)\W{0,3}$|"
    rf"{_FIRST}(?: (?:for|at|only|is|costs?))?\W{{0,3}}$"
)
_NOT_AFTER = re.compile(
    r"^\W{0,3}(?:off|credits?|discount|saved|savings|setup|set-up|million|billion|[mbk]\b|"
    rf"in (?:credits?|savings))|^[^,;.]{{0,30}}{_FIRST}"
)
_UNITS = {
    "user": (
        r"users?|seats?|members?|agents?|editors?|people|person|licen[cs]es?|employees?|nutzer(?:in)?|"
        r"utilisateurs?|usuarios?"
    ),
    "account": r"accounts?|workspaces?|teams?|organi[sz]ations?|compan(?:y|ies)",
    "site": r"sites?|locations?|domains?|stores?",
    "piece": r"pieces?|items?|devices?|units?|endpoints?|stück",
    "hour": r"hours?|stunde",
    "day": r"days?|tag",
}
_PERIODS = {
    "month": r"months?|mo|mth|monthly|monat(?:lich)?|mois|mes",
    "year": r"years?|yr|annum|annually|annual|yearly|jahr|jährlich|ans?|año",
    "once": r"once|one[- ]time|einmalig|lifetime",
}
_BILLED = re.compile(
    r"\(?\b(?:when |if )?(?:billed|paid|payable|charged|invoiced|with|on an?)\s+"
    r"(?:annual(?:ly)?|yearly|monthly|per year|per month|every year|every month|upfront|annual billing)\b"
    r"(?: (?:billing|plan|upfront))?\)?"
)
_PLAIN = re.compile(r"\d{1,9}(?:[.,]\d{1,4})?")
_GROUPED = re.compile(
    r"(?P<whole>[1-9]\d{0,2}(?P<mark>[.,])\d{3}(?P<more>(?P=mark)\d{3})?)(?:(?!(?P=mark))[.,](?P<part>\d{1,4}))?"
)
_INDIAN = re.compile(r"[1-9]\d?(?:,\d{2}){1,2},\d{3}(?:\.\d{1,4})?")
# "100 users" are what one gets, not what one pays for each.
_COUNTED = re.compile(r"\b(?:\d[\d.,]*\+?|unlimited)\s+[^\W\d]+")
_AFTER = 90


@dataclass(frozen=True, slots=True)
class Price:
    """An amount as a page names it; unit and period as in a catalogue's plans."""

    amount: Decimal
    currency: str
    unit: str
    period: str
    words: str
    billed: str | None = None


def prices_in(text: str) -> list[Price]:
    """Return the prices a text names, in its order; savings, credits and fees are none."""
    found = []
    marks = list(_PRICE.finditer(text))
    for number, match in enumerate(marks):
        end = marks[number + 1].start() if number + 1 < len(marks) else len(text)
        before = text[max(0, match.start() - 24) : match.start()].casefold()
        after = text[match.end() : min(end, match.end() + _AFTER)].casefold()
        if _NOT_BEFORE.search(before) or _NOT_AFTER.search(after):
            continue
        currency = _currency(match["before"] or match["after"])
        amount = read_amount(match["first"] or match["second"], currency)
        if amount is None:
            continue
        billed = _BILLED.search(after)
        unit, period = _terms(_BILLED.sub(" ", after))
        words = text[match.start() : min(end, match.end() + _AFTER)].strip()
        found.append(Price(amount, currency, unit, period, words, None if billed is None else billed[0]))
    return found


def read_amount(text: str, currency: str = "USD") -> Decimal | None:
    """Return a number with points and commas either way round; None for one that is none or could be two.

    "1.299" is 1299 euros, but nobody knows how many dollars.
    """
    told = re.sub(r"\s?([.,])\s?", r"\1", text.strip())
    told = re.sub(r"(?<=\d)[\s'’](?=\d{3})", "", told)
    if _INDIAN.fullmatch(told):
        return Decimal(told.replace(",", ""))
    if match := _GROUPED.fullmatch(told):
        unclear = match["more"] is None and match["part"] is None and match["mark"] == "."
        if unclear and currency not in {"EUR", "CHF", "BRL"}:
            return None
        whole = re.sub(r"[.,]", "", match["whole"])
        return Decimal(whole if match["part"] is None else f"{whole}.{match['part']}")
    return Decimal(told.replace(",", ".")) if _PLAIN.fullmatch(told) else None


def _currency(sign: str) -> str:
    return _SIGNS.get(sign, sign.upper())


def _terms(after: str) -> tuple[str, str]:
    """Return unit and period from the words behind a price; a flat price a month is per account."""
    unit = _first(_COUNTED.sub(" ", after), _UNITS)
    period = _first(after, _PERIODS)
    return unit or ("account" if period else "other"), period or "month"


def _first(text: str, words: dict[str, str]) -> str | None:
    found = [
        (match.start(), name)
        for name, pattern in words.items()
        if (match := re.search(rf"(?<![a-z])(?:{pattern})(?![a-z])", text))
    ]
    return min(found)[1] if found else None
