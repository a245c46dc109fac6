"""What one process runs beside Celery's workers: the relay of jobs, and the facts' bus."""

import time
from collections.abc import Iterable, Sequence

from procur.db import DatabaseSession
from procur.db.repositories import Queues
from procur.db.wake import Wake
from procur.events.handlers import Handler
from procur.events.transport import make_bus
from procur.workers.planning import Planning
from procur.workers.relay import Relay
from procur.workers.tasks import QUEUES, tasks
from procur.workers.tools import Tools


class RelayHouse:
    """Tells Celery which jobs are due and the rooms what has happened; does no job itself."""

    def __init__(
        self,
        database: DatabaseSession,
        tools: Tools,
        handlers: Iterable[Handler],
        *,
        queues: Sequence[str] = QUEUES,
    ) -> None:
        """Take what to tell; NotConfigured without a broker."""
        kinds = tuple(task.kind.name for task in tasks(tools))
        self._planning = Planning(database)
        self._wake = Wake(database)  # one listener for both
        self._relay = Relay(database, Queues(tuple(queues), kinds), wake=self._wake)
        self._bus = make_bus(database, handlers, wake=self._wake)

    def start(self) -> None:
        """Begin to tell; organisations that lack schedules get them, now and every hour."""
        self._planning.start()
        self._wake.start()
        self._bus.start()
        self._relay.start()

    def stop(self, timeout: float = 8.0) -> bool:
        """End within so many seconds; say whether everything has ended."""
        until = time.monotonic() + timeout
        ended = self._relay.stop(timeout / 2)
        stopped = self._bus.stop(max(1.0, until - time.monotonic()))
        self._wake.stop()
        self._planning.stop()
        return ended and stopped
