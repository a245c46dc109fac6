"""Full text search in messages: one question, asked in each database's own way."""

from typing import Any

from sqlalchemy import ColumnElement, and_, literal, text
from sqlalchemy.orm import Session

from procur.db import tenancy
from procur.db.models import Message
from procur.db.words import phrases

# As the index in revision 0005 spells it.
_POSTGRESQL = (
    "array_to_tsvector(array_remove(string_to_array(messages.search_text, ' '), '')) "
    "@@ CAST(:wanted AS tsquery)"
)
_SQLITE = (
    "(messages.organization_id, messages.id) IN (SELECT organization_id, id FROM search_messages_keys "
    "WHERE number IN (SELECT rowid FROM search_messages WHERE search_messages MATCH :wanted))"
)


def contains(session: Session, term: str) -> ColumnElement[bool] | None:
    """Return the condition that a message has all these words and phrases; None: `term` has no word."""
    wanted = phrases(term)
    if not wanted:
        return None
    if session.get_bind().dialect.name == "postgresql":
        return _in_postgresql(wanted)
    return _in_sqlite(wanted, tenancy.organization_id(session))


def has_words(words: Any, term: str) -> ColumnElement[bool] | None:
    """Return the same condition for a short column of words, without an index."""
    wanted = phrases(term)
    return and_(*(_next_to_each_other(words, phrase) for phrase in wanted)) if wanted else None


def _in_postgresql(wanted: list[tuple[str, ...]]) -> ColumnElement[bool]:
    # Words are letters and digits only, so quoting them is safe. The index knows words, not their places.
    single = dict.fromkeys(word for phrase in wanted for word in phrase)
    query = " & ".join(f"'{word}'" for word in single)
    places = [_next_to_each_other(Message.search_text, phrase) for phrase in wanted if len(phrase) > 1]
    return and_(text(_POSTGRESQL).bindparams(wanted=query), *places)


def _in_sqlite(wanted: list[tuple[str, ...]], owner: Any) -> ColumnElement[bool]:
    terms = [f'words : "{" ".join(phrase)}"' for phrase in wanted]
    if owner is not None:
        terms.insert(0, f'tenant : "{owner.hex}"')
    return and_(text(_SQLITE).bindparams(wanted=" AND ".join(terms)))


def _next_to_each_other(words: Any, phrase: tuple[str, ...]) -> ColumnElement[bool]:
    found: ColumnElement[bool] = (literal(" ") + words + " ").like(f"% {' '.join(phrase)} %")
    return found
