"""Numbers and amounts of money as people write them: "9k", "9.000,50 €", "1,00,000 INR", "two lakh"."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from procur.core.money import LARGEST

_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_WORDS = {word: number for number, word in enumerate(_SMALL)} | {
    word: 10 * number for number, word in enumerate(_TENS, start=2)
}
_SCALES = {"dozen": 12, "hundred": 100, "thousand": 1000}
_MULTIPLIERS = {
    "k": 1000,
    "thousand": 1000,
    "grand": 1000,
    "m": 10**6,
    "mn": 10**6,
    "mio": 10**6,
    "million": 10**6,
    "lakh": 10**5,
    "lac": 10**5,
    "crore": 10**7,
    "cr": 10**7,
}
DIGITS = (
    r"(?:[0-9]{1,3}(?:[ \u00a0\u202f'\u2019][0-9]{3}){1,4}(?![0-9])(?:[.,][0-9]{1,2}(?![0-9]))?"
    r"|[0-9]{1,15}(?:[.,][0-9]{1,15}){0,6})"
)
_WORD = "|".join([*_TENS, *sorted(_SMALL, key=len, reverse=True), *_SCALES])
SPELLED = rf"(?:(?:half\s)?(?:an?\s)?(?:{_WORD})(?:(?:\s+and\s+|[\s-]{{1,2}})(?:{_WORD})){{0,5}}(?!\w))"
NUMBER = rf"(?:{DIGITS}|{SPELLED})"

_ISO = [
    "USD",
    "EUR",
    "GBP",
    "INR",
    "JPY",
    "CHF",
    "AUD",
    "CAD",
    "NZD",
    "SEK",
    "NOK",
    "DKK",
    "PLN",
    "CZK",
    "HUF",
    "RON",
    "BGN",
    "SGD",
    "HKD",
    "CNY",
    "KRW",
    "ZAR",
    "BRL",
    "MXN",
    "AED",
    "SAR",
    "ILS",
    "THB",
    "IDR",
    "MYR",
    "NGN",
    "KES",
    "EGP",
    "PKR",
    "BDT",
    "LKR",
    "ISK",
    "TWD",
    "VND",
    "COP",
    "CLP",
    "PEN",
    "ARS",
    "UAH",
]
_SIGNS = {
    "us$": "USD",
    "au$": "AUD",
    "a$": "AUD",
    "ca$": "CAD",
    "c$": "CAD",
    "nz$": "NZD",
    "s$": "SGD",
    "hk$": "HKD",
    "r$": "BRL",
    "$": "USD",
    "€": "EUR",
    "£": "GBP",
    "₹": "INR",
    "¥": "JPY",
    "₩": "KRW",
    "₪": "ILS",
    "₱": "PHP",
    "rs": "INR",
    "zł": "PLN",
    "dollar": "USD",
    "us dollar": "USD",
    "buck": "USD",
    "euro": "EUR",
    "pound": "GBP",
    "pound sterling": "GBP",
    "quid": "GBP",
    "rupee": "INR",
    "yen": "JPY",
    "swiss franc": "CHF",
    "franc": "CHF",
}
# Signs that several countries share: the organisation's own currency decides if it is one of them.
_SHARED = {
    "$": {"USD", "AUD", "CAD", "NZD", "SGD", "HKD", "MXN", "TWD", "CLP", "COP", "ARS"},
    "dollar": {"USD", "AUD", "CAD", "NZD", "SGD", "HKD", "TWD"},
    "¥": {"JPY", "CNY"},
}
_ISO_ANY = "|".join(_ISO)
_BEFORE = rf"(?:(?:US|AU|CA|NZ|HK|A|C|S|R)?\$|[€£₹¥₩₪₱]|Rs\.?|{_ISO_ANY})"
_AFTER = (
    rf"(?:(?:US\s?)?\$|[€£₹¥₩₪₱]|zł|(?:{_ISO_ANY}|Rs|us\sdollars?|dollars?|bucks?|euros?"
    rf"|pounds?(?:\ssterling)?|quid"
    r"|rupees?|yen|(?:swiss\s)?francs?)(?![^\W\d_]))"
)
_MULTIPLIER = r"(?:k|thousand|grand|mn|mio|million|m|lakhs?|lacs?|crores?|cr)(?![^\W\d_])"
_MONEY = re.compile(
    rf"(?<![\w.,/])(?:(?P<before>{_BEFORE})\s{{0,2}})?(?<![0-9])(?P<number>{NUMBER})"
    rf"(?:\s?(?P<times>{_MULTIPLIER}))?(?:\s{{0,2}}(?P<after>{_AFTER}))?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Amount:
    """A number that may be money; `scaled` tells that it had a multiplier ("9k")."""

    value: Decimal
    sign: str | None
    scaled: Decimal | None
    start: int
    end: int


def read_number(words: str) -> Decimal | None:
    """Return the number these digits or number words mean, or None where no reading is certain."""
    if not words[:1].isdigit():
        return _spelled(words)
    plain = re.sub(r"[ \u00a0\u202f'\u2019]", "", words)
    comma, dot = plain.rfind(","), plain.rfind(".")
    if comma >= 0 and dot >= 0:
        point = max(comma, dot)
        whole, rest = plain[:point], plain[point + 1 :]
        return _grouped(whole, rest)
    mark = "," if comma >= 0 else "."
    parts = plain.split(mark)
    if len(parts) == 1:
        return Decimal(plain)
    if _groups(parts):
        return Decimal("".join(parts))
    return Decimal(f"{parts[0]}.{parts[1]}") if len(parts) == 2 else None  # noqa: PLR2004 - whole and fraction


def _grouped(whole: str, rest: str) -> Decimal | None:
    marks = {mark for mark in whole if not mark.isdigit()}
    if len(marks) != 1 or not rest.isdigit():
        return None
    parts = whole.split(marks.pop())
    return Decimal(f"{''.join(parts)}.{rest}") if _groups(parts) else None


def _groups(parts: list[str]) -> bool:
    """Tell whether these are digits grouped by thousands, or by lakh and crore as in India."""
    head, *middle, last = parts
    return (
        1 <= len(head) <= 3  # noqa: PLR2004 - a group has three digits
        and head.lstrip("0") != ""
        and len(last) == 3  # noqa: PLR2004
        and ({len(part) for part in middle} in (set(), {3}) or {len(part) for part in middle} == {2})
    )


def _spelled(words: str) -> Decimal | None:
    total = current = 0
    half = False
    for word in re.findall(r"[a-z]+", words.casefold()):
        if word == "half":
            half = True
        elif word in _WORDS:
            current += _WORDS[word]
        elif word == "thousand":
            total, current = total + max(current, 1) * 1000, 0
        elif word in _SCALES:
            current = max(current, 1) * _SCALES[word]
    number = total + current
    return Decimal(number) / 2 if half else Decimal(number)


def read_count(words: str) -> int | None:
    """Return the whole number these words mean, or None."""
    number = read_number(words)
    if number is None or number != number.to_integral_value() or not 0 < number < 10**9:
        return None
    return int(number)


def amounts(text: str) -> Iterator[Amount]:
    """Yield every number of the text that could be an amount of money, in order."""
    for match in _MONEY.finditer(text):
        value = read_number(match["number"])
        if value is None:
            continue
        times = match["times"]
        scale = None if times is None else Decimal(_MULTIPLIERS[times.casefold().rstrip("s")])
        value = value * (scale or 1)
        if value <= LARGEST:
            yield Amount(value, match["before"] or match["after"], scale, match.start(), match.end())


def currency_of(sign: str, default: str | None) -> tuple[str, bool]:
    """Return the ISO 4217 code of a sign, code or name, and whether the default decided a shared sign."""
    key = " ".join(sign.casefold().rstrip(".").split())
    if key.upper() in _ISO:
        return key.upper(), False
    key = key.replace(" ", "") if key.endswith("$") else key
    key = key if key in _SIGNS else key.replace("pounds", "pound").removesuffix("s")
    if default in _SHARED.get(key, ()) and default is not None:
        return default, default != _SIGNS[key]
    return _SIGNS[key], False


def is_currency(code: str) -> bool:
    """Tell whether this is a currency code that requests are read in."""
    return code in _ISO
