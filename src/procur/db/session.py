"""Sessions: one transaction each, bound to one organisation, committed at the edge."""

import asyncio
import functools
import os
import sys
import threading
import weakref
from collections.abc import AsyncIterator, Generator, Iterable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import PendingRollbackError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, SessionTransaction, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

from procur.core.clock import Clock
from procur.core.errors import Conflict, InvalidInput, Unavailable
from procur.core.ids import IdSource
from procur.db import migrate
from procur.db.base import SCHEMA_VERSION, Base
from procur.db.config import DatabaseConfig, configuration
from procur.db.engine import EVERY, SCOPE, build_engine
from procur.db.failures import READ_ONLY
from procur.db.filters import check_mappings, check_objects, fill_and_check, keep_inside
from procur.db.tenancy import (
    across,
    check_reference,
    crosses_organizations,
    find_organization,
    resolve,
)

_ENDS_ITSELF = "ends_itself"


class _Session(Session):
    """SQLAlchemy's session, which also takes SQL as plain text, as the documented health check gives it."""

    def execute(self, statement: Any, *args: Any, **kwargs: Any) -> Any:
        return super().execute(text(statement) if isinstance(statement, str) else statement, *args, **kwargs)

    def bulk_insert_mappings(self, mapper: Any, mappings: Iterable[dict[str, Any]], *args: Any) -> None:
        """Insert rows without objects, each of which has to name the session's organisation."""
        rows = list(mappings)
        check_mappings(self, mapper, rows)
        super().bulk_insert_mappings(mapper, rows, *args)

    def bulk_update_mappings(self, mapper: Any, mappings: Iterable[dict[str, Any]]) -> None:
        """Update rows without objects, each of which has to name the session's organisation."""
        rows = list(mappings)
        check_mappings(self, mapper, rows)
        super().bulk_update_mappings(mapper, rows)

    def bulk_save_objects(self, objects: Iterable[object], *args: Any, **kwargs: Any) -> None:
        """Write objects past the unit of work, after the same look at their organisation."""
        rows = list(objects)
        check_objects(self, rows)
        super().bulk_save_objects(rows, *args, **kwargs)

    def close(self) -> None:
        """Give the connection back; after `next(get_db())` commit first, unless an error is on its way."""
        try:
            if self.info.get(_ENDS_ITSELF) and self.is_active and sys.exception() is None:
                self.commit()
        finally:
            super().close()


class SessionScope(Generator[Session, None, None], AbstractContextManager[Session]):
    """One transaction, both as `with get_session() as session` and as `Depends(get_session)`.

    FastAPI drives generators, people write `with`; a plain generator or `@contextmanager` serves only one.
    For FastAPI it is an asynchronous generator: requests beyond the pool's size wait on the event loop. As a
    plain generator they would wait in the few threads that others need to finish (64 clients on a pool of 8
    stood still).
    """

    def __init__(self, session: Session, admission: "_Admission | None" = None) -> None:
        self._session: Session | None = session
        self._handed_out = False
        self._admission = admission
        self._place: asyncio.Semaphore | None = None

    def __enter__(self) -> Session:
        if self._session is None or self._handed_out:
            raise RuntimeError("a session scope is entered once; call get_session() again")
        self._handed_out = True
        return self._session

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        session, self._session = self._session, None
        if session is None:
            return
        try:
            if error is None:
                session.commit()
            else:
                session.rollback()
        except PoolTimeout as failure:
            raise _exhausted() from failure
        except PendingRollbackError as failure:
            raise Conflict(
                "nothing was written: an earlier step of this transaction was refused by the database",
                hint="try steps that may be refused inside `with session.begin_nested():`",
            ) from failure
        finally:
            session.close()
        if isinstance(error, PoolTimeout):
            raise _exhausted() from error

    def send(self, _value: None) -> Session:
        """Hand the session out, then, when asked again, commit."""
        if not self._handed_out:
            return self.__enter__()
        self.__exit__(None, None, None)
        raise StopIteration

    def throw(self, typ: Any, val: Any = None, tb: TracebackType | None = None) -> Session:
        """Roll back and pass the error on."""
        error = typ if isinstance(typ, BaseException) else (val or typ())
        self.__exit__(type(error), error, tb)
        raise error

    def close(self) -> None:
        """Roll back when the generator is dropped half-way."""
        self.__exit__(GeneratorExit, GeneratorExit(), None)

    def __del__(self) -> None:
        """Let the session end itself when it was taken by `next(get_db())`: nobody holds this scope then."""
        if self._handed_out and self._session is not None:
            self._session.info[_ENDS_ITSELF] = True

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Session:
        if self._handed_out:
            await self._leave(None)
            raise StopAsyncIteration
        if self._admission is not None:
            place = self._admission.of_running_loop()
            await place.acquire()
            self._place = place
        return self.__enter__()

    async def athrow(self, typ: Any, val: Any = None, _tb: TracebackType | None = None) -> Session:
        """Roll back and pass the error on."""
        error = typ if isinstance(typ, BaseException) else (val or typ())
        await self._leave(error)
        raise error

    async def aclose(self) -> None:
        """Roll back when the generator is dropped half-way."""
        await self._leave(GeneratorExit())

    async def _leave(self, error: BaseException | None) -> None:
        """Commit or roll back off the event loop; a cancelled request must not cancel its own rollback."""
        leave = functools.partial(self.__exit__, None if error is None else type(error), error, None)
        try:
            await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, leave))
        finally:
            place, self._place = self._place, None
            if place is not None:
                place.release()


class _Admission:
    """Lets as many requests at once to a database as its pool has connections, per event loop."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._loops: weakref.WeakKeyDictionary[Any, asyncio.Semaphore] = weakref.WeakKeyDictionary()

    def of_running_loop(self) -> asyncio.Semaphore:
        """Return the running loop's places."""
        return self._loops.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(self._size))


def _exhausted() -> Unavailable:
    return Unavailable("all database connections are in use", hint="try again, or raise PROCUR_DB_POOL_SIZE")


class DatabaseSession:
    """A database and its sessions. Nothing is opened before the first use."""

    def __init__(self, config: DatabaseConfig | str | None = None, **settings: Any) -> None:
        """Take a configuration, or a URL (also as `database_url`) and single settings such as pool_size."""
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._organizations: dict[UUID | str, UUID] = {}
        self.config = configuration(config, **settings)

    @property
    def config(self) -> DatabaseConfig:
        """The connection settings; setting others closes what was open."""
        return self._config

    @config.setter
    def config(self, config: DatabaseConfig) -> None:
        self.close()
        self._config = config
        self._admission = _Admission(config.pool_size + config.max_overflow)

    @property
    def engine(self) -> Engine:
        """The engine, made at first use."""
        with self._lock:
            if self._engine is None:
                self._engine = build_engine(self._config)
                self._sessions = _session_maker(self._engine)
                _forget_after_fork(self)
            return self._engine

    def get_session(
        self,
        organization: UUID | str | None = None,
        *,
        read_only: bool = False,
        ids: IdSource | None = None,
        clock: Clock | None = None,
    ) -> SessionScope:
        """Open a session of one organisation (id or slug; the configured default if none is named)."""
        if organization == EVERY:
            raise InvalidInput("no organisation is called '*'", field="organization")
        return self._open(organization, read_only=read_only, ids=ids, clock=clock)

    def system_session(self, *, read_only: bool = False) -> SessionScope:
        """Open a session that sees every organisation: sign-in, workers and operators only."""
        return self._open(EVERY, read_only=read_only, ids=None, clock=None)

    def _open(
        self, organization: UUID | str | None, *, read_only: bool, ids: IdSource | None, clock: Clock | None
    ) -> SessionScope:
        check_reference(organization)
        engine = self.engine
        session = self._sessions()
        session.bind = engine.execution_options(**{READ_ONLY: read_only, SCOPE: session.info})
        session.info.update(
            organization=organization,
            organization_id=self._organizations.get(organization or self._config.default_organization),
            default_organization=self._config.default_organization,
            organization_cache=self._organizations,
            read_only=read_only,
            ids=ids,
            clock=clock,
        )
        return SessionScope(session, self._admission)

    def session_scope(self) -> SessionScope:
        """Open a session of the default organisation (the documented name of `get_session`)."""
        return self.get_session()

    def create_all(self) -> None:
        """Do `create_all_tables` (a documented name)."""
        self.create_all_tables()

    def drop_all(self) -> None:
        """Do `drop_all_tables` (a documented name)."""
        self.drop_all_tables()

    def health_check(self) -> bool:
        """Do `check_connection` (a documented name)."""
        return self.check_connection()

    def create_all_tables(self, *, ids: IdSource | None = None, clock: Clock | None = None) -> None:
        """Migrate the database to this version's schema and make sure the default organisation exists.

        `ids` and `clock` make that organisation repeatable (demo and replay).
        """
        migrate.upgrade(self.engine)
        self._organizations.clear()
        self.ensure_default_organization(ids=ids, clock=clock)

    def drop_all_tables(self) -> None:
        """Drop every table of Procur, with everything in them."""
        migrate.downgrade(self.engine)
        self._organizations.clear()

    def ensure_default_organization(self, *, ids: IdSource | None = None, clock: Clock | None = None) -> None:
        """Create the organisation that sessions without a named one belong to."""
        with self.engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                migrate.lock(connection)  # two processes that start together would both insert
            if find_organization(connection, self._config.default_organization) is None:
                slug = self._config.default_organization
                values: dict[str, Any] = {"name": slug.title(), "slug": slug}
                if ids is not None:
                    values["id"] = ids()
                if clock is not None:
                    values["created_at"] = values["updated_at"] = clock.now()
                with across(connection):
                    connection.execute(Base.metadata.tables["organizations"].insert().values(**values))

    def check_schema(self) -> None:
        """Raise Unavailable unless the database has exactly the schema of this version."""
        found = migrate.current(self.engine.execution_options(**{READ_ONLY: True}))
        if found == SCHEMA_VERSION:
            return
        if found is None:
            raise Unavailable("the database has no Procur schema", hint="run: procur db upgrade")
        migrate.refuse_newer(found)
        raise Unavailable(
            f"the database has schema version {found}, this Procur needs {SCHEMA_VERSION}",
            hint="take a backup, then run: procur db upgrade",
        )

    def check_connection(self) -> bool:
        """Say whether the database answers."""
        try:
            with self.engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except Unavailable:
            return False
        return True

    def leave_to_the_parent(self) -> None:
        """Forget the pooled connections without closing them: after a fork they are the parent's."""
        self._lock = threading.Lock()
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.dispose(close=False)

    def close(self) -> None:
        """Close every pooled connection; what a thread still uses is closed when it comes back."""
        engine, self._engine = self._engine, None
        if engine is not None:
            event.listen(engine.pool, "checkin", _close_record)
            engine.dispose()
        self._organizations.clear()


def _close_record(_connection: object, record: ConnectionPoolEntry) -> None:
    record.invalidate()


def _session_maker(engine: Engine) -> sessionmaker[_Session]:
    maker = sessionmaker(engine, class_=_Session, expire_on_commit=False)
    event.listen(maker, "after_begin", _enter)
    event.listen(maker, "do_orm_execute", keep_inside)
    event.listen(maker, "before_flush", fill_and_check)
    return maker


def _enter(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    """Enter the session's organisation where BEGIN could not: its key was not known yet."""
    if transaction.nested:
        return  # a savepoint: its transaction has entered
    if "organization" in session.info and not crosses_organizations(session):
        resolve(session, connection)


_opened: "weakref.WeakSet[DatabaseSession]" = weakref.WeakSet()


def _forget_after_fork(database: DatabaseSession) -> None:
    """Let a forked child open connections of its own: two processes on one socket mix their transactions."""
    if not _opened and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_leave_to_the_parent)
    _opened.add(database)


def _leave_to_the_parent() -> None:
    for database in list(_opened):
        database.leave_to_the_parent()


_default: DatabaseSession | None = None
_default_lock = threading.Lock()


def init_db(
    config: DatabaseConfig | str | None = None,
    *,
    create_tables: bool = False,
    ids: IdSource | None = None,
    clock: Clock | None = None,
    **settings: Any,
) -> DatabaseSession:
    """Choose the process's database; with `create_tables` bring its schema up to date first.

    A database in memory starts empty, so it gets its tables in any case.
    """
    global _default
    database = DatabaseSession(config, **settings)
    if create_tables or database.config.in_memory:
        database.create_all_tables(ids=ids, clock=clock)
    else:
        database.check_schema()
        database.ensure_default_organization()
    with _default_lock:
        previous, _default = _default, database
    if previous is not None:
        previous.close()
    return database


def get_db_session() -> DatabaseSession:
    """Return the process's database: the one given to `init_db`, else the one the environment names."""
    global _default  # noqa: PLW0603 - see init_db
    with _default_lock:
        if _default is None:
            _default = DatabaseSession()
        return _default


async def _sessions() -> AsyncIterator[Session]:
    """Stand for `get_session` in FastAPI's eyes: an asynchronous generator without parameters.

    Without parameters, because FastAPI would read an `organization` argument from the query string.
    """
    yield Session()  # pragma: no cover - never run


@functools.wraps(_sessions)
def get_session(
    organization: UUID | str | None = None,
    *,
    read_only: bool = False,
    ids: IdSource | None = None,
    clock: Clock | None = None,
) -> SessionScope:
    """Open a session of one organisation; commit when the block ends well, roll back when it does not.

    In FastAPI use `Depends(get_session, scope="function")`, so that a failed commit answers 500 and not 200.
    """
    return get_db_session().get_session(organization, read_only=read_only, ids=ids, clock=clock)


def system_session(*, read_only: bool = False) -> SessionScope:
    """Open a session that sees every organisation."""
    return get_db_session().system_session(read_only=read_only)
