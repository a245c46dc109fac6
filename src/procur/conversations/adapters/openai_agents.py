"""OpenAI Agents: a session whose items are rows of the company's database."""

import json
from uuid import UUID

from procur.conversations.adapters.place import Place, dumped, in_thread, missing
from procur.db import DatabaseSession
from procur.db.repositories import AgentItemRepository

try:
    from agents import SessionSettings, TResponseInputItem
    from agents.memory.session_settings import resolve_session_limit
except ModuleNotFoundError as error:
    raise missing("openai-agents", "openai-agents") from error

KIND = "openai_agents"


class ProcurSession:
    """The `Session` protocol of OpenAI Agents, as `Runner.run(agent, prompt, session=...)` takes it.

    Items come back exactly as they were given, in the order they were added, from any process. Several
    writers may add at once: the items of one call stay together and none is lost.
    """

    def __init__(
        self,
        session_id: str,
        *,
        database: DatabaseSession | None = None,
        organization: UUID | str | None = None,
        session_settings: SessionSettings | None = None,
    ) -> None:
        self.session_id = session_id
        self.session_settings: SessionSettings | None = session_settings or SessionSettings()
        self._place = Place(database, organization)

    async def get_items(self, limit: int | None = None) -> list[TResponseInputItem]:
        """Return the newest `limit` items in their order; all if neither it nor the settings limit them."""
        wanted = resolve_session_limit(limit, self.session_settings)
        if wanted is not None and wanted < 0:  # the library's own sessions return all then
            wanted = None
        return [json.loads(text) for text in await in_thread(self._read, wanted)]

    async def add_items(self, items: list[TResponseInputItem]) -> None:
        """Add items at the end, all or none."""
        if items:
            await in_thread(self._append, [dumped(item, "items") for item in items])

    async def pop_item(self) -> TResponseInputItem | None:
        """Remove and return the newest item, None when there is none."""
        text = await in_thread(self._pop)
        item: TResponseInputItem | None = None if text is None else json.loads(text)
        return item

    async def clear_session(self) -> None:
        """Remove every item."""
        await in_thread(self._clear)

    def _read(self, limit: int | None) -> list[str]:
        with self._place.reading() as session:
            return AgentItemRepository(session, KIND).newest(self.session_id, limit)

    def _append(self, texts: list[str]) -> None:
        with self._place.writing() as session:
            AgentItemRepository(session, KIND).append(self.session_id, texts)

    def _pop(self) -> str | None:
        with self._place.writing() as session:
            return AgentItemRepository(session, KIND).pop(self.session_id)

    def _clear(self) -> None:
        with self._place.writing() as session:
            AgentItemRepository(session, KIND).clear(self.session_id)
