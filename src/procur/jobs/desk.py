"""What one worker holds at the moment: jobs that wait for a thread, jobs at work, jobs to note as done."""

import threading
import time
from collections import deque
from collections.abc import Iterable

from procur.db.repositories import ClaimedJob


class HeldJob:
    """A job under our lease. `lost` says that nothing may be written for it any more."""

    __slots__ = ("claimed_at", "job", "lost", "started_at")

    def __init__(self, job: ClaimedJob) -> None:
        self.job = job
        self.claimed_at = time.monotonic()
        self.started_at: float | None = None
        self.lost = False

    def still_held(self) -> bool:
        """Say whether the lease is held, as far as is known."""
        return not self.lost

    def age(self) -> float:
        """Return for how many seconds the job is at work; 0 while it waits."""
        return 0.0 if self.started_at is None else time.monotonic() - self.started_at


class Desk:
    """Hands jobs from the thread that claims them to those that do them; any thread may call."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[HeldJob] = deque()
        self._running: set[HeldJob] = set()  # a job may be here twice: an attempt that hangs, and a newer one
        self._finished: list[ClaimedJob] = []
        self._broken_off: list[ClaimedJob] = []
        self._closed = False
        self.ended = 0  # jobs that have left, however they ended

    def put(self, jobs: Iterable[ClaimedJob]) -> None:
        """Lay claimed jobs down for the next free threads."""
        taken = list(jobs)
        keys = {job.id for job in taken}
        with self._changed:
            for held in self._running:
                held.lost = held.lost or held.job.id in keys  # another attempt: that one may not write
            self._waiting.extend(map(HeldJob, taken))
            self._changed.notify_all()

    def take(self) -> HeldJob | None:
        """Wait for a job to do; None when there is none any more."""
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            if not self._waiting:
                return None
            held = self._waiting.popleft()
            held.started_at = time.monotonic()
            self._running.add(held)
            return held

    def leave(self, held: HeldJob) -> None:
        """Note that a thread is through with a job."""
        with self._changed:
            self._running.discard(held)
            self.ended += 1
            self._changed.notify_all()

    def finish_later(self, job: ClaimedJob) -> None:
        """Remember a job that is done but not noted yet."""
        with self._changed:
            self._finished.append(job)

    def finished(self) -> list[ClaimedJob]:
        """Take the jobs to note as done."""
        with self._changed:
            taken, self._finished = self._finished, []
            return taken

    def break_off(self, job: ClaimedJob) -> None:
        """Remember a job that is to be handed back as soon as the database answers."""
        with self._changed:
            self._broken_off.append(job)

    def broken_off(self) -> list[ClaimedJob]:
        """Take the jobs to hand back."""
        with self._changed:
            taken, self._broken_off = self._broken_off, []
            return taken

    def held(self) -> list[HeldJob]:
        """Return every job whose lease is to be kept."""
        with self._changed:
            noted = [HeldJob(job) for job in self._finished]
            return [*self._waiting, *self._running, *noted]

    def running(self) -> list[HeldJob]:
        """Return the jobs that threads are at."""
        with self._changed:
            return list(self._running)

    def counts(self) -> tuple[int, int, int]:
        """Return how many wait, are at work, are to be noted."""
        return len(self._waiting), len(self._running), len(self._finished)

    def stale(self, seconds: float) -> list[ClaimedJob]:
        """Take back the jobs that have waited so long for a thread that others should have them."""
        with self._changed:
            if not self._waiting or time.monotonic() - self._waiting[0].claimed_at < seconds:
                return []
            return self._cleared()

    def close(self) -> list[ClaimedJob]:
        """Let threads end after what they are at; return the jobs that nobody has begun."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            return self._cleared()

    def wait_until_empty(self, seconds: float) -> bool:
        """Wait until no thread is at work; say whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._running, seconds)

    def _cleared(self) -> list[ClaimedJob]:
        jobs = [held.job for held in self._waiting]
        self._waiting.clear()
        return jobs
