"""What is said in a conversation: stored once, in order, read in pieces."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, update

from procur.core.errors import InvalidInput
from procur.db import tenancy
from procur.db.models import Conversation, Message
from procur.db.repositories.appending import MessageWriter
from procur.db.repositories.base import Key, bounded
from procur.db.repositories.conversation_rows import (
    COUNTED,
    TOGETHER,
    ConversationRows,
    ConversationState,
    note_change,
)
from procur.db.repositories.messages import MessageRepository
from procur.db.values import checked

MOST_MESSAGES = 100_000
_LARGEST = 1 << 62


class ConversationMessages(ConversationRows):
    """The messages of conversations."""

    def add_message(  # noqa: PLR0917 - documented order
        self,
        conversation_id: Key,
        role: str,
        content: str,
        message_id: str | None = None,
        intent: str | None = None,
        model_used: str | None = None,
        cost: Decimal | float | str = 0,
        extra_metadata: Mapping[str, Any] | None = None,
        sources: Sequence[Any] | None = None,
        **opening: Any,
    ) -> Message:
        """Store a message at the end of the conversation, which is opened (with `opening`) if there is none.

        Tried again with the same message_id it is stored once. A message_id of another message: Conflict.
        """
        message = {
            "role": role,
            "content": content,
            "message_id": message_id,
            "intent": intent,
            "model_used": model_used,
            "cost": cost,
            "extra_metadata": extra_metadata,
            "sources": sources,
        }
        return self.add_messages(conversation_id, [message], **opening)[0]

    def add_messages(
        self, conversation_id: Key, messages: Sequence[Mapping[str, Any]], **opening: Any
    ) -> list[Message]:
        """Store several messages in a row: objects with the arguments of `add_message`."""
        return self.append(conversation_id, messages, **opening)[1]

    def append(
        self, conversation_id: Key, messages: Sequence[Mapping[str, Any]], **opening: Any
    ) -> tuple[Conversation | None, list[Message]]:
        """Do what `add_messages` does; return the conversation too, as it stands after them.

        None for the conversation: it has been deleted since these messages were stored. Conflict when it is
        of a kind that this repository does not see.
        """
        self._refuse_fixed({name: None for name in opening if name in COUNTED})
        self._refuse_other_kinds(opening.get("kind"))
        opening.setdefault("kind", self.kind or "agent")
        return MessageWriter(self.session, kind=self.kind).append(conversation_id, messages, opening)

    def get_conversation_messages(self, id: Key, limit: int | None = None) -> list[Message]:  # noqa: A002
        """Return the newest `limit` messages (None: all), the oldest of them first."""
        return self._messages(id, None, MOST_MESSAGES if limit is None else limit, whole=limit is None)

    def messages_before(self, id: Key, sequence: int, limit: int = 50) -> list[Message]:  # noqa: A002
        """Return the last messages before this one, the oldest of them first."""
        return self._messages(id, Message.sequence < bounded(sequence, "sequence", most=_LARGEST), limit)

    def messages_after(self, id: Key, sequence: int, limit: int = 50) -> list[Message]:  # noqa: A002
        """Return the first messages after this one, in order."""
        row = self.get_by_id(id)
        if row is None:
            return []
        statement = self._of(row.id).where(Message.sequence > bounded(sequence, "sequence", most=_LARGEST))
        statement = statement.order_by(Message.sequence).limit(bounded(limit, most=MOST_MESSAGES))
        return list(self.session.scalars(statement))

    def count_messages(self, id: Key | None = None) -> int:  # noqa: A002 - documented name
        """Return how many messages there are to read, in one conversation or in all."""
        statement = select(func.count()).select_from(Message).join(Conversation, TOGETHER)
        if self.kind is not None:
            statement = statement.where(Conversation.kind == self.kind)
        if id is not None:
            row = self.get_by_id(id)
            if row is None:
                return 0
            statement = statement.where(Message.conversation_id == row.id)
        return int(self.session.execute(statement).scalar_one())

    def pop_message(self, id: Key) -> Message | None:  # noqa: A002 - documented name
        """Take the newest message back and return it; None when there is none left."""
        row = self.get_by_id(id, for_update=True)
        newest = None if row is None else self._messages(row.id, None, 1)
        return MessageRepository(self.session).take_back(newest[0]) if newest else None

    def clear_messages(self, id: Key) -> int:  # noqa: A002 - documented name
        """Take all messages back; the conversation stays. Return how many they were."""
        row = self.get_by_id(id, for_update=True)
        if row is None:
            return 0
        note_change(self, row.id, 0)
        now = tenancy.clock_of(self.session).now()
        statement = (
            update(Message)
            .where(
                Message.organization_id == row.organization_id,
                Message.conversation_id == row.id,
                Message.deleted_at.is_(None),
            )
            .values(deleted_at=now, updated_at=now)
            .execution_options(synchronize_session="fetch")
        )
        done: Any = self.session.execute(statement)
        return int(done.rowcount)

    def set_summary(self, id: Key, summary: str, *, through: int, seen: ConversationState) -> bool:  # noqa: A002
        """Keep what was said up to message `through` in short.

        False, and nothing kept, when messages were taken back or changed, another summary was stored or the
        conversation was deleted since `seen` was read. InvalidInput for a summary that says nothing.
        """
        values = checked(Conversation, {"summary": summary_of(summary), "summary_sequence": through})
        row = self.get_by_id(id, for_update=True)
        known = (seen.revision - seen.last_sequence, seen.summary_sequence)
        if (
            row is None
            or row.id != seen.id
            or (row.revision - row.last_sequence, row.summary_sequence) != known
        ):
            return False
        for name, value in values.items():
            setattr(row, name, value)
        self.session.flush()
        return True

    def _messages(self, id: Key, condition: Any, limit: int, *, whole: bool = False) -> list[Message]:  # noqa: A002
        row = self.get_by_id(id)
        if row is None:
            return []
        statement = self._of(row.id).order_by(Message.sequence.desc())
        if condition is not None:
            statement = statement.where(condition)
        if not whole:
            statement = statement.limit(bounded(limit, most=MOST_MESSAGES))
        return list(self.session.scalars(statement))[::-1]

    def _of(self, key: UUID) -> Select[Any]:
        return select(Message).where(Message.conversation_id == key)


def summary_of(answer: object) -> str:
    """Return a summary as it can be kept; refuse one that is no text or says nothing."""
    summary: str | None = checked(Conversation, {"summary": answer})["summary"]
    if summary is None or not summary.strip():
        raise InvalidInput("summary is empty", field="summary")
    return summary
