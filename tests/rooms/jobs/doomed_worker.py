"""A worker process of its own, to be killed: python doomed_worker.py URL LEASE."""

import sys
import threading
import time
from typing import Any

import sums

from procur.db import DatabaseSession
from procur.jobs.task import Work
from procur.jobs.worker import Worker


def think(work: Work, _payload: sums.Add) -> Any:
    work.step("bought", lambda: {"attempt": work.attempt})
    time.sleep(0.02)


if __name__ == "__main__":
    database = DatabaseSession(sys.argv[1])
    worker = Worker(database, [sums.adding(think, kind=sums.LASTING)], threads=2, lease=float(sys.argv[2]))
    worker.start()
    print("working", flush=True)  # noqa: T201 - the test waits for it
    threading.Event().wait()
