"""Who waits for jobs and facts is told when some are written. Only a hint: whoever waits looks as well.

In this process a signal goes off after the commit. Other processes hear of it by LISTEN/NOTIFY on PostgreSQL;
on SQLite by the counter that each connection keeps of what others have committed.
"""

import os
import select
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

from sqlalchemy import event, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from procur.core.errors import ProcurError
from procur.db.session import DatabaseSession

CHANNEL = "procur"
_TRANSACTION = "announced"
_NOTIFY = text(f"SELECT pg_notify('{CHANNEL}', :by)")
_LOOK_EVERY = 0.005  # seconds between two looks at SQLite's counter
_TRY_AGAIN = 1.0  # seconds before a broken connection is opened anew
_LISTEN_FOR = 0.25  # seconds; how long stopping may take at most

_signals: "dict[tuple[int, str], _Signal]" = {}
_signals_lock = threading.Lock()


class _Signal:
    """A number that grows, and threads that wait until it has."""

    def __init__(self) -> None:
        self.condition = threading.Condition()
        self.number = 0
        self.name = uuid4().hex  # tells this process's own notifications: it has heard of those already
        self.calls: list[Callable[[], None]] = []

    def ring(self) -> None:
        with self.condition:
            self.number += 1
            self.condition.notify_all()
            calls = list(self.calls)
        for call in calls:
            call()


def _signal(url: str) -> _Signal:
    """Return this process's signal for a database; a forked child has its own."""
    with _signals_lock:
        return _signals.setdefault((os.getpid(), url), _Signal())


def announce(session: Session) -> None:
    """Tell those who wait, once this transaction is committed; call it where jobs or facts are written."""
    transaction = session.get_transaction()
    if transaction is not None and session.info.get(_TRANSACTION) is transaction:
        return
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(_NOTIFY, {"by": _signal(str(connection.engine.url)).name})
    if _TRANSACTION not in session.info:
        event.listen(session, "after_commit", _ring)
    session.info[_TRANSACTION] = session.get_transaction()


def _ring(session: Session) -> None:
    if session.info.get(_TRANSACTION) is None or session.in_nested_transaction():
        return
    session.info[_TRANSACTION] = None
    _signal(str(session.get_bind().engine.url)).ring()


class Wake:
    """Waits for jobs and facts of one database. One thread listens from `start` to `stop`."""

    def __init__(self, database: DatabaseSession, *, hints: bool = True) -> None:
        """Take the database; without `hints` only the signals of this process are heard."""
        self._database = database
        self._hints = hints and not database.config.in_memory
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._signal = _signal(str(database.engine.url))

    def start(self) -> None:
        """Begin to listen to other processes."""
        if self._hints:
            lite = self._database.engine.dialect.name == "sqlite"
            work = self._watch_sqlite if lite else self._listen_to_postgres
            self._thread = threading.Thread(target=self._keep, args=(work,), name="procur-wake", daemon=True)
            self._thread.start()

    def listen(self, call: Callable[[], None]) -> None:
        """Have this called, quickly and from any thread, whenever something was written."""
        with self._signal.condition:
            self._signal.calls.append(call)

    def unlisten(self, call: Callable[[], None]) -> None:
        """Call this no more."""
        with self._signal.condition:
            if call in self._signal.calls:
                self._signal.calls.remove(call)

    def stop(self) -> None:
        """Stop listening; whoever waits goes on."""
        self._stopping.set()
        self._signal.ring()
        if self._thread is not None:
            self._thread.join(2 * _LISTEN_FOR)

    def seen(self) -> int:
        """Return the number to wait from; take it before looking for work."""
        return self._signal.number

    def wait(self, seen: int, timeout: float) -> int:
        """Wait until something was written since `seen`, or so many seconds; return the new number."""
        with self._signal.condition:
            self._signal.condition.wait_for(lambda: self._signal.number != seen, timeout)
            return self._signal.number

    def ring(self) -> None:
        """Wake up everybody of this process who waits for this database."""
        self._signal.ring()

    def _keep(self, work: Any) -> None:
        """Go on listening, with a new connection when the old one breaks."""
        while not self._stopping.is_set():
            try:
                with suppress(ProcurError, SQLAlchemyError):
                    work()
            except Exception as error:
                # A connection of the driver's own is not told apart by SQLAlchemy.
                if type(error).__module__.partition(".")[0] not in {"psycopg", "psycopg2", "sqlite3"}:
                    raise
            self._stopping.wait(_TRY_AGAIN)

    def _listen_to_postgres(self) -> None:
        raw = self._database.engine.raw_connection()
        try:
            driver: Any = raw.driver_connection
            raw.detach()  # no place of the pool is taken for good
            driver.autocommit = True
            driver.cursor().execute(f"LISTEN {CHANNEL}")
            self._signal.ring()  # what was written while nobody listened
            while not self._stopping.is_set():
                if _notified(driver, _LISTEN_FOR, but=self._signal.name):
                    self._signal.ring()
        finally:
            raw.close()

    def _watch_sqlite(self) -> None:
        raw = self._database.engine.raw_connection()
        try:
            raw.detach()
            cursor = raw.cursor()
            known = None
            while not self._stopping.is_set():
                found = cursor.execute("PRAGMA data_version").fetchone()[0]
                if found != known:
                    known = found
                    self._signal.ring()
                time.sleep(_LOOK_EVERY)
        finally:
            raw.close()


def _notified(driver: Any, seconds: float, *, but: str) -> bool:
    """Wait for a notification on a driver's connection, say whether one is not from `but`."""
    if callable(driver.notifies):
        return any(one.payload != but for one in driver.notifies(timeout=seconds, stop_after=1))
    select.select([driver], [], [], seconds)  # psycopg2
    driver.poll()
    heard = any(one.payload != but for one in driver.notifies)
    driver.notifies.clear()
    return heard
