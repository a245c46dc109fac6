"""Which bus carries facts: the database's own, or Redis Streams where a Redis is named for them."""

from collections.abc import Iterable
from typing import Protocol, Self

from procur.core.errors import NotConfigured
from procur.db import DatabaseSession
from procur.db.wake import Wake
from procur.events.bus import Bus
from procur.events.handlers import Handler
from procur.events.redis_settings import URL, EventsRedisSettings


class AnyBus(Protocol):
    """What carries facts to consumer groups from threads of its own."""

    def start(self) -> Self:
        """Start the threads."""

    def ended(self) -> list[str]:
        """Return the names of the threads that do not run, though they should."""

    def stop(self, timeout: float = 5.0) -> bool:
        """Stop them; say whether all have stopped within so many seconds."""


def make_bus(database: DatabaseSession, handlers: Iterable[Handler], *, wake: Wake | None = None) -> AnyBus:
    """Return the bus that the environment asks for, not started."""
    settings = EventsRedisSettings()
    if settings.url is None:
        return Bus(database, handlers, wake=wake)
    try:
        from procur.events.redis_bus import RedisBus
    except ModuleNotFoundError as error:
        if error.name != "redis":
            raise
        raise NotConfigured(
            f"{URL} is set, but redis is not installed", hint="pip install 'procur[redis]'"
        ) from error
    return RedisBus(database, handlers, settings, wake=wake)
