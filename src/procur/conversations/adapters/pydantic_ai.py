"""pydantic-ai: a conversation store in the company's database."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from procur.conversations.adapters.place import Place, in_thread, missing
from procur.core.errors import InvalidInput
from procur.db import DatabaseSession
from procur.db.repositories import AgentRecordRepository, StoredEntry, StoredRecord

try:
    from pydantic import TypeAdapter
    from pydantic_ai.conversation_store import (
        ConversationConflict,
        ConversationEntry,
        ConversationRecord,
        ConversationStore,
    )
    from pydantic_ai.messages import ModelMessagesTypeAdapter
except ModuleNotFoundError as error:
    raise missing("pydantic-ai", "pydantic-ai-slim") from error

_RECORD = TypeAdapter(ConversationRecord)


class ProcurConversationStore(ConversationStore):
    """pydantic-ai's `ConversationStore` within one organisation.

    A `scope` is yours to choose (a user, a channel) and counts inside the organisation only. Deleting a
    conversation deletes its messages too, but for those that a fork still shows.
    """

    def __init__(
        self, *, database: DatabaseSession | None = None, organization: UUID | str | None = None
    ) -> None:
        self._log = _Log(Place(database, organization))

    async def read_record(self, conversation_id: str) -> ConversationRecord | None:
        """Return a conversation's record, or None."""
        content = await in_thread(self._log.record, conversation_id)
        return None if content is None else _RECORD.validate_json(content)

    async def read_records(
        self, *, scope: str | None = None, limit: int | None = None
    ) -> Sequence[ConversationRecord]:
        """Return the records, or those of one scope, last saved first."""
        return [_RECORD.validate_json(content) for content in await in_thread(self._log.newest, scope, limit)]

    async def write_record(
        self,
        record: ConversationRecord,
        *,
        new_entries: Sequence[ConversationEntry] = (),
        expected_revision: str | None,
    ) -> None:
        """Store a record and its new entries, or neither: ConversationConflict if somebody was faster."""
        stored = StoredRecord(
            conversation_id=record.conversation_id,
            revision=record.revision,
            head_id=record.head_id,
            scope=record.scope,
            branches=record.branches,
            saved_at=record.updated_at,
            content=_text(_RECORD, record, "record"),
        )
        entries = [
            StoredEntry(one.id, one.parent_id, _text(ModelMessagesTypeAdapter, [one.message], "messages"))
            for one in new_entries
        ]
        await in_thread(self._log.write, stored, entries, expected_revision)

    async def delete_record(self, conversation_id: str, *, expected_revision: str) -> None:
        """Delete a conversation and every message that no other conversation or fork reaches."""
        await in_thread(self._log.delete, conversation_id, expected_revision)

    async def read_entry(self, entry_id: str) -> ConversationEntry:
        """Return one entry; LookupError when there is none."""
        return _entry(await in_thread(self._log.entry, entry_id))

    async def read_history(self, head_id: str | None, *, limit: int | None = None) -> list[ConversationEntry]:
        """Return the entries up to `head_id` in order, or the last `limit` of them, in one query."""
        if head_id is None or (limit is not None and limit <= 0):
            return []
        return [_entry(stored) for stored in await in_thread(self._log.history, head_id, limit)]


class _Log:
    """What the store does in the database, each in a transaction of its own."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def record(self, conversation_id: str) -> str | None:
        """Return the text of a record, or None."""
        with self._place.reading() as session:
            return AgentRecordRepository(session).find(conversation_id)

    def newest(self, scope: str | None, limit: int | None) -> list[str]:
        """Return the texts of records, last saved first."""
        with self._place.reading() as session:
            return AgentRecordRepository(session).newest(scope=scope, limit=limit)

    def write(self, record: StoredRecord, entries: list[StoredEntry], expected: str | None) -> None:
        """Write a record with its entries, or neither."""
        with self._place.writing() as session:
            if not AgentRecordRepository(session).write(record, entries, expected):
                raise ConversationConflict(record.conversation_id)  # and roll back

    def delete(self, conversation_id: str, expected: str) -> None:
        """Delete a record and what only it reached."""
        with self._place.writing() as session:
            if not AgentRecordRepository(session).delete(conversation_id, expected=expected):
                raise ConversationConflict(conversation_id)

    def entry(self, entry_id: str) -> StoredEntry:
        """Return an entry, or raise KeyError."""
        with self._place.reading() as session:
            found = AgentRecordRepository(session).entry(entry_id)
        if found is None:
            raise KeyError(entry_id)
        return found

    def history(self, head_id: str, limit: int | None) -> list[StoredEntry]:
        """Return the entries up to one, or raise KeyError."""
        with self._place.reading() as session:
            found = AgentRecordRepository(session).history(head_id, limit)
        if not found:
            raise KeyError(head_id)
        return found


def _text(adapter: TypeAdapter[Any], value: Any, field: str) -> str:
    try:
        return adapter.dump_json(value).decode()
    except ValueError as error:  # pydantic's own; a half surrogate pair, or a value JSON does not know
        raise InvalidInput(f"{field} cannot be written as JSON: {str(error)[:120]}", field=field) from error


def _entry(stored: StoredEntry) -> ConversationEntry:
    [message] = ModelMessagesTypeAdapter.validate_json(stored.content)
    return ConversationEntry(id=stored.entry_id, parent_id=stored.parent_id, message=message)
