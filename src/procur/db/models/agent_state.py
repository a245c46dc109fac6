"""What agent libraries keep between runs, each in its own serialisation: items, checkpoints, message logs."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from procur.db.base import Base, OfOrganization, Times, utc_now
from procur.db.types import UtcDateTime, choice, json_object

# A checkpoint's id says its place in time, so it is compared byte by byte, whatever the server's language.
_ORDERED = String(100).with_variant(String(100, collation="C"), "postgresql")


class _OfAgent(OfOrganization):
    """A row that an agent library names with keys of its own."""

    organization_id: Mapped[UUID] = mapped_column(
        Uuid(), ForeignKey("organizations.id"), primary_key=True, sort_order=-20
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime(), default=utc_now, sort_order=90)


class AgentItemRecord(_OfAgent, Base):
    """One item of an OpenAI Agents session or one LangChain message, as that library's JSON text."""

    __tablename__ = "agent_items"

    kind: Mapped[str] = mapped_column(choice("kind", "openai_agents", "langchain"), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(String(400), primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    content: Mapped[str] = mapped_column(Text)


class _OfThread(_OfAgent):
    """A row of a LangGraph thread."""

    thread_id: Mapped[str] = mapped_column(String(400), primary_key=True, sort_order=-19)
    checkpoint_ns: Mapped[str] = mapped_column(String(1000), primary_key=True, sort_order=-18)


class AgentCheckpointRecord(_OfThread, Times, Base):
    """One LangGraph checkpoint without its channels' values, as LangGraph's serialiser wrote it."""

    __tablename__ = "agent_checkpoints"

    checkpoint_id: Mapped[str] = mapped_column(_ORDERED, primary_key=True)
    parent_checkpoint_id: Mapped[str | None] = mapped_column(String(100))
    run_id: Mapped[str | None] = mapped_column(String(200))
    channel_versions: Mapped[dict[str, Any]] = mapped_column(json_object(), default=dict)
    type: Mapped[str] = mapped_column(String(100))
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    metadata_type: Mapped[str] = mapped_column(String(100))
    metadata_payload: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = (
        Index("ix_agent_checkpoints_newest", "organization_id", "checkpoint_id"),
        Index("ix_agent_checkpoints_run_id", "organization_id", "run_id"),
    )


class AgentCheckpointBlob(_OfThread, Base):
    """One version of a channel's value, shared by the checkpoints that have it."""

    __tablename__ = "agent_checkpoint_blobs"

    channel: Mapped[str] = mapped_column(String(400), primary_key=True)
    version: Mapped[str] = mapped_column(String(100), primary_key=True)
    type: Mapped[str] = mapped_column(String(100))
    payload: Mapped[bytes] = mapped_column(LargeBinary)


class AgentCheckpointWrite(_OfThread, Base):
    """What one task wrote after a checkpoint. The checkpoint itself may be written a moment later."""

    __tablename__ = "agent_checkpoint_writes"

    checkpoint_id: Mapped[str] = mapped_column(String(100), primary_key=True)
    task_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    task_path: Mapped[str] = mapped_column(Text, default="")
    channel: Mapped[str] = mapped_column(String(400))
    type: Mapped[str] = mapped_column(String(100))
    payload: Mapped[bytes] = mapped_column(LargeBinary)


class AgentEntryRecord(_OfAgent, Base):
    """One message of a pydantic-ai conversation, stored once; forks and branches share it.

    `conversation_id` is the conversation that stored it first, which may be deleted while a fork lives on.
    """

    __tablename__ = "agent_entries"

    entry_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    parent_id: Mapped[str | None] = mapped_column(String(200))
    conversation_id: Mapped[str] = mapped_column(String(400))
    content: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "parent_id"],
            ["agent_entries.organization_id", "agent_entries.entry_id"],
            name="fk_agent_entries_parent_id_agent_entries",
        ),
        Index("ix_agent_entries_parent_id", "organization_id", "parent_id"),
        Index("ix_agent_entries_conversation_id", "organization_id", "conversation_id"),
    )


class AgentConversationRecord(_OfAgent, Times, Base):
    """Where a pydantic-ai conversation stands; `content` is the library's whole record as JSON text.

    `branches` is a JSON list of the last entries of the histories it left.
    """

    __tablename__ = "agent_records"

    conversation_id: Mapped[str] = mapped_column(String(400), primary_key=True)
    revision: Mapped[str] = mapped_column(String(200))
    scope: Mapped[str | None] = mapped_column(String(400))
    head_id: Mapped[str | None] = mapped_column(String(200))
    branches: Mapped[str] = mapped_column(Text, default="[]")
    saved_at: Mapped[datetime] = mapped_column(UtcDateTime())
    content: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "head_id"],
            ["agent_entries.organization_id", "agent_entries.entry_id"],
            name="fk_agent_records_head_id_agent_entries",
        ),
        Index("ix_agent_records_saved_at", "organization_id", "saved_at"),
        Index("ix_agent_records_scope", "organization_id", "scope", "saved_at"),
        Index("ix_agent_records_head_id", "organization_id", "head_id"),
        Index(
            "ix_agent_records_branches",
            "organization_id",
            postgresql_where=text("branches <> '[]'"),
            sqlite_where=text("branches <> '[]'"),
        ),
    )
