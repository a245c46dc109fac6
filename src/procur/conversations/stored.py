"""Conversations in the database, with a cache in front that never tells anything else than the database."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from procur.conversations.backend import Talk
from procur.conversations.cache import WindowCache
from procur.conversations.entries import Entry, entry_of, reads_back_the_same
from procur.core.errors import Unavailable
from procur.db import DatabaseSession, Session, get_db_session
from procur.db.commits import after_commit
from procur.db.models import Conversation, Message
from procur.db.repositories import ConversationRepository

T = TypeVar("T")


class StoredTalks:
    """Writes to the database first and to the cache after the commit.

    Each read asks the database for the conversation's revision, one row by its unique key, and takes the
    messages from the cache when that is the revision it holds. So it tells what other processes wrote, too.
    """

    def __init__(
        self,
        *,
        window: int,
        size: int,
        session: Session | None,
        database: DatabaseSession | None,
        organization: UUID | str | None,
    ) -> None:
        self._cache = WindowCache(size=size, window=window)
        self._window = window
        self._session = session
        self._database = database
        self._organization = organization

    def add(self, name: str, message: Mapping[str, Any], opening: Mapping[str, Any]) -> None:
        """Store a message; when this returns it is committed (the caller's session: when that commits)."""
        with self._scope() as session:
            talk, rows = ConversationRepository(session).append(name, [message], **opening)
            remember = self._remembering(name, talk, rows[0])
            if self._session is not None:
                after_commit(session, remember)
        if self._session is None:
            remember()

    def newest(self, name: str, count: int, *, fresh: bool = False) -> list[Entry]:
        """Return the newest messages in order; with the database away, those that the cache holds."""
        try:
            with self._scope(read_only=True) as session:
                return self._newest(session, name, count, fresh=fresh)
        except Unavailable:
            held = None if fresh else self._cache.get(name)
            found = None if held is None else held.newest(count)
            if found is None:
                raise
            return list(found)

    def before(self, name: str, sequence: int, count: int) -> list[Entry]:
        """Return the last messages before this one, in order."""
        with self._scope(read_only=True) as session:
            return list(map(entry_of, ConversationRepository(session).messages_before(name, sequence, count)))

    def after(self, name: str, sequence: int, count: int) -> list[Entry]:
        """Return the first messages after this one, in order."""
        with self._scope(read_only=True) as session:
            return list(map(entry_of, ConversationRepository(session).messages_after(name, sequence, count)))

    def talk(self, name: str) -> Talk | None:
        """Return how the conversation stands, or None."""
        with self._scope(read_only=True) as session:
            state = ConversationRepository(session).state_of(name)
            if state is None:
                return None
            return Talk(state.last_sequence, state.summary, state.summary_sequence, state)

    def keep_summary(self, name: str, summary: str, through: int, talk: Talk) -> bool:
        """Store what was said up to this message in short; False when it has changed since `talk`."""
        with self._scope() as session:
            return ConversationRepository(session).set_summary(name, summary, through=through, seen=talk.seen)

    def clear(self, name: str) -> int:
        """Take all messages back; return how many."""
        with self._scope() as session:
            cleared = ConversationRepository(session).clear_messages(name)
        self._cache.drop(name)
        return cleared

    def delete(self, name: str) -> bool:
        """Hide the conversation; False when there is none."""
        with self._scope() as session:
            deleted = ConversationRepository(session).delete_conversation(name)
        self._cache.drop(name)
        return deleted

    def cleanup(self, moment: datetime) -> int:
        """Forget what nobody has used since, in the cache only; delete what has expired."""
        with self._scope() as session:
            expired = ConversationRepository(session).expire()
        return self._cache.drop_older(moment) + expired

    def conversations(self) -> int:
        """Return how many conversations there are."""
        return self._asked(ConversationRepository.count)

    def messages(self, name: str | None) -> int:
        """Return how many messages there are."""
        return self._asked(lambda talks: talks.count_messages(name))

    def cost(self, name: str) -> Decimal:
        """Return what the conversation has cost."""
        return self._asked(lambda talks: talks.get_conversation_cost(name))

    def costs(self, since: datetime | None, until: datetime | None, by: str) -> dict[Any, Decimal]:
        """Return what all conversations have cost."""
        return self._asked(lambda talks: talks.organization_cost(since, until, by))

    def search(self, term: str, name: str | None, limit: int) -> list[tuple[str, Entry]]:
        """Return the messages with these words and the conversations they are in, newest first."""
        with self._scope(read_only=True) as session:
            talks = ConversationRepository(session)
            rows = talks.search(term, conversation_id=name, limit=limit)
            where = talks.get_many({row.conversation_id for row in rows})
            return [(where[row.conversation_id].conversation_id, entry_of(row)) for row in rows]

    def _newest(self, session: Session, name: str, count: int, *, fresh: bool) -> list[Entry]:
        talks = ConversationRepository(session)
        state = talks.revision_of(name)
        if state is None:
            self._cache.drop(name)
            return []
        held = None if fresh else self._cache.get(name)
        if held is not None and (held.key, held.revision) == state:
            found = held.newest(count)
            if found is not None:
                return list(found)
        wanted = max(count, self._window)
        entries = list(map(entry_of, talks.get_conversation_messages(state[0], limit=wanted)))
        if self._session is None:  # what the caller's session reads may never be committed
            self._cache.put(name, *state, entries, whole=len(entries) < wanted)
        return entries[-count:]

    def _remembering(self, name: str, talk: Conversation | None, row: Message) -> Callable[[], None]:
        is_newest = talk is not None and row.sequence == talk.last_sequence and row.deleted_at is None
        if talk is None or not is_newest or not reads_back_the_same(row.extra_metadata):
            return lambda: self._cache.drop(name)
        key, revision, entry = talk.id, talk.revision, entry_of(row)
        return lambda: self._cache.extend(name, key, revision, entry)

    def _asked(self, question: Callable[[ConversationRepository], T]) -> T:
        with self._scope(read_only=True) as session:
            return question(ConversationRepository(session))

    def _scope(self, *, read_only: bool = False) -> AbstractContextManager[Session]:
        if self._session is not None:
            return nullcontext(self._session)
        database = self._database or get_db_session()
        return database.get_session(self._organization, read_only=read_only)
