"""What every command starts from: the folder, the database, who is acting, and how to answer."""

import functools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from procur.audit.seal import seal_waiting
from procur.core.actor import Actor
from procur.core.clock import Clock, SteppingClock, SystemClock
from procur.core.context import Cause, because_of, current_cause
from procur.core.errors import InvalidInput, NotFound, ProcurError, Unavailable
from procur.db import DatabaseSession, Session
from procur.db.config import DatabaseConfig
from procur.db.repositories import AuditRepository
from procur.documents.settings import FOLDER, DocumentSettings, store_from
from procur.documents.store import DocumentStore, LocalStore
from procur.identity.service import actor_for, unattended
from procur.web.correlation import new_correlation

DEFAULT_HOME = Path()


@dataclass
class Workspace:
    """One folder with its database and documents, seen by one person."""

    home: Path
    as_json: bool = False
    who: str | None = None
    organization: str | None = None
    clock: Clock = field(default_factory=SystemClock)
    ids: Callable[[], Any] | None = None
    # Names what this command does as the cause of its jobs and facts. Not as what they belong to: the chain
    # of a purchase is named by its request, over many commands.
    command_id: str = field(default_factory=lambda: f"command {new_correlation()}")
    # The demo's database is its own file, whatever the environment says.
    embedded: bool = False
    _database: DatabaseSession | None = None
    _store: DocumentStore | None = None
    _opened: list[DatabaseSession] = field(default_factory=list)
    _unsealed: bool = False

    @property
    def database(self) -> DatabaseSession:
        """The open database; says what to do when there is none."""
        if self._database is None:
            database = self.connect()
            database.check_schema()
            self._database = database
        return self._database

    @property
    def config(self) -> DatabaseConfig:
        """Where the database is."""
        if self.embedded:
            return DatabaseConfig(f"sqlite:///{self.home / 'procur.db'}")
        return database_config(self.home)

    def connect(self) -> DatabaseSession:
        """Return the database whatever its schema; says what to do when there is none."""
        config = self.config
        path = config.sqlalchemy_url.database
        if config.sqlalchemy_url.get_backend_name() == "sqlite" and not Path(path or "").exists():
            raise NotFound(
                f"There is no Procur database at {path}",
                hint="run `procur init` here, name the folder with --home, or set PROCUR_DB_URL",
            )
        database = DatabaseSession(config)
        self._opened.append(database)
        return database

    def use(self, database: DatabaseSession) -> None:
        """Use this open database."""
        self._opened.append(database)
        self._database = database

    def close(self) -> None:
        """Seal what this command has written to the trail, and close what it has opened."""
        self.seal()
        for database in self._opened:
            database.close()

    @property
    def store(self) -> DocumentStore:
        """Where contracts and orders are kept."""
        if self._store is None:
            local = LocalStore(self.home / FOLDER)
            self._store = local if self.embedded else store_from(DocumentSettings(), self.home)
        return self._store

    @contextmanager
    def session(self, *, read_only: bool = False) -> Iterator[Session]:
        """One transaction of this organisation, committed at the end; `read_only` blocks no writer.

        What it writes is caused by this command; to what it belongs (a request) it says itself.
        """
        with (
            because_of(self._cause()),
            self.database.get_session(
                self.organization, read_only=read_only, ids=self.ids, clock=self.clock
            ) as session,
        ):
            yield session
        self._unsealed = self._unsealed or AuditRepository(session).has_written()

    def to_seal(self) -> None:
        """Note that work done for this command has written to the trail, in sessions of its own."""
        self._unsealed = True

    def _cause(self) -> Cause:
        """Return what causes what is done now; where ids are repeatable, nothing random comes in."""
        cause = current_cause()
        if cause.causation_id is not None or self.ids is not None:
            return cause
        return replace(cause, causation_id=self.command_id)

    def seal(self) -> None:
        """Seal the audit entries that this command has committed.

        The command has done its work by now, so it does not fail where this does: what is not sealed waits
        for the next command or for `procur audit seal`, and `procur audit verify` counts it.
        """
        if not self._unsealed:
            return
        try:
            seal_waiting(self.session)
        except Unavailable:
            return  # busy or gone: nothing that anybody has to do
        except ProcurError as error:
            click.echo(f"The audit entries of this command are not sealed: {error.message}", err=True)
        self._unsealed = False

    def actor(self, session: Session, permission: str | None = None) -> Actor:
        """Return the person who runs this command; NotAllowed if their role lacks the permission."""
        if self.who is None and permission == "audit.read" and (alone := unattended(session)):
            return alone
        person = actor_for(session, email=self.who)
        if permission is not None:
            person.require(permission)
        return person

    def require(self, permission: str) -> None:
        """Refuse at once, before a step reads files or asks anybody anything."""
        with self.session() as session:
            self.actor(session, permission)

    def show(self, told: dict[str, Any], view: Callable[[Console, dict[str, Any]], None]) -> None:
        """Answer as JSON, or let `view` print the same values for a person."""
        if self.as_json:
            click.echo(json.dumps(told, ensure_ascii=False, indent=2, default=str))
        else:
            view(console(), told)


@functools.cache
def console() -> Console:
    """Return the terminal, through rich."""
    return Console(highlight=False)


def workspace_command(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command its Workspace and the options that all commands share."""

    @click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
    @click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
    @click.option(
        "--home",
        type=click.Path(file_okay=False, path_type=Path),
        default=DEFAULT_HOME,
        envvar="PROCUR_HOME",
        show_envvar=True,
        help="The folder with procur.db and documents/ (default: this folder).",
    )
    @click.option("--as", "who", envvar="PROCUR_USER", show_envvar=True, help="Your e-mail address.")
    @click.option(
        "--organization", envvar="PROCUR_ORGANIZATION", show_envvar=True, help="Slug of the organisation."
    )
    @functools.wraps(function)
    def command(
        *, as_json: bool, home: Path, who: str | None, organization: str | None, **options: Any
    ) -> None:
        workspace = Workspace(home.absolute(), as_json, who, organization)
        try:
            function(workspace, **options)
        finally:
            workspace.close()

    return command


def database_config(home: Path) -> DatabaseConfig:
    """Return the database that the environment names, else the file procur.db in the folder."""
    config = DatabaseConfig()
    if config.url is None and config.sqlalchemy_url.get_backend_name() == "sqlite":
        return DatabaseConfig(database=str(home / "procur.db"))
    return config


def simulated_clock(as_of: date) -> SteppingClock:
    """Return a clock that starts at nine o'clock UTC and moves a second each time it is read."""
    return SteppingClock(datetime.combine(as_of, time(9), UTC), timedelta(seconds=1))


def read_pairs(given: tuple[str, ...], *, option: str) -> dict[str, str]:
    """Read an option of the form field=text, as often as it was given."""
    pairs = {}
    for one in given:
        name, equals, text = one.partition("=")
        if not equals or not name.strip() or not text.strip():
            raise InvalidInput(f"--{option} is field=text, not {one!r}", field=option)
        pairs[name.strip()] = text.strip()
    return pairs


def read_date(value: str | None, *, field_name: str) -> date | None:
    """Read an ISO date typed by the user."""
    if value is None:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise InvalidInput(
            f"{field_name} must be a date such as 2026-12-31, not {value!r}", field=field_name
        ) from error
