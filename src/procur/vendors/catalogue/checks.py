"""Checks of single values from outside: each returns the value as stored or raises InvalidInput."""

import re
import unicodedata
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from procur.core import money
from procur.core.errors import InvalidInput

_VENDOR_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_PLAIN_NUMBER = re.compile(r"[0-9]{1,14}(\.[0-9]{1,4})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EMAIL = re.compile(r"[^@\s<>\"]{1,64}@[^@\s<>\"]{1,180}\.[^@\s<>\"]{2,}")
_WEBSITE = re.compile(r"https?://[^\s<>\"]{3,500}")
_FORMULA_STARTS = ("=", "+", "-", "@")
_LIST_LONGEST = 500
# Letters and symbols by their category that show nothing: Hangul fillers and the empty Braille cell.
_FILLERS = "\u115f\u1160\u3164\uffa0\u2800"
# ISO 4217 currencies in use; a typing error such as "EURO" or "USS" must not become a currency of its own.
_CURRENCIES = frozenset(  # as one text: a list literal would fill 150 lines
    """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD
    CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF
    GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK
    LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD
    OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN
    SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG
    XOF XPF YER ZAR ZMW ZWG
    """.split()  # noqa: SIM905
)


def text(value: Any, *, longest: int, lines: bool = False) -> str:
    """Return the text trimmed, refusing what no database, XML file or screen can hold."""
    if not isinstance(value, str):
        raise InvalidInput(f"must be text, not {_kind(value)}")
    told = value.strip()
    # What nobody can see (zero-width signs, fillers) says nothing either.
    if not any(unicodedata.category(sign)[0] in "LNPS" and sign not in _FILLERS for sign in told):
        raise InvalidInput("is empty")
    if len(told) > longest:
        raise InvalidInput(f"has {len(told)} characters; at most {longest} are taken")
    if told.isascii() and told.isprintable():
        return told
    for sign in told:
        if unicodedata.category(sign) in {"Cc", "Cs"} and not (lines and sign in "\n\r\t"):
            raise InvalidInput(f"holds the character U+{ord(sign):04X}, which cannot be stored")
    return unicodedata.normalize("NFC", told)


def name(value: Any) -> str:
    """Return a name that is safe to show in a spreadsheet too."""
    told = text(value, longest=200)
    if told.startswith(_FORMULA_STARTS):
        raise InvalidInput(f"starts with {told[0]!r}: a spreadsheet would run it as a formula")
    return told


def vendor_id(value: Any) -> str:
    """Return a vendor's business id."""
    told = text(value, longest=64)
    if not _VENDOR_ID.fullmatch(told):
        raise InvalidInput(
            "may hold letters, digits, dot, dash and underscore, and starts with a letter or digit"
        )
    return told


def currency(value: Any) -> str:
    """Return an ISO 4217 currency code in capitals."""
    told = text(value, longest=20).upper()
    if told not in _CURRENCIES:
        raise InvalidInput(f"{told!r} is not an ISO 4217 currency such as USD")
    return told


def price(value: Any) -> Decimal:
    """Return a price of zero or more as a Decimal, never by way of a float."""
    return _number(value, "12.50")


def prepay_factor(value: Any) -> Decimal:
    """Return the factor on the list price for paying a year in advance: above 0, at most 1."""
    factor = _number(value, "0.8")
    if not 0 < factor <= 1:
        raise InvalidInput(f"must be above 0 and at most 1 (0.8 means 20 % off), not {factor}")
    return factor


def _number(value: Any, example: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise InvalidInput(f"must be a number such as {example}, not {_kind(value)}")
    shown = str(value).strip()
    if shown.startswith("-"):
        raise InvalidInput(f"must not be below zero, but is {shown[:40]}")
    if isinstance(value, str) and not _PLAIN_NUMBER.fullmatch(shown):
        raise InvalidInput(f"must be a plain number such as {example}, not {shown[:40]!r}")
    number = money.decimal(value, field="it")
    if number != number.quantize(Decimal("0.0001")):
        raise InvalidInput(f"has more than four decimals: {shown[:40]}")
    return number


def quantity(value: Any) -> int:
    """Return a whole number from 1 to a hundred million."""
    shown = str(value).strip()
    if isinstance(value, bool) or not shown.isascii() or not shown.isdecimal() or len(shown) > 9:  # noqa: PLR2004
        raise InvalidInput(f"must be a whole number such as 5, not {shown[:40]!r}")
    number = int(shown)
    if not 1 <= number <= 100_000_000:  # noqa: PLR2004
        raise InvalidInput(f"must be between 1 and 100000000, not {number}")
    return number


def flag(value: Any) -> bool:
    """Return yes or no."""
    told = str(value).strip().lower()
    if told not in {"true", "false", "yes", "no", "1", "0"}:
        raise InvalidInput(f"must be yes or no, not {told[:40]!r}")
    return told in {"true", "yes", "1"}


def day(value: Any) -> date:
    """Return a date written as 2026-03-31."""
    told = text(value, longest=40)
    try:
        if _DAY.fullmatch(told):
            return date.fromisoformat(told)
    except ValueError:  # the 31st of February
        pass
    raise InvalidInput(f"must be a date such as 2026-03-31, not {told!r}")


def email(value: Any) -> str:
    """Return an e-mail address."""
    told = text(value, longest=254)
    if not _EMAIL.fullmatch(told):
        raise InvalidInput(f"{told!r} is not an e-mail address")
    return told


def website(value: Any) -> str:
    """Return a web address; other schemes could run something when clicked."""
    told = text(value, longest=500)
    if not _WEBSITE.fullmatch(told):
        raise InvalidInput(f"{told!r} is not a web address that starts with https:// or http://")
    return told


def country(value: Any) -> str:
    """Return a two-letter country code in capitals."""
    told = text(value, longest=40).upper()
    if not re.fullmatch(r"[A-Z]{2}", told):
        raise InvalidInput(f"must be a two-letter country code such as DE, not {told!r}")
    return told


def one_of(allowed: tuple[str, ...]) -> Callable[[Any], str]:
    """Return a check for a closed list of words."""

    def check(value: Any) -> str:
        told = text(value, longest=60).lower()
        if told not in allowed:
            raise InvalidInput(f"must be one of {', '.join(allowed)}, not {told!r}")
        return told

    return check


def texts(value: Any) -> tuple[str, ...]:
    """Return a list of short texts without doubles, in their order."""
    if not isinstance(value, list | tuple):
        raise InvalidInput(f"must be a list, not {_kind(value)}")
    if len(value) > _LIST_LONGEST:
        raise InvalidInput(f"has {len(value)} entries; at most {_LIST_LONGEST} are taken")
    return tuple(dict.fromkeys(name(each) for each in value))


def objects(value: Any) -> tuple[dict[str, Any], ...]:
    """Return a list of JSON objects."""
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise InvalidInput("must be a list of objects")
    if len(value) > _LIST_LONGEST:
        raise InvalidInput(f"has {len(value)} entries; at most {_LIST_LONGEST} are taken")
    return tuple(value)


def _kind(value: Any) -> str:
    known = {str: "text", bool: "yes or no", int: "a number", list: "a list", dict: "an object"}
    return "nothing" if value is None else known.get(type(value), "a number")
