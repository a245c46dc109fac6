"""The relay: tells Celery's workers which jobs are due, again and again until somebody has taken them.

It reads the jobs' rows and remembers nothing that matters. Few messages wait in Redis at a time, so that
order and fairness between organisations are the database's, and a flushed Redis is full again at once.
"""

import threading
import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from procur.core.backoff import pause_after
from procur.core.errors import Unavailable
from procur.core.logs import get_logger
from procur.db import DatabaseSession
from procur.db.repositories import ClaimRepository, DueJob, Queues
from procur.db.wake import Wake
from procur.jobs.keeping import reap_all
from procur.jobs.schedules import fire_due
from procur.workers.celery_app import publisher
from procur.workers.celery_settings import CelerySettings

WINDOW = 100  # messages that wait in one queue at most
AGAIN = 30.0  # seconds after which a job that is still ready is told again
_JUST_TAKEN = 1.0  # seconds in which a worker turns a message into a claim
_WHILE_MUCH_WAITS = 0.05
_PAUSES = (0.1, 2.0)  # seconds after the first and at most after later failures


class Relay:
    """Publishes due jobs from a thread of its own. Several may run: a message too many does no harm."""

    def __init__(
        self,
        database: DatabaseSession,
        queues: Queues,
        settings: CelerySettings | None = None,
        *,
        wake: Wake | None = None,
        window: int = WINDOW,
        again: float = AGAIN,
        interval: float = 2.0,
    ) -> None:
        """`wake` tells that something was asked for; the relay looks every `interval` seconds anyway."""
        self._database, self._queues = database, queues
        self._own_wake, self._wake = wake is None, wake or Wake(database)
        self._app: Celery = publisher(settings)
        # The relay tries again itself; here it wants to know at once.
        self._app.conf.broker_transport_options |= {"max_retries": 1, "interval_start": 0.05}
        self._window, self._again, self._interval = window, again, interval
        # When each waiting job was told, and since when it waited then.
        self._told: dict[str, dict[UUID, tuple[float, datetime]]] = {name: {} for name in queues.names}
        self._served: dict[str, UUID] = {}  # in each queue the organisation told of last
        self._connection: Any = None
        self._reaps_at, self._stopping = 0.0, threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> Self:
        """Start the thread."""
        if self._thread is not None:
            raise RuntimeError("this relay runs already")
        if self._own_wake:
            self._wake.start()
        self._thread = threading.Thread(target=self._run, name="procur-relay", daemon=True)
        self._thread.start()
        return self

    def stop(self, timeout: float = 5.0) -> bool:
        """Stop the thread; say whether it has stopped within so many seconds."""
        self._stopping.set()
        self._wake.ring()
        if self._own_wake:
            self._wake.stop()
        if self._thread is not None:
            self._thread.join(timeout)
            if self._thread.is_alive():
                return False
        self._hang_up()
        return True

    def publish(self) -> int:
        """Send a message for jobs that are due, as many as the queues have room for; return how many wait.

        Unavailable: Redis or the database does not answer; nothing is lost by that.
        """
        return sum(self._publish())

    # ------------------------------------------------------------------------------------------------------

    def _publish(self) -> tuple[int, int]:
        """Return how many messages have waited and how many were sent now."""
        try:
            if self._connection is None:
                self._connection = self._app.connection_for_write()
            waiting = self._waiting(self._connection.default_channel)
            rooms = {name: self._room(name, number) for name, number in waiting.items()}
            chosen = [job for name, room in rooms.items() if room > 0 for job in self._due(name, room)]
            if chosen:
                self._send(chosen)
        except (OperationalError, RedisError, OSError) as error:
            self._hang_up()
            raise Unavailable(f"Celery's Redis does not answer: {error}") from error
        return sum(waiting.values()), len(chosen)

    def _run(self) -> None:
        failures = idle = 0
        while not self._stopping.is_set():
            seen = self._wake.seen()
            self._keep_house()
            try:
                waiting, sent = self._publish()
            except Exception as error:  # noqa: BLE001 - whatever it is, jobs must go on being told
                failures += 1
                _complain(error)
                self._stopping.wait(pause_after(failures, first=_PAUSES[0], longest=_PAUSES[1]))
                continue
            failures, idle = 0, 0 if sent else idle + 1
            pause = self._interval
            if waiting or sent:
                self._stopping.wait(_WHILE_MUCH_WAITS)
                pause = pause_after(idle, first=_WHILE_MUCH_WAITS, longest=pause)
            if idle:
                self._wake.wait(seen, pause)

    def _keep_house(self) -> None:
        """Free jobs whose worker went away, and make the jobs of schedules that are due.

        Whatever goes wrong with that, jobs that are due are told.
        """
        if time.monotonic() < self._reaps_at:
            return
        self._reaps_at = time.monotonic() + self._interval
        try:
            reap_all(self._database)
            fire_due(self._database)
        except Exception as error:  # noqa: BLE001 - tried again in a moment
            _complain(error)

    def _waiting(self, channel: Any) -> dict[str, int]:
        """Return how many messages wait in each queue."""
        pipe = channel.client.pipeline()
        for name in self._queues.names:
            pipe.llen(name)
        return dict(zip(self._queues.names, pipe.execute(), strict=True))

    def _room(self, queue: str, waiting: int) -> int:
        """Return how many messages the queue takes; forget those that nobody has acted upon."""
        # With none waiting, what was told has been taken or was lost; either way the rows know.
        oldest = time.monotonic() - (self._again if waiting else min(_JUST_TAKEN, self._again))
        told = self._told[queue]
        self._told[queue] = {key: each for key, each in told.items() if each[0] > oldest}
        return self._window - waiting

    def _due(self, queue: str, room: int) -> Sequence[DueJob]:
        told = self._told[queue]
        only = Queues((queue,), self._queues.kinds)
        with self._database.system_session(read_only=True) as session:
            found = ClaimRepository(session).due(only, room + len(told), after=self._served)
        # One that was taken and waits again, because it failed or was handed back, is told again.
        fresh = [job for job in found if told.get(job.id, (0.0, None))[1] != job.updated_at][:room]
        if fresh:
            self._served[queue] = fresh[-1].organization_id
        return fresh

    def _send(self, jobs: Iterable[DueJob]) -> None:
        with self._app.amqp.Producer(self._connection, auto_declare=False) as producer:
            for job in jobs:
                arguments = (str(job.organization_id), str(job.id))
                self._app.send_task(job.kind, arguments, queue=job.queue, producer=producer)
                self._told[job.queue][job.id] = time.monotonic(), job.updated_at

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.release()


def _complain(error: Exception) -> None:
    """Write what went wrong: what will pass in a line, everything else with its trace."""
    logger = get_logger("procur.jobs")
    if isinstance(error, Unavailable):
        logger.warning("relay interrupted", error=str(error))
    else:
        logger.error("relay failed", error=str(error), exc_info=error)
