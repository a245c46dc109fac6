"""Categories, features and frameworks of the vocabulary, found in the text by whole words."""

import re
from dataclasses import dataclass

from procur.sourcing.spans import Page
from procur.vendors.vocabulary import Vocabulary, normalise

_TOKEN = re.compile(r"[^\W\d_]+|[0-9]+")
_GAP = re.compile(r"(?:[ \t\u00a0]|[-\u2011/&.'\u2019](?!\s)){0,3}")
_LONGEST = 6
_CONTEXT = re.compile(
    (
        r"(?:integrat\w*|connect\w*|works?|compatible|sync\w*|migrat\w*|switch\w*|mov\w*|export\w*"
        r"|import\w*)\s+(?:well\s+)?(?:with|to|from|into|away\s+from)\s+(?:our\s+|the\s+|an?\s+"
        r"|existing\s+)*$|(?<!\w)(?:your|not\s+an?|no)\s+$"
    ),
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Named:
    """An entry of the vocabulary that the text names; a phrase may name a category and a feature at once."""

    start: int
    end: int
    category: str | None = None
    feature: str | None = None
    framework: str | None = None


def read_names(page: Page, vocabulary: Vocabulary) -> list[Named]:
    """Return every entry named in the open text, the longest phrase first, in order; nothing is claimed."""
    tokens = [(match.start(), match.end(), normalise(match[0])) for match in _TOKEN.finditer(page.open)]
    found: list[Named] = []
    at = 0
    while at < len(tokens):
        named, length = _longest(tokens, at, page, vocabulary)
        if named is not None:
            found.append(named)
        at += length
    return found


def _longest(
    tokens: list[tuple[int, int, str]], at: int, page: Page, vocabulary: Vocabulary
) -> tuple[Named | None, int]:
    reach = 1
    while reach < _LONGEST and at + reach < len(tokens) and _joined(tokens, at + reach, page.open):
        reach += 1
    for length in range(reach, 0, -1):
        phrase = " ".join(token[2] for token in tokens[at : at + length])
        named = _look_up(phrase, tokens[at][0], tokens[at + length - 1][1], vocabulary)
        if named is not None:
            return (None if _only_context(named, page) else named), length
    return None, 1


def _joined(tokens: list[tuple[int, int, str]], number: int, text: str) -> bool:
    return _GAP.fullmatch(text, tokens[number - 1][1], tokens[number][0]) is not None


def _look_up(phrase: str, start: int, end: int, vocabulary: Vocabulary) -> Named | None:
    for form in _forms(phrase):
        category, feature = vocabulary.category(form), vocabulary.feature(form)
        framework = vocabulary.framework(form)
        if category or feature or framework:
            return Named(
                start,
                end,
                category.key if category else None,
                feature.key if feature else None,
                framework.key if framework else None,
            )
    return None


def _forms(phrase: str) -> tuple[str, ...]:
    """Return the phrase, and without or with a plural s."""
    if len(phrase) > 4 and phrase.endswith("s") and not phrase.endswith("ss"):  # noqa: PLR2004 - "docs", not "sso"
        return phrase, phrase[:-1]
    return phrase, f"{phrase}s"


def _only_context(named: Named, page: Page) -> bool:
    """Tell whether a category is only something to work with: "integrates with our CRM"."""
    if named.category is None or named.feature is not None:
        return False
    return _CONTEXT.search(page.text[max(0, named.start - 60) : named.start]) is not None
