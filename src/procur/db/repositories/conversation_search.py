"""What conversations cost, and where something was said."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, or_, select

from procur.core.errors import InvalidInput
from procur.db import tenancy
from procur.db.models import Conversation, Message
from procur.db.repositories.base import Key, bounded
from procur.db.repositories.conversation_rows import TOGETHER, ConversationRows
from procur.db.repositories.full_text import contains, has_words
from procur.db.values import moment_of

_BY: Mapping[str, Any] = {
    "model": Message.model_used,
    "intent": Message.intent,
    "conversation": Conversation.conversation_id,
    "kind": Conversation.kind,
    "user": Conversation.user_id,
}


class ConversationSearch(ConversationRows):
    """Cost and full text."""

    def get_conversation_cost(self, id: Key) -> Decimal:  # noqa: A002 - documented name
        """Return what the conversation has cost, deleted messages included."""
        row = self.get_by_id(id, include_deleted=True)
        statement = select(func.sum(Message.cost)).where(Message.conversation_id == (row and row.id))
        options = {"include_deleted": True}
        total = None if row is None else self.session.execute(statement, execution_options=options).scalar()
        return total or Decimal(0)

    def organization_cost(
        self, since: datetime | None = None, until: datetime | None = None, by: str = "model"
    ) -> dict[Any, Decimal]:
        """Return what messages written from `since` to before `until` have cost, deleted ones included.

        By "model", "intent", "conversation" (the caller's id), "kind" or "user" (key), the dearest first.
        """
        if by not in _BY:
            raise InvalidInput(f"by must be one of {', '.join(_BY)}, not {str(by)[:40]!r}", field="by")
        total = func.sum(Message.cost)
        statement = select(_BY[by], total).select_from(Message).join(Conversation, TOGETHER)
        if self.kind is not None:
            statement = statement.where(Conversation.kind == self.kind)
        if since is not None:
            statement = statement.where(Message.created_at >= moment_of(since, "since"))
        if until is not None:
            statement = statement.where(Message.created_at < moment_of(until, "until"))
        statement = statement.group_by(_BY[by]).order_by(total.desc(), _BY[by])
        found = self.session.execute(statement, execution_options={"include_deleted": True})
        return {name: cost for name, cost in found}  # noqa: C416 - rows, not pairs

    def search(
        self,
        term: str,
        *,
        conversation_id: Key | None = None,
        user_id: Key | None = None,
        limit: int = 20,
    ) -> list[Message]:
        """Return the messages with all words of `term` ("quoted ones" next to each other), newest first."""
        condition = contains(self.session, term)
        if condition is None:
            return []
        statement = select(Message).join(Conversation, TOGETHER).where(condition)
        if self.kind is not None:
            statement = statement.where(Conversation.kind == self.kind)
        if conversation_id is not None:
            row = self.get_by_id(conversation_id)
            if row is None:
                return []
            statement = statement.where(Message.conversation_id == row.id)
        if user_id is not None:
            statement = statement.where(*self._equal({"user_id": user_id}))
        newest = (Message.created_at.desc(), Message.sequence.desc(), Message.id.desc())
        return list(self.session.scalars(statement.order_by(*newest).limit(bounded(limit))))

    def search_conversations(self, user_id: Key | None, term: str, limit: int = 20) -> list[Conversation]:
        """Return a person's conversations (None: anybody's) with these words in the title or one message."""
        in_message, in_title = contains(self.session, term), has_words(Conversation.title_words, term)
        if in_message is None or in_title is None:
            return []
        owner = tenancy.required_organization_id(self.session)
        found = select(Message.conversation_id).where(
            Message.organization_id == owner, Message.deleted_at.is_(None), in_message
        )
        statement = select(Conversation).where(or_(in_title, Conversation.id.in_(found)))
        if user_id is not None:
            statement = statement.where(*self._equal({"user_id": user_id}))
        return self._all(statement.order_by(*self._last_used()).limit(bounded(limit)))
