"""The thread that gives organisations the schedules they lack, wherever jobs are done or told of."""

import threading

from procur.db import DatabaseSession
from procur.jobs.outage import Outage, endless
from procur.workers.schedules import ensure_schedules

_HOUR = 3600.0


class Planning:
    """Looks at the start and every hour: an upgrade may bring schedules, an organisation may lack its own."""

    def __init__(self, database: DatabaseSession, *, every: float = _HOUR) -> None:
        self._database, self._every = database, every
        self._stopped = threading.Event()
        work = endless(self._go_on, self._stopped, Outage())
        self._thread = threading.Thread(target=work, name="procur-planning", daemon=True)

    def start(self) -> None:
        """Plan now, and go on from a thread; what goes wrong now is raised."""
        ensure_schedules(self._database)
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """Plan no more."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _go_on(self) -> None:
        while not self._stopped.wait(self._every):
            ensure_schedules(self._database)
