"""Procur's database under four agent libraries; each adapter loads its library only when it is asked for."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from procur.conversations.adapters.langchain import ProcurChatMessageHistory
    from procur.conversations.adapters.langgraph import ProcurSaver
    from procur.conversations.adapters.openai_agents import ProcurSession
    from procur.conversations.adapters.pydantic_ai import ProcurConversationStore

__all__ = ["ProcurChatMessageHistory", "ProcurConversationStore", "ProcurSaver", "ProcurSession"]

_HOMES = {
    "ProcurChatMessageHistory": "langchain",
    "ProcurConversationStore": "pydantic_ai",
    "ProcurSaver": "langgraph",
    "ProcurSession": "openai_agents",
}


def __getattr__(name: str) -> Any:
    """Load the adapter of this name, and with it its library."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
