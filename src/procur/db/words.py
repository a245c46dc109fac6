"""Words of a text as search knows them: the same on both databases, because neither splits or folds them."""

import re
import unicodedata

from procur.core.errors import InvalidInput
from procur.db.types import clean_text

LONGEST_WORD = 100
_LONGEST_TERM = 1000
_MOST_PHRASES = 64
_WORD = re.compile(r"[^\W_]+")
_PART = re.compile(r'"([^"]*)"|([^\s"]+)')


def words(text: str) -> list[str]:
    """Return the runs of letters and digits, case-folded; a longer one counts by its first 100 characters."""
    folded = unicodedata.normalize("NFC", text).casefold()
    return [found[:LONGEST_WORD] for found in _WORD.findall(folded)]


def searchable(text: str) -> str:
    """Return the words of a text with single spaces between them."""
    return " ".join(words(text))


def phrases(term: str) -> list[tuple[str, ...]]:
    """Return what a person looks for: each phrase has to occur, its words next to each other.

    Quotes make a phrase; so does punctuation ("bob@acme.com"). Anything else is single words.
    """
    if not isinstance(term, str):
        raise InvalidInput(f"term must be text, not {type(term).__name__}", field="term")
    if len(clean_text(term, field="term")) > _LONGEST_TERM:
        raise InvalidInput(f"term is longer than {_LONGEST_TERM} characters", field="term")
    found = [tuple(words(quoted or single)) for quoted, single in _PART.findall(term)]
    wanted = list(dict.fromkeys(phrase for phrase in found if phrase))
    if len(wanted) > _MOST_PHRASES:
        raise InvalidInput(f"term has more than {_MOST_PHRASES} words", field="term")
    return wanted
