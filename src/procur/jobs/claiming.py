"""The thread that claims: notes what is done and takes what is next, many jobs in one transaction."""

import threading
import time
from uuid import uuid4

from procur.core.errors import ProcurError
from procur.core.metrics import count_claims
from procur.db import DatabaseSession
from procur.db.repositories import ClaimedJob, ClaimRepository, Lease, Queues
from procur.db.wake import Wake
from procur.jobs.desk import Desk
from procur.jobs.outage import Outage
from procur.jobs.pace import Pace
from procur.jobs.turns import Turns

POLL = 1.0  # seconds between two looks for jobs when nobody tells of any
_STALE = 1.0  # seconds a claimed job may wait for a thread before others get it
_MANY = 100  # finished jobs that are noted at once, whatever else there is to do
_FLUSH = 0.02  # seconds before finished jobs are noted, when no claim goes with it
_BUSY = 0.05  # seconds before what is due but not to be had is asked for again, twice as long each time
_MOST_DOUBLINGS = 5
_BREATH = 0.005  # seconds until the next claim when one has got all there was


class Claimer:
    """Keeps the desk filled from the database. `pulse` makes it look again."""

    def __init__(
        self,
        database: DatabaseSession,
        wanted: Queues,
        desk: Desk,
        *,
        worker: str,
        threads: int,
        lease: float,
    ) -> None:
        self.pulse = threading.Event()
        self._database = database
        self._turns = Turns(wanted)
        self._desk = desk
        self._worker = worker
        self._threads = threads
        self._lease = lease
        self._pace = Pace(threads)
        self._in_vain = 0  # claims in a row that got none of what was due
        self._ended = 0  # jobs that had ended by the last of them
        self._claim_at = 0.0  # monotonic time at which a claim is worth while

    def run(self, wake: Wake, stopping: threading.Event, outage: Outage) -> None:
        """Work until `stopping`; raises when the database cannot be reached."""
        seen, flush = -1, False
        while not stopping.is_set():
            self.pulse.clear()
            if wake.seen() != seen:
                seen = wake.seen()
                self._look()
            if self._round(flush=flush):
                outage.over()
                flush = False
            else:
                finished = self._desk.counts()[2]
                flush = not self.pulse.wait(_FLUSH if finished else self._until_claim() or POLL)

    def give_back(self, jobs: list[ClaimedJob], outage: Outage) -> bool:
        """Hand jobs back and note what is done; False: no database, and the leases run out instead."""
        noted, jobs = self._desk.finished(), [*jobs, *self._desk.broken_off()]
        if not jobs and not noted:
            return True
        try:
            with self._database.system_session() as session:
                claims = ClaimRepository(session)
                claims.finish_many(noted)
                claims.hand_back(jobs)
        except ProcurError as error:
            outage.began(error)
            return False
        return True

    def _look(self) -> None:
        """Something was written. On SQLite a claim keeps writers out, so look first whether it was a job."""
        self._claim_at = 0.0
        if self._database.engine.dialect.name == "sqlite" and self._desk.counts() == (0, 0, 0):
            with self._database.system_session(read_only=True) as session:
                self._note_due(ClaimRepository(session).due_in(self._turns.wanted))

    def _round(self, *, flush: bool) -> bool:
        """Do one transaction if there is reason to; say whether there was."""
        waiting, running, finished = self._desk.counts()
        if self._in_vain and self._desk.ended != self._ended:
            self._in_vain, self._claim_at = 0, 0.0  # what has ended here may have made room in its queue
        room = self._pace.room(waiting, running, self._desk.ended) if self._until_claim() <= 0 else 0
        stale, broken = self._desk.stale(_STALE), self._desk.broken_off()
        if not (room or stale or broken or (finished and (flush or waiting == 0 or finished >= _MANY))):
            return False
        noted = self._desk.finished()
        try:
            jobs = self._transact(noted, stale + broken, room)
        except BaseException:
            for job in noted:
                self._desk.finish_later(job)
            for job in stale + broken:
                self._desk.break_off(job)
            raise
        if stale:
            self._pace.slow_down()
        if jobs:
            self._turns.remember(jobs)
            self._desk.put(jobs)
            for queue in {job.queue for job in jobs}:
                count_claims(queue, sum(job.queue == queue for job in jobs))
        return True

    def _transact(self, noted: list[ClaimedJob], back: list[ClaimedJob], room: int) -> list[ClaimedJob]:
        with self._database.system_session() as session:
            claims = ClaimRepository(session)
            claims.finish_many(noted)
            claims.hand_back(back)
            if not room:
                return []
            lease = Lease(uuid4(), self._worker, self._lease)
            jobs = claims.claim(self._turns.wanted, room, lease=lease, after=self._turns.after)
            self._claim_at = 0.0
            if jobs:
                self._in_vain = 0
                if len(jobs) < room:  # that was all: let its threads begin before anybody asks again
                    self._claim_at = time.monotonic() + _BREATH
            else:
                # What is due but could not be had is locked, or its queue is full: not at once again.
                self._note_due(claims.due_in(self._turns.wanted), least=_BUSY * 2**self._in_vain)
                self._in_vain, self._ended = min(self._in_vain + 1, _MOST_DOUBLINGS), self._desk.ended
            return jobs

    def _note_due(self, seconds: float | None, *, least: float = 0.0) -> None:
        """Remember when a claim is worth while; at the latest after a pause, whatever hints there are."""
        pause = POLL if seconds is None else min(POLL, max(least, seconds))
        self._claim_at = time.monotonic() + pause

    def _until_claim(self) -> float:
        """Return in how many seconds a claim is worth while."""
        return max(0.0, self._claim_at - time.monotonic())
