"""Single messages, whichever conversation they are in."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, select

from procur.core.errors import InvalidInput
from procur.db import tenancy
from procur.db.models import Conversation, Message
from procur.db.repositories.appending import MessageWriter
from procur.db.repositories.base import Key
from procur.db.repositories.conversation_rows import Guarded, note_change
from procur.db.values import checked

_SAID = frozenset({"conversation_id", "sequence", "message_id", "role", "role_alias", "search_text"})
_COUNTED = frozenset({"id", "organization_id", "sequence", "created_at", "updated_at"})


class MessageRepository(Guarded[Message]):
    """Messages, whichever conversation they are in; those of a deleted one are hidden with it."""

    model = Message
    business_key = "message_id"

    def create(self, **values: Any) -> Message:
        """Store a message at the end of its conversation (see ConversationRepository.add_message)."""
        given = dict(values)
        for name in sorted(_COUNTED & given.keys()):
            raise InvalidInput(f"{name} comes from the conversation", field=name)
        conversation = given.pop("conversation_id", None)
        if conversation is None:
            raise InvalidInput("conversation_id is required", field="conversation_id")
        return MessageWriter(self.session).append(conversation, [given], {})[1][0]

    def get_message(self, id: Key) -> Message | None:  # noqa: A002 - documented name
        """Return the message with this key, or None."""
        return self.get_by_id(id)

    def get_message_by_external_id(self, message_id: str) -> Message | None:
        """Return the message with this message_id, or None."""
        return self.get_by_key(message_id)

    def take_back(self, message: Message) -> Message:
        """Hide a message."""
        return self._change(message, {"deleted_at": tenancy.clock_of(self.session).now()})

    def delete(self, id: Key) -> bool:  # noqa: A002 - documented name
        """Remove a message for good."""
        row = self.get(id, include_deleted=True)
        note_change(self, row.conversation_id, row.sequence)
        return super().delete(id)

    def _visible(self, statement: Select[Any]) -> Select[Any]:
        talks = select(Conversation.id).where(Conversation.organization_id == Message.organization_id)
        return statement.where(Message.conversation_id.in_(talks))

    def _refuse_fixed(self, values: Mapping[str, Any]) -> None:
        super()._refuse_fixed(values)
        for name in values:
            if name in _SAID:
                raise InvalidInput(f"{name} cannot be changed", field=name)

    def _change(self, row: Message, values: Mapping[str, Any]) -> Message:
        self._refuse_fixed(values)
        fitting = checked(Message, values)  # before anything is written
        note_change(self, row.conversation_id, row.sequence)
        return super()._change(row, fitting)
