"""The conversation memory of agents, under the names that the documents give it."""

import os
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from procur.conversations.backend import Backend
from procur.conversations.local import LocalTalks
from procur.conversations.stored import StoredTalks
from procur.conversations.summaries import Summarise, WindowBuilder
from procur.conversations.window import CountTokens, Window, estimate_tokens, extract
from procur.core.clock import Clock, SystemClock
from procur.core.errors import InvalidInput
from procur.core.redaction import redact_secrets, redact_value
from procur.db import DatabaseSession, Session
from procur.db.repositories.appending import draft

Redact = Callable[[str], str]
_CONVERSATIONS = 1000
_OFF = frozenset({"0", "false", "no", "off", "n", "none"})
_MOST = 100_000
_MOST_HOURS = 1_000_000


class ConversationMemory:
    """Remembers what was said: in the database with a cache in front, or in this process only.

    `max_messages` (else CONVERSATION_WINDOW_SIZE, else 10) is how many messages `get_history` returns and the
    cache holds of a conversation, `cache_size` of how many conversations. `use_database` is USE_DATABASE
    unless given, and true unless that is false; a `db_session` is used whatever they say. Without
    `db_session` each message is one transaction of its own in `database` (the process's) and `organization`
    (the default one); with it the caller commits, and the cache learns of it then.

    `redact` changes each text before it is stored: card numbers, keys, tokens and passwords are masked unless
    it is None. `count_tokens` and `summarise` serve `get_window`. Threads may share a memory that has no
    `db_session`.
    """

    def __init__(
        self,
        max_messages: int | None = None,
        max_age_hours: float = 24,
        use_database: bool | None = None,
        db_session: Session | None = None,
        *,
        database: DatabaseSession | None = None,
        organization: UUID | str | None = None,
        kind: str = "agent",
        redact: Redact | None = redact_secrets,
        count_tokens: CountTokens = estimate_tokens,
        summarise: Summarise = extract,
        cache_size: int = _CONVERSATIONS,
        clock: Clock | None = None,
    ) -> None:
        if db_session is not None and not isinstance(db_session, Session):
            raise InvalidInput(
                f"db_session must be a session, not {type(db_session).__name__}",
                field="db_session",
                hint="a DatabaseSession is given as database=",
            )
        if organization is not None and not str(organization).strip():
            raise InvalidInput("organization is empty", field="organization")
        if max_messages is None:
            max_messages = _number(os.environ.get("CONVERSATION_WINDOW_SIZE", "").strip() or "10")
        self.max_messages = _whole(max_messages, "max_messages")
        self.max_age_hours = _hours(max_age_hours)
        if use_database is None:
            use_database = os.environ.get("USE_DATABASE", "true").strip().lower() not in _OFF
        self.use_database = use_database or db_session is not None
        self._clock = clock or SystemClock()
        self._kind = kind
        self._redact = redact
        size = _whole(cache_size, "cache_size")
        self._backend: Backend = LocalTalks(size=size, clock=self._clock)
        if self.use_database:
            self._backend = StoredTalks(
                window=self.max_messages,
                size=size,
                session=db_session,
                database=database,
                organization=organization,
            )
        self._windows = WindowBuilder(self._backend, count=count_tokens, summarise=summarise)

    def add_message(  # noqa: PLR0917 - documented order
        self,
        conversation_id: str,
        role: str,
        content: str,
        metadata: Mapping[str, Any] | None = None,
        user_id: UUID | str | None = None,
        intent: str | None = None,
        model_used: str | None = None,
        cost: Decimal | float | str = 0,
        message_id: str | None = None,
    ) -> None:
        """Remember a message; the first one opens the conversation. When this returns, it is stored.

        Unavailable when the database is away: nothing is stored then. After any doubt try again with the same
        `message_id`: it is stored once. Conflict when that names another message.
        """
        message = {
            "role": role,
            "content": content,
            "message_id": message_id,
            "intent": intent,
            "model_used": model_used,
            "cost": cost,
            "extra_metadata": metadata,
        }
        try:
            if self._redact is not None:
                draft(message)  # what is redacted has to be text
                message["content"] = self._redact(content)
                message["extra_metadata"] = redact_value(dict(metadata or {}), self._redact, field="metadata")
            self._backend.add(_name(conversation_id), message, {"user_id": user_id, "kind": self._kind})
        except InvalidInput as error:
            raise _as_asked(error) from error

    def get_history(
        self, conversation_id: str, max_messages: int | None = None, from_database: bool = False
    ) -> list[dict[str, Any]]:
        """Return the newest messages, the oldest of them first; an empty list for an unknown conversation.

        Each has role, content, timestamp, metadata, intent, model_used and cost. `from_database` leaves the
        cache aside, which makes no difference to the answer. With the database away what the cache holds is
        returned; Unavailable when it does not hold enough.
        """
        count = self.max_messages if max_messages is None else _whole(max_messages, "max_messages")
        found = self._backend.newest(_name(conversation_id), count, fresh=from_database)
        return [entry.as_dict() for entry in found]

    def get_window(self, conversation_id: str, max_tokens: int) -> Window:
        """Return the newest messages that fit into `max_tokens`, and the older ones in short.

        Together they cover the whole conversation. The summary is stored with the number of the message it
        reaches to, and continued from there.
        """
        return self._windows.build(_name(conversation_id), _whole(max_tokens, "max_tokens", most=1 << 31))

    def get_context_summary(self, conversation_id: str) -> str:
        """Return what was said in short: the stored summary, then a line for each of the newest messages.

        At most 4,000 characters; an empty text for an unknown conversation.
        """
        name = _name(conversation_id)
        talk = self._backend.talk(name)
        if talk is None:
            return ""
        since = [entry for entry in self._backend.newest(name, 50) if entry.sequence > talk.summary_through]
        return extract(talk.summary, [entry.as_dict() for entry in since])

    def clear_conversation(self, conversation_id: str) -> int:
        """Take back all messages of a conversation, which stays; return how many they were."""
        return self._backend.clear(_name(conversation_id))

    def delete_conversation(self, conversation_id: str) -> bool:
        """Delete a conversation (ConversationRepository.restore brings it back); False when there is none."""
        return self._backend.delete(_name(conversation_id))

    def cleanup_old_conversations(self) -> int:
        """Forget the conversations unused for `max_age_hours`; return how many.

        In the database they stay; only those whose `expires_at` has passed are deleted there (restorably).
        """
        return self._backend.cleanup(self._clock.now() - timedelta(hours=self.max_age_hours))

    def get_conversation_count(self) -> int:
        """Return how many conversations there are."""
        return self._backend.conversations()

    def get_message_count(self, conversation_id: str | None = None) -> int:
        """Return how many messages there are in a conversation, or in all."""
        return self._backend.messages(None if conversation_id is None else _name(conversation_id))

    def conversation_cost(self, conversation_id: str) -> Decimal:
        """Return what a conversation has cost, cleared messages included."""
        return self._backend.cost(_name(conversation_id))

    def organization_cost(
        self, since: datetime | None = None, until: datetime | None = None, by: str = "model"
    ) -> dict[Any, Decimal]:
        """Return what all conversations have cost, by "model", "intent", "conversation", "kind" or "user"."""
        return self._backend.costs(since, until, by)

    def search(self, term: str, conversation_id: str | None = None, limit: int = 20) -> list[dict[str, Any]]:
        """Return the messages with all these words, newest first, each with its conversation_id."""
        name = None if conversation_id is None else _name(conversation_id)
        found = self._backend.search(term, name, _whole(limit, "limit"))
        return [entry.as_dict() | {"conversation_id": where} for where, entry in found]


def _name(conversation_id: object) -> str:
    """Return the caller's id as text; keys of conversations serve too."""
    if not isinstance(conversation_id, str | UUID):
        raise InvalidInput(
            f"conversation_id must be text, not {type(conversation_id).__name__}", field="conversation_id"
        )
    return str(conversation_id)


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise InvalidInput(
            f"CONVERSATION_WINDOW_SIZE must be a whole number, not {text[:40]!r}", field="max_messages"
        ) from error


def _whole(number: Any, field: str, *, most: int = _MOST) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= most:
        raise InvalidInput(f"{field} must be a whole number from 1 to {most}", field=field)
    return number


def _hours(number: Any) -> float:
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= _MOST_HOURS:
        raise InvalidInput(
            f"max_age_hours must be a number from 0 to {_MOST_HOURS}, not {str(number)[:40]!r}",
            field="max_age_hours",
        )
    return number


def _as_asked(error: InvalidInput) -> InvalidInput:
    """Name the field as the caller knows it."""
    if error.field != "extra_metadata":
        return error
    return InvalidInput(
        error.message.replace("extra_metadata", "metadata"), field="metadata", hint=error.hint
    )


_shared: ConversationMemory | None = None
_shared_lock = threading.Lock()


def get_conversation_memory() -> ConversationMemory:
    """Return the process's own memory, made at first use from the environment."""
    global _shared  # noqa: PLW0603 - one per process, as documented
    with _shared_lock:
        if _shared is None:
            _shared = ConversationMemory()
        return _shared
