"""Handlers: what a room does when something has happened elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass

from procur.db import Session
from procur.events.event import Event
from procur.events.facts import Fact

React = Callable[[Session, Event], None]


@dataclass(frozen=True, slots=True)
class Handler:
    """A reaction to facts of these types (none: all), as part of a consumer group.

    It runs in one transaction with the note that the group has taken the fact in, so its writes happen
    once. Slow or outside work (mail, HTTP, a model) is asked for as a job there, never done there.
    """

    group: str
    types: frozenset[str]
    react: React

    def wants(self, event: Event) -> bool:
        """Say whether this handler is for the event."""
        return not self.types or event.type in self.types


def on(*facts: type[Fact], group: str) -> Callable[[React], Handler]:
    """Make a function a handler of these facts; `on(group="…")` alone hears every fact."""
    types = frozenset(fact.__name__ for fact in facts)
    return lambda react: Handler(group, types, react)
