"""Brings a database to the schema of this version, with the Alembic tree that ships in the package."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, inspect, text

from procur.core.errors import Unavailable
from procur.db.base import SCHEMA_VERSION, Base

if TYPE_CHECKING:
    from alembic.config import Config

_TREE = Path(__file__).parent / "migrations"
_LOCK = 7_306_930_221  # any number, the same in every Procur: PostgreSQL's advisory lock for schema changes


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Run the migrations that are missing; does nothing, and costs nothing, when there are none."""
    make_file(engine)
    found = current(engine)
    if revision == "head" and found == SCHEMA_VERSION:
        return
    refuse_newer(found)
    from alembic import command

    _run(engine, lambda config: command.upgrade(config, revision))


def downgrade(engine: Engine, revision: str = "base") -> None:
    """Undo migrations, by default all of them, with the data in their tables."""
    refuse_newer(current(engine))
    from alembic import command

    _run(engine, lambda config: command.downgrade(config, revision))


def refuse_newer(version: str | None) -> None:
    """Raise Unavailable when this package does not know the revision that the database is at."""
    if version is None or version == SCHEMA_VERSION:
        return
    from alembic.script import ScriptDirectory

    if version not in {one.revision for one in ScriptDirectory.from_config(_config()).walk_revisions()}:
        raise Unavailable(
            f"the database was made by a newer Procur (schema {version}; this one knows {SCHEMA_VERSION})",
            hint="install that Procur, or restore a backup",
        )


def make_file(engine: Engine) -> None:
    """Make a SQLite file that is missing so that only its owner may read it; the log beside it inherits that.

    A file that is there keeps its mode: whoever opened it to others had a reason.
    """
    path = engine.url.database
    if engine.dialect.name != "sqlite" or not path or path == ":memory:" or path.startswith("file:"):
        return
    # Where it cannot be made, opening it says why.
    with suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def current(engine: Engine) -> str | None:
    """Return the revision the database is at, None when it has no Procur schema."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        version: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return version


def head() -> str:
    """Return the newest revision in the package."""
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def check(engine: Engine) -> list[Any]:
    """Return the differences between the models and the database; none are wanted."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True, "include_name": is_modelled}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata))


def is_modelled(name: str | None, kind: str, _parents: object) -> bool:
    """Say whether the models know this; full text search has its own tables and indexes on each database."""
    return kind not in {"table", "index"} or not (name or "").startswith("search_")


def lock(connection: Connection) -> None:
    """Wait for any other process that changes this PostgreSQL schema."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def _config(connection: Connection | None = None) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_TREE).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _run(engine: Engine, step: Callable[["Config"], None]) -> None:
    """Run one step in one transaction, alone."""
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            with connection.begin():
                lock(connection)
                step(_config(connection))
            return
        # Rebuilding a table would cascade; SQLite only heeds the switch outside a transaction.
        raw = connection.connection.cursor()
        raw.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                step(_config(connection))
                if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                    raise Unavailable(f"the migration would leave dangling references in {broken[0]}")
        finally:
            raw.execute("PRAGMA foreign_keys=ON")
            raw.close()
