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

# A value under a name that ends so, written without separators, is a secret, whatever it looks like.
_SECRET_NAMES = (
    *("password", "passwd", "passphrase", "pwd", "secret", "token", "authorization"),
    *("apikey", "secretkey", "privatekey", "accesskey"),
)
_NOT_IN_NAMES = re.compile(r"[\W_]+")
_NO_CARD = 10**20
_MOST_PASSES = 8
_SHORTEST = 7  # characters of the shortest thing worth a look: a@bc.de
_HIDDEN = "\u200b"  # stands in the shadow for combining marks and characters without width
_BETWEEN = f"[ {_HIDDEN}-]"
_FEWEST_DIGITS: dict[str, int] = {"credit_card": 14, "iban": 9, "ssn": 9, "phone": 9}
_WORD_START = r"(?<![A-Za-z0-9])"
_WORD_END = r"(?![A-Za-z0-9])"

_SECRETS = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|\Z)"
    rf"|{_WORD_START}(?:"
    r"[sprw]k[-_](?:live|test|proj|ant)[-_][A-Za-z0-9_-]{8,}+"
    r"|sk-[A-Za-z0-9_-]{16,}+"
    r"|gh[opsur]_[A-Za-z0-9]{16,}+|github_pat_[A-Za-z0-9_]{20,}+|glpat-[A-Za-z0-9_-]{16,}+"
    r"|xox[a-z]-[A-Za-z0-9-]{10,}+"
    # Our own: API keys, and what webhooks are signed with.
    r"|procur_[A-Za-z0-9_-]{43,}+|whsec_[A-Za-z0-9+/=_-]{16,}+"
    r"|A(?:KIA|SIA)[A-Z0-9]{16}(?![A-Za-z0-9])"
    r"|AIza[A-Za-z0-9_-]{30,}+"
    r"|eyJ[A-Za-z0-9_-]{5,}+\.[A-Za-z0-9_-]{5,}+\.[A-Za-z0-9_-]*+"
    r")",
    re.DOTALL,
)
# Text without any of these holds no secret: looking for them first is fifty times as fast.
_SECRET_HINTS = (
    *("k-", "k_", "gh", "glpat-", "xox", "procur_", "whsec_"),
    *("AKIA", "ASIA", "AIza", "eyJ", "-----BEGIN"),
)
_CREDENTIAL_HINTS = ("://", "bearer", "authorization", "hooks.slack")
# After these words stands a secret; the words stay.
_CREDENTIALS = re.compile(
    rf"{_WORD_START}(?i:Authorization)[\"']? ?[:=] ?[\"']?(?i:Basic|Bearer|Token|ApiKey) {{1,4}}"
    r"(?P<header>[^\s\"',;\[]{4,}+)"
    rf"|{_WORD_START}(?i:Bearer) {{1,4}}(?P<bearer>[A-Za-z0-9._~+/=-]{{8,}}+)"
    rf"|{_WORD_START}[A-Za-z][A-Za-z0-9+.-]{{1,30}}://[^\s/:@?#]{{0,200}}:(?P<password>[^\s/]{{1,200}})@"
    # Whoever knows the path of a Slack webhook may write to its channel.
    rf"|{_WORD_START}(?i:hooks\.slack(?:-gov)?\.com)/(?P<hook>[A-Za-z0-9_-]{{1,40}}+/[A-Za-z0-9/_-]{{8,}}+)"
)
_NAMED_HINTS = ("pass", "pwd", "secret", "token", "key")
# `name=value` and `name: value`; the name stays.
_NAMED = re.compile(
    r"(?:passw(?:or)?d|passphrase|pwd|secret|token|(?:api|secret|private|access)[_ -]?key)"
    r"[\"']?[ ]{0,2}[:=][ ]{0,2}(?!\[REDACTED_)"
    r"(?:\"(?!\[REDACTED_)(?P<quoted>[^\"\n]{1,500}+)\"|'(?!\[REDACTED_)(?P<single>[^'\n]{1,500}+)'"
    r"|(?P<bare>[^\s\"',;&]++))",
    re.IGNORECASE,
)
_PLAIN_WORD = re.compile(r"[a-z]{8,15}[.-]?|[A-Z][a-z]{7,14}[.-]?")  # "Bearer documents" is no secret

# At most one space or dash between two digits. A UUID is swallowed whole, so that its groups are no number.
_DIGITS = re.compile(
    rf"{_WORD_START}[0-9a-fA-F]{{8}}(?:-[0-9a-fA-F]{{4}}){{3}}-[0-9a-fA-F]{{12}}{_WORD_END}"
    rf"|(?P<run>{_WORD_START}(?:[0-9]++{_WORD_END}(?:{_BETWEEN}(?=[0-9]++{_WORD_END}))?)++)"
)
# Four groups of four (and the rest), or 4-6-5, with up to three characters between them.
_APART = rf"[\s.,:;/_|{_HIDDEN}-]{{1,3}}"
_GROUPED = re.compile(
    rf"(?<![0-9])(?=(?P<short>[0-9]{{4}}{_APART}(?:[0-9]{{6}}{_APART}[0-9]{{4,5}}|"
    rf"[0-9]{{4}}{_APART}[0-9]{{4}}{_APART}[0-9]{{4}})(?![0-9]))"
    rf"(?P<long>(?:{_APART}[0-9]{{1,3}}(?![0-9]))?))"
)
_GLUED = re.compile(
    r"(?<![A-Za-z0-9])(?P<before>[A-Za-z]{2,}+)?(?P<digits>[0-9]{14,19})(?P<after>[A-Za-z]{2,}+)?(?![A-Za-z0-9])"
)
_ADDRESS_BEFORE = re.compile(r"(?:::|(?<![0-9A-Za-z])[0-9A-Fa-f]{1,4}:)\Z")
_ADDRESS_AFTER = re.compile(r":[0-9A-Fa-f]{0,4}(?![0-9A-Za-z])")
_DIGIT = re.compile("[0-9]")
_GROUP = re.compile("[0-9]+")
_IBAN_HEAD = re.compile(rf"{_WORD_START}[A-Za-z]{{2}}[0-9]{{2}}(?={_BETWEEN}?[A-Za-z0-9])")
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
    rf"(?:(?<![\w.+'{_HIDDEN}-])[\w.+'{_HIDDEN}-]++|\"[^\"\n@]{{1,64}}+\")(?:@|%40){_HIDDEN}*+"
    rf"(?P<domain>[^\W_](?:[^\W_]|[.{_HIDDEN}-])*+)"
)
_DOMAIN = re.compile(
    rf"(?:[^\W_]|[.{_HIDDEN}-])*\.(?:(?:[^\W\d_]{_HIDDEN}{{0,2}}){{2,63}}|xn--[A-Za-z0-9-]{{2,59}})(?![^\W_])"
)
_LONGEST_DOMAIN = 253
_SSN = re.compile(
    rf"{_WORD_START}(?<![A-Za-z0-9]-)(?!000|666|9)[0-9]{{3}}-(?!00)[0-9]{{2}}-(?!0000)[0-9]{{4}}"
    rf"{_WORD_END}(?!-[A-Za-z0-9])"
)
_PHONE = re.compile(
    rf"(?<![A-Za-z0-9+])(?P<plus>\+[1-9](?:[ .()/{_HIDDEN}-]{{0,3}}[0-9]){{8,14}})(?![0-9]|[.,][0-9])"
    rf"|{_WORD_START}(?<![A-Za-z0-9][-.])(?:1-)?"
    r"(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}-)[2-9][0-9]{2}-[0-9]{4}"
    rf"{_WORD_END}(?!-[0-9])"
)
# An amount with its sign is no phone number.
_DECIMAL = re.compile(r"\+[0-9]+(?:[ .][0-9]{3})*\.[0-9]{1,2}")
_CURRENCY = (
    r"(?:[$€£¥₹%]|(?:AUD|BRL|CAD|CHF|CNY|CZK|DKK|EUR|GBP|HKD|HUF|INR|JPY|KRW|MXN|NOK|NZD|PLN|RUB|SEK|SGD|TRY|USD|ZAR)"
    r"(?![A-Za-z]))"
)
_CURRENCY_AFTER = re.compile(rf" {{0,2}}{_CURRENCY}")
_CURRENCY_BEFORE = re.compile(rf"(?<![A-Za-z]){_CURRENCY} {{0,2}}\Z")


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

    A number that is a card number becomes text; so does what stands under a name like "password" (not null).
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
        secret = item not in (None, "") and _names_a_secret(str(key))
        told[name] = _marker("api_key") if secret else _redacted(item, redactor)
    return told


def _names_a_secret(name: str) -> bool:
    """Say whether such a name ("userPassword", "API-Key", "client secret") holds a secret."""
    return _NOT_IN_NAMES.sub("", name).lower().endswith(_SECRET_NAMES)


def _is_card(number: float | Decimal) -> bool:
    if isinstance(number, Decimal) and not number.is_finite():
        return False
    return 0 < number < _NO_CARD and number == int(number) and is_card_number(str(int(number)))


def _marker(kind: str) -> str:
    return f"[REDACTED_{kind.upper()}]"


def _without(text: str, finders: Mapping[str, Finder], found: set[str] | None = None) -> str:
    """Replace until nothing is found any more, so that redacting again changes nothing.

    What is replaced may uncover its neighbour. Only text made for it needs more than a few passes.
    """
    if len(text) < _SHORTEST:
        return text
    for _ in range(_MOST_PASSES):
        once = _pass(text, finders, found)
        if once == text:
            break
        text = once
    return text


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
        elif category == "Zs":
            code = ord(" ")
        elif category.startswith("M") or character in "\u200b\u200c\u200d\u2060\ufeff":
            code = ord(_HIDDEN)
        self[ord(character)] = code
        return code


_PLAIN = _Plain({code: code for code in range(128)})


def _secrets(shadow: str) -> Iterator[Span]:
    yield from _named(shadow)
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


def _named(shadow: str) -> Iterator[Span]:
    lowered = shadow.lower()
    if any(hint in lowered for hint in _NAMED_HINTS):
        for match in _NAMED.finditer(shadow):
            yield match.span(match.lastgroup or "bare")


def _cards(shadow: str) -> Iterator[Span]:
    yield from _grouped_cards(shadow)
    yield from _glued_cards(shadow)
    replaced_to = -1
    for match in _DIGITS.finditer(shadow):
        if match["run"] is None:
            continue
        start, end = match.span("run")
        # What stands before the point of a decimal is a number that stays.
        decimal = _follows_number(shadow, start) and replaced_to != start - 1
        for span in _cards_in_run(shadow, start, end, decimal):
            replaced_to = span[1]
            yield span


def _follows_number(shadow: str, start: int) -> bool:
    return start > 1 and shadow[start - 1] == "." and shadow[start - 2].isdigit()


def _grouped_cards(shadow: str) -> Iterator[Span]:
    """Find groups as on the card, whatever stands between them."""
    for match in _GROUPED.finditer(shadow):
        for end in {match.end("short"), match.end("long")}:
            digits = "".join(_GROUP.findall(shadow, match.start(), end)) if end > 0 else ""
            if is_card_number(digits) and not _in_address(shadow, match.start(), end):
                yield match.start(), end


def _in_address(shadow: str, start: int, end: int) -> bool:
    """Say whether the groups are some of an IPv6 address."""
    before = _ADDRESS_BEFORE.search(shadow[max(0, start - 6) : start])
    return ":" in shadow[start:end] and bool(before or _ADDRESS_AFTER.match(shadow, end))


def _glued_cards(shadow: str) -> Iterator[Span]:
    """Find a number with a word before or behind it. One letter is no word: hashes and ids have such."""
    for match in _GLUED.finditer(shadow):
        word = match["before"] or match["after"]
        if word and is_card_number(match["digits"]) and not _follows_number(shadow, match.start()):
            token = match[0]
            if len(token) != _IBAN_LENGTHS.get(token[:2].upper()) or not _is_iban(token):
                yield match.span("digits")


def _cards_in_run(shadow: str, start: int, end: int, decimal: bool) -> Iterator[Span]:
    groups = [(match.start(), match.end()) for match in _GROUP.finditer(shadow, start, end)]
    if decimal and len(groups) == 1:
        return
    digits = "".join(_GROUP.findall(shadow, start, end))
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
            if shadow[at : at + 1] in {" ", "-", _HIDDEN}:
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
    for match in _PHONE.finditer(shadow):
        start, end = match.span()
        amount = match["plus"] is not None and (
            _DECIMAL.fullmatch(match["plus"])
            or _CURRENCY_AFTER.match(shadow, end)
            or _CURRENCY_BEFORE.search(shadow[max(0, start - 6) : start])
        )
        if not amount:
            yield start, end


_ONLY_SECRETS: dict[str, Finder] = {"api_key": _secrets, "credit_card": _cards}
_EVERYTHING: dict[str, Finder] = {
    **_ONLY_SECRETS,
    "iban": _ibans,
    "email": _emails,
    "ssn": _ssns,
    "phone": _phones,
}
