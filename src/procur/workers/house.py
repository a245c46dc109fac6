"""Everything that one process runs besides answering: jobs, facts, schedules."""

import time
from collections.abc import Iterable, Mapping, Sequence

from procur.core.errors import Unavailable
from procur.db import DatabaseSession
from procur.db.wake import Wake
from procur.events.handlers import Handler
from procur.events.transport import make_bus
from procur.jobs.worker import Worker
from procur.workers.planning import Planning
from procur.workers.tasks import QUEUES, tasks
from procur.workers.tools import Tools


class House:
    """A worker with all tasks and a bus with all handlers, on one database; Redis carries facts if named."""

    def __init__(
        self,
        database: DatabaseSession,
        tools: Tools,
        handlers: Iterable[Handler],
        *,
        queues: Sequence[str] = QUEUES,
        threads: int = 4,
        lease: float = 30.0,
        limits: Mapping[str, int] | None = None,
    ) -> None:
        """Take what to do; `limits` says how many jobs of a queue run at once on all machines together."""
        self.queues = tuple(queues)
        self.tasks = tasks(tools)
        self._planning = Planning(database)
        self._wake = Wake(database)  # one listener for both
        self.worker = Worker(
            database,
            self.tasks,
            queues=queues,
            threads=threads,
            lease=lease,
            limits=limits,
            clock=tools.clock,
            wake=self._wake,
        )
        self._bus = make_bus(database, handlers, wake=self._wake)
        self._started = False

    def start(self) -> None:
        """Begin to work; organisations that lack schedules get them, now and every hour."""
        self._planning.start()
        self._wake.start()
        self._bus.start()
        self.worker.start()
        self._started = True

    def check(self) -> None:
        """Raise Unavailable when threads have ended or hang: what they did is not done any more."""
        if not self._started:
            raise Unavailable("the workers have not started yet")
        if self.worker.hung():
            raise Unavailable("every thread is held by a job that takes too long", hint="start anew")
        if gone := self.worker.ended() + self._bus.ended():
            raise Unavailable("does not run: " + ", ".join(gone), hint="the log says why; start anew")

    def stop(self, timeout: float = 8.0) -> bool:
        """End within so many seconds; False when jobs were still at work: they are left to others."""
        until = time.monotonic() + timeout
        ended = self.worker.stop(timeout)
        stopped = self._bus.stop(max(1.0, until - time.monotonic()))
        self._wake.stop()
        self._planning.stop()
        return ended and stopped
