"""Run by Alembic: which database, which models, how new revisions are written down."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection, Enum

import procur.db  # noqa: F401 - registers the tables
from procur.db.base import Base
from procur.db.config import DatabaseConfig
from procur.db.engine import build_engine
from procur.db.migrate import is_modelled
from procur.db.types import Cost, Json, Money, UtcDateTime

# A revision must not change when our own types do, so it names SQLAlchemy's.
_FROZEN = {
    Money: 'sa.Numeric(18, 4).with_variant(sa.BigInteger(), "sqlite")',
    Cost: 'sa.Numeric(18, 10).with_variant(sa.BigInteger(), "sqlite")',
    Json: 'sa.JSON().with_variant(postgresql.JSONB(), "postgresql")',
    UtcDateTime: "sa.DateTime(timezone=True)",
}


def _render(kind: str, item: Any, autogen: Any) -> str | Literal[False]:
    """Write Procur's types as the plain ones they stand for."""
    if kind != "type":
        return False
    if isinstance(item, Json):
        autogen.imports.add("from sqlalchemy.dialects import postgresql")
    if isinstance(item, Enum):
        return f"sa.String({item.length})"
    return _FROZEN.get(type(item), False)


def _run(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        # Rather fail than stand in the way of everybody who wants to read.
        connection.exec_driver_sql("SET LOCAL lock_timeout = '10s'")
        connection.exec_driver_sql("SET LOCAL statement_timeout = '15min'")
        # Revisions move rows of all organisations, and the owner is behind the wall too.
        connection.exec_driver_sql("SET LOCAL procur.every = 'on'")
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_item=_render,
        include_name=is_modelled,
        render_as_batch=connection.dialect.name == "sqlite",
        transactional_ddl=True,
        transaction_per_migration=False,
    )
    context.run_migrations()


def _main() -> None:
    given: Connection | None = context.config.attributes.get("connection")
    if given is not None:
        _run(given)
        return
    with build_engine(DatabaseConfig()).begin() as connection:
        _run(connection)


_main()
