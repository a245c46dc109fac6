"""Conversations: opened, found, changed, deleted; their messages and search come from the base classes."""

from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from procur.core.errors import InvalidInput
from procur.db import tenancy
from procur.db.models import Conversation
from procur.db.repositories.base import Key, bounded
from procur.db.repositories.conversation_messages import ConversationMessages
from procur.db.repositories.conversation_rows import COUNTED
from procur.db.repositories.conversation_search import ConversationSearch
from procur.db.repositories.purging import Purged, purge_row


class ConversationRepository(ConversationMessages, ConversationSearch):
    """Conversations, by the caller's own id (text) or by key."""

    def create(self, **values: Any) -> Conversation:
        """Write a new conversation; without a conversation_id its key serves."""
        self._refuse_fixed({name: None for name in values if name in COUNTED})
        self._refuse_other_kinds(values.get("kind"))
        if values.get("conversation_id", "") is None:
            del values["conversation_id"]
        if values.get("conversation_id") == "":
            raise InvalidInput("conversation_id is empty", field="conversation_id")
        values.setdefault("kind", self.kind or "agent")
        values.setdefault("last_activity", tenancy.clock_of(self.session).now())
        return super().create(**values)

    def create_conversation(
        self,
        user_id: Key | None = None,
        title: str | None = None,
        intent: str | None = None,
        conversation_id: str | None = None,
        **more: Any,
    ) -> Conversation:
        """Write a new conversation (documented name); Conflict when a live one has this conversation_id."""
        return self.create(
            user_id=user_id, title=title, intent=intent, conversation_id=conversation_id, **more
        )

    def get_conversation(self, id: Key, *, include_deleted: bool = False) -> Conversation | None:  # noqa: A002
        """Return the conversation with this key or caller's id, or None (documented name)."""
        return self.get_by_id(id, include_deleted=include_deleted)

    def get_user_conversations(
        self, user_id: Key, status: str | None = "active", limit: int = 50
    ) -> list[Conversation]:
        """Return a person's conversations in this state (None: all live ones), last used first."""
        equals: dict[str, Any] = {"user_id": user_id} | ({} if status is None else {"status": status})
        statement = select(Conversation).where(*self._equal(equals)).order_by(*self._last_used())
        return self._all(statement.limit(bounded(limit)), include_deleted=status == "deleted")

    def update_conversation(
        self,
        id: Key,  # noqa: A002 - documented name
        title: str | None = None,
        intent: str | None = None,
        status: str | None = None,
        **more: Any,
    ) -> Conversation:
        """Change what is given; status "deleted" deletes, another one brings a deleted conversation back."""
        given = {"title": title, "intent": intent, "status": status}
        row = self.get(id, include_deleted=True)
        return self._change(row, {name: value for name, value in given.items() if value is not None} | more)

    def delete_conversation(self, id: Key) -> bool:  # noqa: A002 - documented name
        """Hide a conversation and free its id; False when there is none. `restore` brings it back."""
        row = self.get_by_id(id, for_update=True)  # others who delete it wait, and find none
        return False if row is None else self.soft_delete(row.id)

    def purge(self, id: Key, reason: str, actor_id: object = None) -> Purged:  # noqa: A002 - documented name
        """Remove a conversation and its messages for good, and audit how much that was, not what was said."""
        row = self.get(id, include_deleted=True, for_update=True)
        return purge_row(self.session, row, called="conversation", reason=reason, actor_id=actor_id)

    def expire(self, now: datetime | None = None) -> int:
        """Delete (restorably) the conversations whose time is over; return how many."""
        moment = now or tenancy.clock_of(self.session).now()
        own_kind = () if self.kind is None else (Conversation.kind == self.kind,)
        statement = (
            update(Conversation)
            .where(
                Conversation.organization_id == tenancy.required_organization_id(self.session),
                Conversation.expires_at <= moment,
                Conversation.deleted_at.is_(None),
                *own_kind,
            )
            .values(status="deleted", deleted_at=moment, updated_at=moment)
            .execution_options(synchronize_session="fetch")
        )
        done: Any = self.session.execute(statement)
        return int(done.rowcount)


class ChatSessionRepository(ConversationRepository):
    """Chats about an export report: conversations of kind "export_chat", by user and assistant only."""

    kind = "export_chat"
