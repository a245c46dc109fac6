"""A process of the outage runs: jobs and facts in threads, or the relay beside Celery's workers.

python outage_worker.py threads|celery        celery -A outage_worker worker
"""

import os
import sys
import time
from typing import Any

import chains

from procur.core import logs
from procur.db import DatabaseSession
from procur.db.repositories import Queues
from procur.events.bus import Bus
from procur.jobs.worker import Worker
from procur.workers.tasks import QUEUES

LEASE = 3.0


def database() -> DatabaseSession:
    """Return the database of the run."""
    return DatabaseSession(os.environ["PROCUR_DB_URL"])


def threads() -> list[Any]:
    """Return a worker and a bus."""
    worker = Worker(database(), (chains.steps(),), queues=("negotiation",), threads=4, lease=LEASE)
    return [worker, Bus(database(), chains.handlers())]


def celery() -> list[Any]:
    """Return the relay and the bus that Redis carries."""
    from procur.events.transport import make_bus
    from procur.workers.relay import Relay

    wanted = Queues(QUEUES, (chains.STEP.name,))
    return [Relay(database(), wanted, interval=1.0, again=5.0), make_bus(database(), chains.handlers())]


def __getattr__(name: str) -> Any:
    if name != "app":
        raise AttributeError(name)
    from procur.workers.celery_app import worker_app

    made = globals()["app"] = worker_app(lambda: (database(), (chains.steps(),)), lease=LEASE)
    return made


if __name__ == "__main__":
    logs.configure()
    for part in {"threads": threads, "celery": celery}[sys.argv[1]]():
        part.start()
    parent = os.getppid()
    while os.getppid() == parent:  # gone with the run, also when that was killed
        time.sleep(0.2)
    os._exit(0)
