"""Conversations of agents, chats and talks, and the messages in them."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, String, Text, UniqueConstraint, Uuid
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapped, mapped_column, validates

from procur.db.base import (
    Base,
    SoftDelete,
    TenantRow,
    Times,
    belongs_to,
    check,
    newest_first,
    unique_live,
    utc_now,
)
from procur.db.types import Cost, UtcDateTime, choice, json_list, json_object
from procur.db.words import searchable


def _words_of(field: str) -> Any:
    def of_row(context: DefaultExecutionContext) -> str:
        return searchable(context.get_current_parameters().get(field) or "")  # type: ignore[no-untyped-call]

    return of_row


class Conversation(TenantRow, SoftDelete, Times, Base):
    """One conversation, under the id its caller gave it."""

    __tablename__ = "conversations"

    conversation_id: Mapped[str] = mapped_column(String(255))
    kind: Mapped[str] = mapped_column(
        choice("kind", "agent", "export_chat", "negotiation", "support"), default="agent"
    )
    user_id: Mapped[UUID | None] = mapped_column(Uuid())
    report_id: Mapped[UUID | None] = mapped_column(Uuid())
    title: Mapped[str | None] = mapped_column(String(255))
    # The title's words as search knows them: databases disagree on lower() beyond ASCII.
    title_words: Mapped[str] = mapped_column(Text, default=_words_of("title"))
    intent: Mapped[str | None] = mapped_column(String(100))
    status: Mapped[str] = mapped_column(choice("status", "active", "archived", "deleted"), default="active")
    context_data: Mapped[dict[str, Any]] = mapped_column(json_object(), default=dict)
    last_activity: Mapped[datetime] = mapped_column(UtcDateTime(), default=utc_now)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    # The newest message's number; each change of the messages moves the revision, by which caches notice it.
    last_sequence: Mapped[int] = mapped_column(BigInteger, default=0)
    revision: Mapped[int] = mapped_column(BigInteger, default=0)
    # What was said up to this message, in short.
    summary: Mapped[str | None] = mapped_column(Text)
    summary_sequence: Mapped[int] = mapped_column(BigInteger, default=0)

    __table_args__ = (
        belongs_to("user_accounts", "user_id", of="conversations", ondelete="CASCADE"),
        belongs_to("reports", "report_id", of="conversations", ondelete="CASCADE"),
        unique_live("conversations", "conversation_id"),
        newest_first("conversations"),
        Index("ix_conversations_user_id", "organization_id", "user_id", "status", "last_activity"),
        Index("ix_conversations_report_id", "organization_id", "report_id"),
        Index("ix_conversations_expires_at", "organization_id", "expires_at"),
        check("deleted", "(status = 'deleted') = (deleted_at IS NOT NULL)", field="status"),
        check("last_sequence", "last_sequence >= 0", field="last_sequence"),
        check("summary_sequence", "summary_sequence BETWEEN 0 AND last_sequence", field="summary_sequence"),
    )

    @validates("title")
    def _fold(self, _key: str, title: str | None) -> str | None:
        self.title_words = searchable(title or "")
        return title


class Message(TenantRow, SoftDelete, Times, Base):
    """One thing that was said. Its sequence number says where, from 1."""

    __tablename__ = "messages"

    conversation_id: Mapped[UUID] = mapped_column(Uuid())
    sequence: Mapped[int] = mapped_column(BigInteger)
    role: Mapped[str] = mapped_column(choice("role", "user", "assistant", "system", "tool"))
    # How its writer called the role, where that was another name ("agent").
    role_alias: Mapped[str | None] = mapped_column(String(32))
    content: Mapped[str] = mapped_column(Text)
    # The content's words, which the full-text indexes hold; nobody reads it back.
    search_text: Mapped[str] = mapped_column(Text, default=_words_of("content"), deferred=True)
    message_id: Mapped[str | None] = mapped_column(String(255))
    intent: Mapped[str | None] = mapped_column(String(100))
    model_used: Mapped[str | None] = mapped_column(String(100))
    cost: Mapped[Decimal] = mapped_column(Cost(), default=Decimal(0))
    sources: Mapped[list[Any]] = mapped_column(json_list(), default=list)
    extra_metadata: Mapped[dict[str, Any]] = mapped_column(json_object(), default=dict)

    __table_args__ = (
        belongs_to("conversations", "conversation_id", of="messages", ondelete="CASCADE"),
        UniqueConstraint("organization_id", "conversation_id", "sequence", info={"field": "sequence"}),
        # Deleted ones count too: a message is stored once, however late its sender tries again.
        UniqueConstraint("organization_id", "message_id", info={"field": "message_id"}),
        Index("ix_messages_conversation_id", "organization_id", "conversation_id", "created_at"),
        newest_first("messages"),
        check("sequence", "sequence > 0", field="sequence"),
        check("cost", "cost >= 0", field="cost"),
    )

    @validates("content")
    def _fold(self, _key: str, content: str) -> str:
        self.search_text = searchable(content or "")
        return content

    @property
    def asked_role(self) -> str:
        """The role as its writer called it."""
        return self.role_alias or self.role


# The export desk's documented names: the same tables, rows of kind "export_chat" (see ChatSessionRepository).
ChatSession = Conversation
ChatMessage = Message
