"""When keys were used, and how often: counted in memory, written now and then, never in anybody's way."""

import threading
import time
from collections import Counter
from uuid import UUID

from procur.core.errors import NotFound, ProcurError
from procur.core.logs import get_logger
from procur.db import DatabaseSession
from procur.db.repositories import ApiKeyRepository

EVERY = 60.0  # seconds between two notes of one key


class KeyUses:
    """The uses of keys in this process that the database does not know of yet."""

    def __init__(self, database: DatabaseSession) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._waiting: Counter[UUID] = Counter()
        self._written: dict[UUID, float] = {}

    def note(self, key: UUID) -> None:
        """Count one request; write what was counted if that was not done for a while."""
        with self._lock:
            self._waiting[key] += 1
            now = time.monotonic()
            if now - self._written.get(key, -EVERY) < EVERY:
                return
            self._written[key] = now
            uses = self._waiting.pop(key)
        self._write(key, uses)

    def flush(self) -> None:
        """Write all that was counted; the process ends."""
        with self._lock:
            waiting, self._waiting = self._waiting, Counter()
        for key, uses in waiting.items():
            self._write(key, uses)

    def _write(self, key: UUID, uses: int) -> None:
        try:
            with self._database.system_session() as session:
                ApiKeyRepository(session).touch(key, uses)
        except NotFound:
            return  # the key is gone, and with it who would want to know
        except ProcurError as error:  # it can wait: nobody is refused because a count could not be written
            get_logger("procur.web").warning("uses of a key not noted", error=error.message)
            with self._lock:
                self._waiting[key] += uses
