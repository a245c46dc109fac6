"""A worker: one thread claims jobs in batches, some do them, one keeps their leases, one keeps house."""

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from procur.core.clock import Clock, SystemClock
from procur.core.errors import InvalidInput, ProcurError, Unavailable
from procur.db import DatabaseSession
from procur.db.repositories import ClaimedJob, ClaimRepository, Lease, Queues
from procur.db.wake import Wake
from procur.jobs.desk import Desk, HeldJob
from procur.jobs.pace import Pace
from procur.jobs.run import execute
from procur.jobs.schedules import fire_due
from procur.jobs.task import Task
from procur.jobs.watch import LogWatch, Watch

_log = logging.getLogger("procur.jobs")
_SYSTEM_CLOCK = SystemClock()
_STALE = 1.0  # seconds a claimed job may wait for a thread before others get it
_MANY = 100  # finished jobs that are noted at once, whatever else there is to do
_BUSY = 0.05  # seconds before jobs that are due but not to be had are asked for again
_FLUSH = 0.02  # seconds before finished jobs are noted, when no claim goes with it
_HOUSE = 1.0  # seconds between two looks for lost leases and due schedules
_SHORTEST_PAUSE = 0.1
_LONGEST_PAUSE = 2.0  # seconds between two tries to reach a database that is gone


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
        watch: Watch | None = None,
        hints: bool = True,
        schedules: bool = True,
    ) -> None:
        """Take what to do. `lease`: seconds; `limits`: how many jobs of a queue all machines run at once."""
        self._tasks = {task.kind.name: task for task in tasks}
        _check(database, queues, threads, lease)
        self.name = f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._database = database
        self._wanted = Queues(tuple(queues), tuple(self._tasks), dict(limits or {}))
        self._threads = threads
        self._lease = lease
        self._clock = clock
        self._watch: Watch = watch or LogWatch()
        self._schedules = schedules
        # Its own connections: leases are kept and jobs claimed even when tasks use up all others.
        self._control = database if database.config.in_memory else DatabaseSession(database.config)
        self._wake = Wake(self._control, hints=hints)
        self._desk = Desk()
        self._pace = Pace(threads)
        self._pulse = threading.Event()
        self._stopping = threading.Event()
        self._stopped = threading.Event()
        self._running: list[threading.Thread] = []
        self._doing: list[threading.Thread] = []
        self._after: UUID | None = None
        self._claim_at = 0.0
        self._away = False

    # -- from outside --------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to claim and do jobs."""
        self._wake.listen(self._pulse.set)
        self._wake.start()
        self._running = [
            self._thread(self._keep_going(work), name)
            for name, work in (
                ("claims", self._claims),
                ("leases", self._leases),
                ("house", self._house),
            )
        ]
        self._doing = [self._thread(self._do_jobs, f"job-{number}") for number in range(self._threads)]
        for thread in (*self._doing, *self._running):
            thread.start()

    def stop(self, timeout: float = 10.0) -> bool:
        """Claim nothing more, hand back what was not begun, let the rest finish; say whether all has ended.

        What is still at work after so many seconds is handed back too: it may go on, but writes nothing.
        """
        until = time.monotonic() + timeout
        self._stopping.set()
        self._pulse.set()
        unstarted = self._desk.close()
        self._running[0].join(max(0.1, min(timeout, 5.0)))
        self._give_back(unstarted)
        ended = self._desk.wait_until_empty(max(0.0, until - time.monotonic()))
        left = self._desk.running()
        for held in left:
            held.lost = True
        self._give_back([held.job for held in left])
        self._stopped.set()
        self._wake.stop()
        for thread in (*self._running, *(self._doing if ended else ())):
            thread.join(max(0.1, until - time.monotonic()))
        if self._control is not self._database:
            self._control.close()
        return ended

    def idle(self) -> bool:
        """Say whether nothing is claimed, at work or to be noted."""
        return not any(self._desk.counts())

    # -- claiming ------------------------------------------------------------------------------------------

    def _claims(self) -> None:
        """Note what is done and claim what is next, in one transaction, until the worker stops."""
        seen, waited = -1, True
        while not self._stopping.is_set():
            self._pulse.clear()
            if self._wake.seen() != seen:
                seen = self._wake.seen()
                self._look()
            if not self._round(flush=not waited):
                finished = self._desk.counts()[2]
                waited = self._pulse.wait(_FLUSH if finished else self._until_claim())

    def _look(self) -> None:
        """Something was written. On SQLite a claim keeps writers out, so look first whether it was a job."""
        self._claim_at = 0.0
        if self._control.engine.dialect.name == "sqlite" and self._desk.counts() == (0, 0, 0):
            with self._control.system_session(read_only=True) as session:
                self._note_due(ClaimRepository(session).is_due(self._wanted))

    def _round(self, *, flush: bool) -> bool:
        """Do one transaction if there is reason to; say whether there was."""
        waiting, running, finished = self._desk.counts()
        room = self._pace.room(waiting, running, self._desk.ended) if self._until_claim() <= 0 else 0
        stale = self._desk.stale(_STALE) if running >= self._threads else []
        if not (room or stale or (finished and (flush or waiting == 0 or finished >= _MANY))):
            return False
        noted = self._desk.finished()
        try:
            jobs = self._transact(noted, stale, room)
        except BaseException:
            for job in noted:
                self._desk.finish_later(job)
            raise
        self._recovered()
        if stale:
            self._pace.slow_down()
        if jobs:
            self._after = jobs[-1].organization_id
            self._desk.put(jobs)
        return True

    def _transact(self, noted: list[ClaimedJob], stale: list[ClaimedJob], room: int) -> list[ClaimedJob]:
        with self._control.system_session() as session:
            claims = ClaimRepository(session)
            claims.finish_many(noted)
            claims.hand_back(stale)
            if not room:
                return []
            lease = Lease(uuid4(), self.name, self._lease)
            jobs = claims.claim(self._wanted, room, lease=lease, after=self._after)
            self._claim_at = 0.0
            if not jobs:
                # What is due but could not be had is locked, or its queue is full: not at once again.
                self._note_due(claims.is_due(self._wanted), least=_BUSY)
            return jobs

    def _note_due(self, seconds: float | None, *, least: float = 0.0) -> None:
        """Remember when a claim is worth while; at the latest after a pause, whatever hints there are."""
        pause = _HOUSE if seconds is None else max(least, min(_HOUSE, seconds))
        self._claim_at = time.monotonic() + pause

    def _until_claim(self) -> float:
        """Return in how many seconds a claim is worth while."""
        return max(0.0, self._claim_at - time.monotonic())

    # -- doing ---------------------------------------------------------------------------------------------

    def _do_jobs(self) -> None:
        """Do one job after the other until the desk is closed."""
        while (held := self._desk.take()) is not None:
            try:
                if not held.lost:
                    self._do(held)
            except Unavailable as error:
                self._gone(error)  # its lease runs out, and it is done again unless its commit has arrived
            except BaseException:  # noqa: BLE001 - logged; a thread that ended would be missed for ever
                _log.exception("job %s of kind %s broke off", held.job.id, held.job.kind)
            finally:
                self._desk.leave(held)
                self._pulse.set()

    def _do(self, held: HeldJob) -> None:
        with self._watch.around(held.job):
            outcome = execute(
                self._database,
                self._tasks[held.job.kind],
                held.job,
                clock=self._clock,
                still_held=held.still_held,
                finish_later=self._desk.finish_later,
            )
        self._watch.ended(held.job, outcome, held.age())

    # -- keeping leases and house --------------------------------------------------------------------------

    def _leases(self) -> None:
        """Extend the leases of what is held, a few times before they end, until everything has stopped."""
        extended = time.monotonic()
        while not self._stopped.wait(self._lease / 3):
            keep = [held for held in self._desk.held() if not held.lost and not self._overdue(held)]
            if time.monotonic() - extended > self._lease:
                self._lose(keep)
            with self._control.system_session() as session:
                mine = ClaimRepository(session).extend([held.job for held in keep], self._lease)
            extended = time.monotonic()
            self._lose(held for held in keep if held.job.id not in mine)
            self._recovered()

    def _overdue(self, held: HeldJob) -> bool:
        """Let go of a job that takes longer than its kind may: another attempt will be made of it."""
        if held.age() <= self._tasks[held.job.kind].kind.lasts:
            return False
        _log.warning("job %s of kind %s takes too long: its lease ends", held.job.id, held.job.kind)
        held.lost = True
        return True

    def _lose(self, jobs: Iterable[HeldJob]) -> None:
        for held in jobs:
            held.lost = True

    def _house(self) -> None:
        """Free jobs whose workers went away, and make the jobs of schedules that are due."""
        while True:
            with self._control.system_session() as session:
                freed, dead = ClaimRepository(session).reap()
            if freed or dead:
                _log.warning("leases ran out: %d jobs are ready again, %d are dead", freed, dead)
                self._wake.ring()
            if self._schedules and fire_due(self._control):
                self._wake.ring()
            self._recovered()
            if self._stopping.wait(_HOUSE):
                return

    # ------------------------------------------------------------------------------------------------------

    def _give_back(self, jobs: list[ClaimedJob]) -> None:
        """Hand back what was not done and note what was; without a database the leases run out instead."""
        noted = self._desk.finished()
        if not jobs and not noted:
            return
        try:
            with self._control.system_session() as session:
                claims = ClaimRepository(session)
                claims.finish_many(noted)
                claims.hand_back(jobs)
        except ProcurError as error:
            self._gone(error)

    def _keep_going(self, work: Callable[[], None]) -> Callable[[], None]:
        """Return the work as a thread does it: begun again after every failure, more and more slowly."""

        def keep() -> None:
            pause = _SHORTEST_PAUSE
            while not self._stopped.is_set():
                begun = time.monotonic()
                try:
                    work()
                except ProcurError as error:
                    self._gone(error)
                except Exception:  # noqa: BLE001 - logged; see above
                    _log.exception("the worker's thread failed and begins again")
                else:
                    return
                long = time.monotonic() - begun > _LONGEST_PAUSE
                pause = _SHORTEST_PAUSE if long else min(2 * pause, _LONGEST_PAUSE)
                self._stopped.wait(pause)

        return keep

    def _gone(self, error: ProcurError) -> None:
        if not self._away:
            _log.warning("the database is away, trying again: %s", error.message)
        self._away = True

    def _recovered(self) -> None:
        if self._away:
            _log.warning("the database is back")
        self._away = False

    def _thread(self, target: Callable[[], None], name: str) -> threading.Thread:
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
