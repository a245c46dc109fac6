"""Takes personal data and secrets out of text: what must not be kept is replaced before it is written.

Detection works on a shadow of the text, of the same length, in which full-width and other forms of ASCII
characters, digits of every script, dashes and spaces are plain. Every pattern is bounded or possessive, so
that hostile input costs linear time.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from procur.core.card_numbers import card_lengths, is_card_number, passes_luhn
from procur.core.errors import InvalidInput

Span = tuple[int, int]
Finder = Callable[[str], Iterable[Span]]

# A value under such a name is a secret, whatever it looks like.
_SECRET_NAMES = frozenset(
    {
        *("password", "passwd", "passphrase", "authorization", "private_key", "mfa_secret"),
        *("secret", "secret_key", "client_secret", "api_key", "apikey"),
        *("access_token", "refresh_token", "id_token"),
    }
)
_NO_CARD = 10**20
_SHORTEST = 7  # characters of the shortest thing worth a look: a@bc.de
_FEWEST_DIGITS: dict[str, int] = {"credit_card": 13, "iban": 9, "ssn": 9, "phone": 9}
_WORD_START = r"(?<![A-Za-z0-9])"
_WORD_END = r"(?![A-Za-z0-9])"

_SECRETS = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|\Z)"
    rf"|{_WORD_START}(?:"
    r"[sprw]k[-_](?:live|test|proj|ant)[-_][A-Za-z0-9_-]{8,}+"
    r"|sk-[A-Za-z0-9_-]{16,}+"
    r"|gh[opsur]_[A-Za-z0-9]{16,}+|github_pat_[A-Za-z0-9_]{20,}+|glpat-[A-Za-z0-9_-]{16,}+"
    r"|xox[a-z]-[A-Za-z0-9-]{10,}+"
    r"|A(?:KIA|SIA)[A-Z0-9]{16}(?![A-Za-z0-9])"
    r"|AIza[A-Za-z0-9_-]{30,}+"
    r"|eyJ[A-Za-z0-9_-]{5,}+\.[A-Za-z0-9_-]{5,}+\.[A-Za-z0-9_-]*+"
    r")",
    re.DOTALL,
)
# Text without any of these holds no secret: looking for them first is fifty times as fast.
_SECRET_HINTS = ("k-", "k_", "gh", "glpat-", "xox", "AKIA", "ASIA", "AIza", "eyJ", "-----BEGIN")
_CREDENTIAL_HINTS = ("://", "bearer", "authorization")
# After these words stands a secret; the words stay.
_CREDENTIALS = re.compile(
    rf"{_WORD_START}(?i:Authorization)[\"']? ?[:=] ?[\"']?(?i:Basic|Bearer|Token|ApiKey) {{1,4}}"
    r"(?P<header>[^\s\"',;\[]{4,}+)"
    rf"|{_WORD_START}(?i:Bearer) {{1,4}}(?P<bearer>[A-Za-z0-9._~+/=-]{{8,}}+)"
    rf"|{_WORD_START}[A-Za-z][A-Za-z0-9+.-]{{1,30}}://[^\s/:@?#]{{0,200}}:(?P<password>[^\s/]{{1,200}})@"
)
_PLAIN_WORD = re.compile(r"[a-z]{8,15}[.-]?|[A-Z][a-z]{7,14}[.-]?")  # "Bearer documents" is no secret

# At most one space or dash between two digits. A UUID is swallowed whole, so that its groups are no number.
_DIGITS = re.compile(
    rf"{_WORD_START}[0-9a-fA-F]{{8}}(?:-[0-9a-fA-F]{{4}}){{3}}-[0-9a-fA-F]{{12}}{_WORD_END}"
    rf"|(?P<run>{_WORD_START}(?:[0-9]++{_WORD_END}(?:[ -](?=[0-9]++{_WORD_END}))?)++)"
)
_DIGIT = re.compile("[0-9]")
_GROUP = re.compile("[0-9]+")
_IBAN_HEAD = re.compile(rf"{_WORD_START}[A-Za-z]{{2}}[0-9]{{2}}(?=[ -]?[A-Za-z0-9])")
_IBAN_LENGTHS = {
    name: int(length)
    for length, names in {
        "15": "NO", "16": "BE", "18": "DK FO FI GL NL SD", "19": "MK SI", "20": "AT BA EE KZ LT LU MN XK",
        "21": "CH HR LI LV", "22": "BG BH CR DE GB GE IE ME RS", "23": "AE GI IL IQ OM SO TL",
        "24": "AD CZ ES MD PK RO SA SE SK TN VG", "25": "LY PT ST", "26": "IS TR",
        "27": "BI DJ FR GR IT MC MR SM", "28": "AL AZ BY CY DO GT HN HU LB NI PL SV", "29": "BR EG PS QA UA",
        "30": "JO KW MU YE", "31": "MT SC", "32": "LC", "33": "RU",
    }.items()
    for name in names.split()
}  # fmt: skip
_EMAIL = re.compile(
    r"(?:(?<![\w.+'-])[\w.+'-]++|\"[^\"\n@]{1,64}+\")(?:@|%40)(?P<domain>[^\W_](?:[^\W_]|[.-])*+)"
)
_DOMAIN = re.compile(r"(?:[^\W_]|[.-])*\.(?:[^\W\d_]{2,63}|xn--[A-Za-z0-9-]{2,59})(?![^\W_])")
_LONGEST_DOMAIN = 253
_SSN = re.compile(
    rf"{_WORD_START}(?<![A-Za-z0-9]-)(?!000|666|9)[0-9]{{3}}-(?!00)[0-9]{{2}}-(?!0000)[0-9]{{4}}"
    rf"{_WORD_END}(?!-[A-Za-z0-9])"
)
_PHONE = re.compile(
    r"(?<![A-Za-z0-9+])\+[1-9](?:[ .()/-]{0,3}[0-9]){8,14}(?![0-9]|[.,][0-9])"
    rf"|{_WORD_START}(?<![A-Za-z0-9][-.])(?:1-)?(?:\([0-9]{{3}}\) ?|[0-9]{{3}}-)[0-9]{{3}}-[0-9]{{4}}"
    rf"{_WORD_END}(?!-[0-9])"
)


def redact(text: str) -> str:
    """Return the text with personal data and secrets replaced by [REDACTED_EMAIL] and the like."""
    return _without(text, _EVERYTHING)


def redact_secrets(text: str) -> str:
    """Return the text without card numbers, keys, tokens and passwords; addresses and phones stay."""
    return _without(text, _ONLY_SECRETS)


def kinds_in(text: str) -> set[str]:
    """Return which kinds are in the text: api_key, credit_card, iban, email, ssn, phone."""
    found: set[str] = set()
    _without(text, _EVERYTHING, found)
    return found


def redact_value(value: Any, redactor: Callable[[str], str] = redact, *, field: str = "value") -> Any:
    """Return a JSON value with every text in it redacted, names of fields included.

    A number that is a card number becomes text; so does whatever stands under a name like "password".
    `field` names the value in the error that one nested too deeply raises.
    """
    try:
        return _redacted(value, redactor)
    except RecursionError:
        raise InvalidInput(f"{field} is nested too deeply", field=field) from None


def _redacted(value: Any, redactor: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return redactor(value)
    if isinstance(value, Mapping):
        return _redacted_object(value, redactor)
    if isinstance(value, list | tuple | set | frozenset):
        kind = next(kind for kind in (list, tuple, set, frozenset) if isinstance(value, kind))
        return kind([_redacted(item, redactor) for item in value])
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return _marker("credit_card") if _is_card(value) else value
    return value


def _redacted_object(value: Mapping[Any, Any], redactor: Callable[[str], str]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for key, item in value.items():
        name = base = redactor(str(key))
        number = 1
        while name in told:  # two addresses as names: both values stay
            number += 1
            name = f"{base} {number}"
        secret = isinstance(item, str) and item and str(key).lower().replace("-", "_") in _SECRET_NAMES
        told[name] = _marker("api_key") if secret else _redacted(item, redactor)
    return told


def _is_card(number: float | Decimal) -> bool:
    if isinstance(number, Decimal) and not number.is_finite():
        return False
    return 0 < number < _NO_CARD and number == int(number) and is_card_number(str(int(number)))


def _marker(kind: str) -> str:
    return f"[REDACTED_{kind.upper()}]"


def _without(text: str, finders: Mapping[str, Finder], found: set[str] | None = None) -> str:
    """Replace until nothing is found any more, so that redacting again changes nothing."""
    if len(text) < _SHORTEST:
        return text
    while True:
        once = _pass(text, finders, found)
        if once == text:
            return text
        text = once


def _pass(text: str, finders: Mapping[str, Finder], found: set[str] | None) -> str:
    shadow = text if text.isascii() else text.translate(_PLAIN)
    digits = len(_DIGIT.findall(shadow))
    for kind, find in finders.items():
        spans = _joined(find(shadow)) if digits >= _FEWEST_DIGITS.get(kind, 0) else []
        if spans:
            if found is not None:
                found.add(kind)
            text, shadow = _replaced(text, spans, kind), _replaced(shadow, spans, kind)
    return text


def _replaced(text: str, spans: list[Span], kind: str) -> str:
    parts, done = [], 0
    for start, end in spans:
        parts += [text[done:start], _marker(kind)]
        done = end
    return "".join(parts) + text[done:]


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Return the spans in order, overlapping ones as one."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start < joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


class _Plain(dict[int, int]):
    """Maps each character to the plain one it stands for, worked out when first met."""

    def __missing__(self, code: int) -> int:
        character = chr(code)
        plain = unicodedata.normalize("NFKC", character)
        digit = unicodedata.digit(character, None)
        category = unicodedata.category(character)
        if digit is not None:
            code = ord(str(digit))
        elif len(plain) == 1 and plain.isascii():
            code = ord(plain)
        elif category == "Pd" or character in "\u2212\u00ad":
            code = ord("-")
        elif category == "Zs" or character in "\u200b\u200c\u200d\u2060\ufeff":
            code = ord(" ")
        self[ord(character)] = code
        return code


_PLAIN = _Plain({code: code for code in range(128)})


def _secrets(shadow: str) -> Iterator[Span]:
    if any(hint in shadow for hint in _SECRET_HINTS):
        for match in _SECRETS.finditer(shadow):
            yield match.span()
    lowered = shadow.lower()
    if not any(hint in lowered for hint in _CREDENTIAL_HINTS):
        return
    for match in _CREDENTIALS.finditer(shadow):
        group = match.lastgroup or "password"
        if group != "bearer" or not _PLAIN_WORD.fullmatch(match[group]):
            yield match.span(group)


def _cards(shadow: str) -> Iterator[Span]:
    for match in _DIGITS.finditer(shadow):
        if match["run"] is not None:
            follows_point = shadow[match.start() - 1 : match.start()] == "."
            part_of_decimal = follows_point and shadow[: match.start() - 1][-1:].isdigit()
            yield from _cards_in_run(shadow, match.start("run"), match.end("run"), part_of_decimal)


def _cards_in_run(shadow: str, start: int, end: int, part_of_decimal: bool) -> Iterator[Span]:
    groups = [(match.start(), match.end()) for match in _GROUP.finditer(shadow, start, end)]
    if part_of_decimal and len(groups) == 1:
        return
    digits = shadow[start:end].replace(" ", "").replace("-", "")
    begins, before = [], 0
    for begin, stop in groups:
        begins.append((before, begin))
        before += stop - begin
    ends = {at + stop - begin: stop for (at, begin), (_, stop) in zip(begins, groups, strict=True)}
    for at, begin in begins:
        for length in card_lengths(digits[at : at + 4]):
            stop_at = ends.get(at + length)
            if stop_at is not None and passes_luhn(digits[at : at + length]):
                yield begin, stop_at


def _ibans(shadow: str) -> Iterator[Span]:
    for head in _IBAN_HEAD.finditer(shadow):
        length = _IBAN_LENGTHS.get(head[0][:2].upper())
        taken, at = head[0], head.end()
        while length is not None and len(taken) < length:
            if shadow[at : at + 1] in {" ", "-"}:
                at += 1
            character = shadow[at : at + 1]
            if not (character.isascii() and character.isalnum()):
                break
            taken, at = taken + character, at + 1
        follows = shadow[at : at + 1]
        if len(taken) == length and not (follows.isascii() and follows.isalnum()) and _is_iban(taken):
            yield head.start(), at


def _is_iban(text: str) -> bool:
    """Check ISO 7064 mod 97: letters count as 10 to 35, the first four characters stand last."""
    return int("".join(str(int(character, 36)) for character in text[4:] + text[:4])) % 97 == 1


def _emails(shadow: str) -> Iterator[Span]:
    if "@" not in shadow and "%40" not in shadow:
        return
    for match in _EMAIL.finditer(shadow):
        domain = _DOMAIN.match(match["domain"][:_LONGEST_DOMAIN])
        if domain is not None:
            quotes = len(match[0]) - len(match[0].lstrip("'"))
            yield match.start() + quotes, match.start("domain") + domain.end()


def _ssns(shadow: str) -> Iterator[Span]:
    return (match.span() for match in _SSN.finditer(shadow))


def _phones(shadow: str) -> Iterator[Span]:
    return (match.span() for match in _PHONE.finditer(shadow))


_ONLY_SECRETS: dict[str, Finder] = {"api_key": _secrets, "credit_card": _cards}
_EVERYTHING: dict[str, Finder] = {
    **_ONLY_SECRETS,
    "iban": _ibans,
    "email": _emails,
    "ssn": _ssns,
    "phone": _phones,
}
