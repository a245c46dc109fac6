"""A worker: one thread claims jobs in batches, some do them, one keeps their leases, one keeps house."""

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from procur.core.clock import Clock, SystemClock
from procur.core.errors import InvalidInput, Unavailable
from procur.core.logs import get_logger
from procur.db import DatabaseSession
from procur.db.repositories import ClaimedJob, Queues
from procur.db.wake import Wake
from procur.jobs.claiming import Claimer
from procur.jobs.desk import Desk, HeldJob
from procur.jobs.keeping import LeaseKeeper, keep_house
from procur.jobs.outage import Outage, endless
from procur.jobs.run import execute
from procur.jobs.task import Task

_SYSTEM_CLOCK = SystemClock()
_LONGEST_CLAIM = 5.0  # seconds that stopping waits for a claim that is under way
_TO_HAND_BACK = 1.0  # seconds that stopping keeps for telling the database what was not finished


class Worker:
    """Does the jobs of some queues in so many threads, from `start` to `stop`.

    Everything is kept in the database: a worker that is killed leaves its jobs to the others as soon as their
    leases have run out. Kinds of work it does not know it leaves to others: versions may run side by side.
    """

    def __init__(
        self,
        database: DatabaseSession,
        tasks: Iterable[Task[Any]],
        *,
        queues: Sequence[str] = ("default",),
        threads: int = 4,
        lease: float = 30.0,
        limits: Mapping[str, int] | None = None,
        clock: Clock = _SYSTEM_CLOCK,
        wake: Wake | None = None,
        schedules: bool = True,
    ) -> None:
        """Take what to do. `lease`: seconds; `limits`: how many jobs of a queue all machines run at once.

        `wake` is one that listens already; else the worker has its own.
        """
        _check(database, queues, threads, lease)
        self.name = f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._tasks = {task.kind.name: task for task in tasks}
        self._database = database
        self._clock = clock
        # Its own connections: leases are kept and jobs claimed even when tasks use up all others.
        self._control = database if database.config.in_memory else DatabaseSession(database.config)
        self._own_wake = wake is None
        self._wake = wake or Wake(self._control)
        self._desk = Desk()
        self._outage = Outage()
        self._stopping = threading.Event()
        self._stopped = threading.Event()
        wanted = Queues(tuple(queues), tuple(self._tasks), dict(limits or {}))
        self._claimer = Claimer(
            self._control, wanted, self._desk, worker=self.name, threads=threads, lease=lease
        )
        self._keeper = LeaseKeeper(self._control, self._desk, self._tasks, threads=threads, lease=lease)
        house = partial(keep_house, self._control, self._wake, schedules=schedules)
        self._claiming = self._thread(
            "claims", partial(self._claimer.run, self._wake, self._stopping, self._outage)
        )
        self._keeping = [
            self._thread("leases", partial(self._keeper.run, self._stopped, self._outage)),
            self._thread("house", partial(house, self._stopping, self._outage)),
        ]
        self._doing = [
            threading.Thread(target=self._do_jobs, name=f"procur-job-{number}", daemon=True)
            for number in range(threads)
        ]

    def start(self) -> None:
        """Begin to claim and do jobs."""
        self._wake.listen(self._claimer.pulse.set)
        if self._own_wake:
            self._wake.start()
        for thread in (*self._doing, self._claiming, *self._keeping):
            thread.start()

    def stop(self, timeout: float = 10.0) -> bool:
        """Claim nothing more, hand back what was not begun, let the rest finish; say whether all has ended.

        What is still at work after so many seconds is handed back too: it may go on, but writes nothing.
        """
        until = time.monotonic() + timeout
        self._stopping.set()
        self._claimer.pulse.set()
        self._hand_back(self._desk.close())
        reserve = min(_TO_HAND_BACK, timeout / 2)
        ended = self._desk.wait_until_empty(timeout - reserve)
        left = self._desk.running()
        for held in left:
            held.lost = True
        self._claiming.join(max(0.1, min(_LONGEST_CLAIM, until - time.monotonic() - reserve)))
        handing = self._hand_back([*self._desk.close(), *(held.job for held in left)])
        handing.join(max(_TO_HAND_BACK, until - time.monotonic()))
        if handing.is_alive():
            get_logger("procur.jobs").warning("nothing could be handed back, the leases run out instead")
        self._stopped.set()
        self._wake.unlisten(self._claimer.pulse.set)
        if self._own_wake:
            self._wake.stop()
        for thread in (*self._keeping, *(self._doing if ended else ())):
            thread.join(max(0.1, until - time.monotonic()))
        self._close()
        return ended

    def ended(self) -> list[str]:
        """Return the names of the threads that do not run, though they should."""
        threads = () if self._stopping.is_set() else (*self._doing, self._claiming, *self._keeping)
        return [thread.name for thread in threads if not thread.is_alive()]

    def hung(self) -> bool:
        """Say whether jobs that take too long hold every thread: then only a new process helps."""
        return self._keeper.hung()

    def idle(self) -> bool:
        """Say whether nothing is claimed, at work or to be noted."""
        return not any(self._desk.counts())

    def _do_jobs(self) -> None:
        """Do one job after the other until the desk is closed."""
        while (held := self._desk.take()) is not None:
            try:
                if not held.lost:
                    self._do(held)
            except Unavailable as error:
                self._outage.began(error)
                self._desk.break_off(held.job)  # done again, unless its commit has arrived
            except BaseException as error:  # noqa: BLE001 - a thread that ended would be missed for ever
                get_logger("procur.jobs").error("job broke off", job_id=held.job.id, exc_info=error)
            finally:
                self._desk.leave(held)
                self._claimer.pulse.set()

    def _do(self, held: HeldJob) -> None:
        execute(
            self._database,
            self._tasks[held.job.kind],
            held.job,
            clock=self._clock,
            still_held=held.still_held,
            finish_later=self._desk.finish_later,
        )

    def _hand_back(self, jobs: list[ClaimedJob]) -> threading.Thread:
        """Hand jobs back in a thread of its own: a database that does not answer holds up nobody."""

        def work() -> None:
            self._claimer.give_back(jobs, self._outage)
            if self._stopped.is_set():
                self._close()  # nobody has waited

        thread = threading.Thread(target=work, name="procur-returns", daemon=True)
        thread.start()
        return thread

    def _close(self) -> None:
        if self._control is not self._database:
            self._control.close()

    def _thread(self, name: str, work: Callable[[], None]) -> threading.Thread:
        """Return a thread that begins again after every failure until the worker has stopped."""
        target = endless(work, self._stopped, self._outage)
        return threading.Thread(target=target, name=f"procur-{name}", daemon=True)


def _check(database: DatabaseSession, queues: Sequence[str], threads: int, lease: float) -> None:
    places = database.config.pool_size + database.config.max_overflow
    if not 1 <= threads <= places:
        raise InvalidInput(
            f"threads must be from 1 to {places}, the connections of the pool",
            field="threads",
            hint="raise PROCUR_DB_POOL_SIZE for more",
        )
    if not lease > 0:
        raise InvalidInput("lease must be a number of seconds above 0", field="lease")
    if not queues:
        raise InvalidInput("name at least one queue", field="queues")
