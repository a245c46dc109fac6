"""LangChain: a chat history whose messages are rows of the company's database."""

import json
from collections.abc import Sequence
from uuid import UUID

from procur.conversations.adapters.place import Place, dumped, in_thread, missing
from procur.db import DatabaseSession
from procur.db.repositories import AgentItemRepository

try:
    from langchain_core.chat_history import BaseChatMessageHistory
    from langchain_core.messages import BaseMessage, message_to_dict, messages_from_dict
except ModuleNotFoundError as error:
    raise missing("langchain", "langchain-core") from error

KIND = "langchain"


class ProcurChatMessageHistory(BaseChatMessageHistory):
    """LangChain's chat message history. `messages` reads them anew: appending to that list saves nothing."""

    def __init__(
        self,
        session_id: str,
        *,
        database: DatabaseSession | None = None,
        organization: UUID | str | None = None,
    ) -> None:
        super().__init__()
        self.session_id = session_id
        self._place = Place(database, organization)

    @property
    def messages(self) -> list[BaseMessage]:  # type: ignore[override]  # LangChain's own example does this
        """The messages in their order."""
        with self._place.reading() as session:
            texts = AgentItemRepository(session, KIND).newest(self.session_id)
        return messages_from_dict([json.loads(text) for text in texts])

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Add messages at the end, all or none."""
        texts = [dumped(message_to_dict(message), "messages") for message in messages]
        with self._place.writing() as session:
            AgentItemRepository(session, KIND).append(self.session_id, texts)

    def clear(self) -> None:
        """Remove every message."""
        with self._place.writing() as session:
            AgentItemRepository(session, KIND).clear(self.session_id)

    async def aget_messages(self) -> list[BaseMessage]:
        """Return the messages in their order."""
        return await in_thread(lambda: self.messages)

    async def aadd_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Add messages at the end, all or none."""
        await in_thread(self.add_messages, messages)

    async def aclear(self) -> None:
        """Remove every message."""
        await in_thread(self.clear)
