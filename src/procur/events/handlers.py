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
    from_beginning: bool = True

    def wants(self, kind: str) -> bool:
        """Say whether this handler is for facts of this type."""
        return not self.types or kind in self.types


def on(*facts: type[Fact], group: str, from_beginning: bool = True) -> Callable[[React], Handler]:
    """Make a function a handler of these facts; `on(group="…")` alone hears every fact.

    A new group gets an organisation's facts from the first one on; without `from_beginning` only those that
    happen once the group is there (mail about what is long past helps nobody).
    """
    types = frozenset(fact.__name__ for fact in facts)
    return lambda react: Handler(group, types, react, from_beginning)
