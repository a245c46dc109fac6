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
_CURRENCY = "|".join([*(re.escape(sign) for sign in _SIGNS), *(rf"\b{code}\b" for code in _CODES)])
_NUMBER = r"\d{1,3}(?:[.,\u00a0\u202f' ]\d{3})+(?:\s?[.,]\s?\d{1,2})?|\d{1,9}(?:\s?[.,]\s?\d{1,4})?"
_PRICE = re.compile(
    rf"(?:(?P<before>{_CURRENCY})\s{{0,2}}(?P<first>{_NUMBER})|"
    rf"(?P<second>{_NUMBER})\s{{0,2}}(?P<after>{_CURRENCY}))(?!\d)"
)
# Money that is not a price: savings, credits, fees on top.
_NOT_BEFORE = re.compile(
    r"\b(?:save|saves|saving|worth|credit of|up to|over|plus|setup|value of|raised|was)\W{0,3}$"
)
_NOT_AFTER = re.compile(
    r"^\W{0,3}(?:off|credits?|discount|saved|savings|setup|set-up|million|billion|[mbk]\b|"
    r"in (?:credits?|savings))"
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
    """Return a number with points and commas either way round; None for one that no price has."""
    told = re.sub(r"[\s\u00a0\u202f']", "", text)
    point, comma = told.rfind("."), told.rfind(",")
    if point >= 0 and comma >= 0:
        thousands = "," if point > comma else "."
        told = told.replace(thousands, "").replace(",", ".")
    elif comma >= 0:
        told = told.replace(",", "") if _groups(told, ",") else told.replace(",", ".")
    elif point >= 0 and _groups(told, ".") and (told.count(".") > 1 or currency in {"EUR", "CHF", "BRL"}):
        told = told.replace(".", "")
    amount = Decimal(told)
    return amount if amount < Decimal(10) ** 9 and amount == amount.quantize(Decimal("0.0001")) else None


def _groups(told: str, mark: str) -> bool:
    first, *rest = told.split(mark)
    return first != "0" and len(first) <= 3 and all(len(part) == 3 for part in rest)  # noqa: PLR2004 - thousands


def _currency(sign: str) -> str:
    return _SIGNS.get(sign, sign.upper())


def _terms(after: str) -> tuple[str, str]:
    """Return unit and period from the words behind a price; a flat price a month is per account."""
    unit = _first(after, _UNITS)
    period = _first(after, _PERIODS)
    return unit or ("account" if period else "other"), period or "month"


def _first(text: str, words: dict[str, str]) -> str | None:
    found = [
        (match.start(), name)
        for name, pattern in words.items()
        if (match := re.search(rf"(?<![a-z])(?:{pattern})(?![a-z])", text))
    ]
    return min(found)[1] if found else None
