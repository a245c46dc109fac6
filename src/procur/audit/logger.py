"""Security events in a file and in the database: what is acknowledged is in both, or waits for the second."""

import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from procur.audit import reading
from procur.audit.documented import DocumentedEvents
from procur.audit.events import entry_of, event_of
from procur.audit.lines import Event, LineFile, line_of
from procur.audit.owners import refuse_another
from procur.audit.spool import Replayed, Spool
from procur.core.clock import Clock, SystemClock
from procur.core.errors import Conflict, InvalidInput, ProcurError, Unavailable
from procur.core.ids import IdSource, uuid7
from procur.db import DatabaseSession, Session, get_db_session
from procur.db.repositories import AuditRepository
from procur.db.repositories.base import bounded
from procur.db.tenancy import as_uuid, required_organization_id

_LOG = logging.getLogger(__name__)
_OFF = {"0", "false", "no", "off"}
_AT_ONCE = 500  # waiting events that one call of log_event moves on
_SLOW = 0.5  # seconds; a database that takes longer to fail is left alone for ten times as long
_LONGEST_REST = 30.0
_ALL = 1 << 31
_SAME = ("action", "event_category", "severity", "user_id", "event_data")  # of an event recorded again


class _Reused(Conflict):
    """An id under which another event is recorded."""


class AuditLogger(DocumentedEvents):
    """Records events in a daily file of JSON lines and in the audit trail, under one id.

    When `log_event` returns, the line is on the disk, and the row is committed or waits in the spool until
    the database is back. Personal data and secrets are redacted first. `log_dir` defaults to
    PROCUR_AUDIT_LOG_DIR, else "logs/audit"; `use_database` to USE_DATABASE, else true. Events belong to
    `organization` (the default one unless named). Given a `db_session`, the row is part of its transaction
    and stands or falls with it; inside an open transaction on SQLite that is the only way that does not wait.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] | None = None,
        use_database: bool | None = None,
        db_session: Session | DatabaseSession | None = None,
        *,
        database: DatabaseSession | None = None,
        organization: UUID | str | None = None,
        clock: Clock | None = None,
        ids: IdSource | None = None,
    ) -> None:
        self.log_dir = Path(log_dir or os.environ.get("PROCUR_AUDIT_LOG_DIR") or "logs/audit")
        if use_database is None:
            use_database = os.environ.get("USE_DATABASE", "true").strip().lower() not in _OFF
        if not isinstance(db_session, Session | DatabaseSession | None):
            raise InvalidInput(
                f"db_session must be a Session or a DatabaseSession, not {type(db_session).__name__}",
                field="db_session",
            )
        self.use_database = use_database
        self.spool = Spool(self.log_dir / "spool")
        self._database = db_session if isinstance(db_session, DatabaseSession) else database
        self._session = db_session if isinstance(db_session, Session) else None
        self._organization = organization
        self._organization_id = as_uuid(organization)  # of a slug: known once the database has answered
        self._clock = clock or SystemClock()
        self._ids = ids or uuid7
        self._lock = threading.Lock()
        self._file: LineFile | None = None
        self._rests_until = 0.0
        self._counts: Counter[str] = Counter()
        self._trouble: str | None = None

    def log_event(
        self,
        event_type: str,
        details: Mapping[str, Any] | None = None,
        user_id: object = None,
        severity: str = "info",
        event_category: str | None = None,
        *,
        ip_address: str | None = None,
        user_agent: str | None = None,
        description: str | None = None,
        event_id: UUID | str | None = None,
    ) -> UUID:
        """Record one event and return its id.

        InvalidInput names a field that cannot be stored, Unavailable says that the folder cannot be written;
        in both cases nothing is recorded. A database that is away is no error: the event waits. Recording an
        `event_id` again adds a line to the file and nothing to the database. NotFound, for an organisation
        that does not exist, and Conflict, for an `event_id` that names another event, come after the line is
        written.
        """
        event = event_of(
            event_type=event_type,
            details=details,
            user_id=user_id,
            severity=severity,
            event_category=event_category,
            ip_address=ip_address,
            user_agent=user_agent,
            description=description,
            id=self._ids() if event_id is None else event_id,
            created_at=self._clock.now(),
            **self._owner(),
        )
        try:
            self._record(event)
        except OSError as error:
            raise Unavailable(
                f"the audit log cannot be written: {error.strerror or error}",
                hint=f"check the disk and the rights of {self.log_dir}",
            ) from error
        return UUID(event["id"])

    def replay(self) -> Replayed:
        """Move every waiting event into the database, those it refused before included."""
        self._rests_until = 0.0
        return self._note(self.spool.replay(self._store, rejected=True))

    def get_recent_events(
        self, limit: int = 100, severity: str | None = None, event_type: str | None = None
    ) -> list[Event]:
        """Return the last events of the files, newest first, however many days they go back."""
        return reading.recent(
            self.log_dir, bounded(limit, most=_ALL), severity=severity, event_type=event_type
        )

    def get_stats(self) -> dict[str, Any]:
        """Return what today's file holds, what waits, and what this process has done.

        `warnings` counts events that the database could not take at once, `last_problem` says why.
        """
        path = self._path(self._clock.today().isoformat())
        return {
            **reading.totals(path),
            "log_file": str(path),
            "waiting": self.spool.count(),
            "rejected": self.spool.count_rejected(),
            "stored": self._counts["stored"],
            "replayed": self._counts["replayed"],
            "warnings": self._counts["warnings"],
            "last_problem": self._trouble,
        }

    def close(self) -> None:
        """Close the file; the next event opens it again."""
        with self._lock:
            if self._file is not None:
                self._file.close()

    def _record(self, event: Event) -> None:
        line = line_of(event)
        self._file_of(event["timestamp"][:10]).append(line)
        if not self.use_database:
            return
        if self._session is not None:
            if not self._try(self._join, event):
                self.spool.add(line)
            return
        # While events wait, new ones queue behind them; then all that can go on goes on.
        queue = not self.spool.is_empty()
        resting = time.monotonic() < self._rests_until
        if not (queue or resting) and self._try(self._store_new, event):
            return
        self.spool.add(line)
        if resting:
            self._counts["warnings"] += 1
        elif queue:
            self._note(self.spool.replay(self._store, most=_AT_ONCE))

    def _try(self, store: Callable[[list[Event]], int], event: Event) -> bool:
        try:
            store([event])
        except ProcurError as failure:
            if not isinstance(failure, Unavailable | Conflict) or isinstance(failure, _Reused):
                raise
            self._warn(failure.message)
        except Exception as failure:  # noqa: BLE001 - whatever goes wrong there, the event waits
            self._warn(str(failure))
        else:
            self._counts["stored"] += 1
            return True
        return False

    def _join(self, events: list[Event]) -> int:
        """Write the events into the caller's transaction."""
        if self._session is None:
            return 0
        with self._session.begin_nested():
            return _write(self._session, events)

    def _owner(self) -> dict[str, Any]:
        """Return whose events these are, by name and, as far as that is known, by key."""
        if self._session is None:
            return {"organization": self._organization, "organization_id": self._organization_id}
        info = self._session.info
        return {
            "organization": info.get("organization") or self._organization,
            "organization_id": info.get("organization_id") or self._organization_id,
        }

    def _store_new(self, events: list[Event]) -> int:
        """Write what has just happened, and remember the key of the organisation that it belongs to."""
        with self._timed():
            database = self._database or get_db_session()
            with database.get_session(self._organization_id or self._organization) as session:
                new = _write(session, events)
                self._organization_id = required_organization_id(session)
            return new

    def _store(self, events: list[Event]) -> int:
        """Write events of one organisation that have waited; return how many were not there already.

        NotAllowed where they may belong to another organisation than the one that has its name by now.
        """
        name, key = events[0].get("organization"), as_uuid(events[0].get("organization_id"))
        with self._timed():
            database = self._database or get_db_session()
            with database.get_session(key or name) as session:
                refuse_another(session, name or database.config.default_organization, key, events)
                return _write(session, events)

    @contextmanager
    def _timed(self) -> Iterator[None]:
        """Give a database that takes long to fail a rest."""
        started = time.monotonic()
        try:
            yield
        except Exception:
            taken = time.monotonic() - started
            if taken > _SLOW:
                self._rests_until = time.monotonic() + min(10 * taken, _LONGEST_REST)
            raise

    def _note(self, result: Replayed) -> Replayed:
        self._counts["replayed"] += result.moved
        if result.stopped_by is not None:
            self._warn(result.stopped_by)
        return result

    def _warn(self, problem: str) -> None:
        if problem != self._trouble:
            _LOG.warning("audit events wait in %s: %s", self.spool.folder, problem)
        self._counts["warnings"] += 1
        self._trouble = problem

    def _path(self, day: str) -> Path:
        return self.log_dir / f"{reading.PREFIX}{day}.jsonl"

    def _file_of(self, day: str) -> LineFile:
        path = self._path(day)
        with self._lock:
            if self._file is None or self._file.path != path:
                if self._file is not None:
                    self._file.close()
                self._file = LineFile(path)
            return self._file


def _write(session: Session, events: list[Event]) -> int:
    """Append the events that are not there yet and return how many they were."""
    trail = AuditRepository(session)
    new = 0
    for event in events:
        entry = entry_of(event)
        known = trail.get_by_id(entry["id"])
        if known is None:
            new += 1
            trail.log_action(**entry)
        elif any(getattr(known, name) != entry[name] for name in _SAME):
            raise _Reused(f"the id {entry['id']} names another event", field="event_id")
    return new


_logger: AuditLogger | None = None
_logger_lock = threading.Lock()


def get_audit_logger() -> AuditLogger:
    """Return the process's logger, set up from the environment at first use."""
    global _logger  # noqa: PLW0603 - one per process
    with _logger_lock:
        if _logger is None:
            _logger = AuditLogger()
        return _logger
