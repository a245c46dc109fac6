"""Conversations of people and agents: what was said, kept where the rest of the company's data is."""

from procur.conversations.memory import ConversationMemory, get_conversation_memory
from procur.conversations.window import Window

__all__ = ["ConversationMemory", "Window", "get_conversation_memory"]
