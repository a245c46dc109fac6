"""What every table has: the base class, named constraints, keys, times, soft deletion."""

from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    MetaData,
    Uuid,
    text,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from procur.core.ids import uuid7
from procur.db.types import UtcDateTime

# The revision that these models belong to; a test compares it with the newest file in migrations/versions.
# It stands here because asking Alembic would cost every start a third of a second.
SCHEMA_VERSION = "0012"


class Base(DeclarativeBase):
    """Base of all models. Constraints are named, because a nameless one cannot be dropped again on SQLite."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )

    def __repr__(self) -> str:
        """Name the row without its contents, which may be personal."""
        return f"<{type(self).__name__} {self.__dict__.get('id', '(new)')}>"


def utc_now() -> datetime:
    """Return the time now, for rows that no session completes."""
    return datetime.now(UTC)


class Times:
    """When the row came and when it last changed (kept by a database trigger, whoever writes)."""

    created_at: Mapped[datetime] = mapped_column(UtcDateTime(), default=utc_now, sort_order=90)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime(), default=utc_now, sort_order=91)


class SoftDelete:
    """Deleted rows stay and are hidden from reads unless asked for."""

    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime(), default=None, sort_order=92)

    @hybrid_property
    def is_deleted(self) -> bool:
        """Say whether the row counts as deleted; works in filters too."""
        return self.deleted_at is not None

    @is_deleted.inplace.expression
    @classmethod
    def _is_deleted(cls) -> ColumnElement[bool]:
        return cls.deleted_at.is_not(None)


class TheOrganization:
    """The tenant itself: a session of one organisation sees and writes this row only."""

    id: Mapped[UUID] = mapped_column(Uuid(), primary_key=True, default=uuid7, sort_order=-20)


class OfOrganization:
    """A row that belongs to one organisation: filtered, filled and checked by the session."""

    organization_id: Mapped[UUID] = mapped_column(Uuid(), ForeignKey("organizations.id"))


class TenantRow(OfOrganization):
    """Keys of a tenant table: (organization_id, id), so that no row can point into another organisation."""

    organization_id: Mapped[UUID] = mapped_column(
        Uuid(), ForeignKey("organizations.id"), primary_key=True, sort_order=-20
    )
    id: Mapped[UUID] = mapped_column(Uuid(), primary_key=True, default=uuid7, sort_order=-19)


def belongs_to(
    table: str, column: str, *, of: str, use_alter: bool = False, ondelete: str | None = None
) -> ForeignKeyConstraint:
    """Return the composite key by which `of.column` names a row of `table` in the same organisation."""
    return ForeignKeyConstraint(
        ["organization_id", column],
        [f"{table}.organization_id", f"{table}.id"],
        name=f"fk_{of}_{column}_{table}",
        use_alter=use_alter,
        ondelete=ondelete,
    )


def unique_live(
    table: str, *columns: str, tenant: bool = True, field: str | None = None, where: str | None = None
) -> Index:
    """Return a unique rule that counts live rows only, of these the ones for which `where` holds."""
    keys = ("organization_id", *columns) if tenant else columns
    live = "deleted_at IS NULL" if where is None else f"{where} AND deleted_at IS NULL"
    return Index(
        f"uq_{table}_{'_'.join(columns)}",
        *keys,
        unique=True,
        postgresql_where=text(live),
        sqlite_where=text(live),
        info={"field": field or columns[-1]},
    )


def check(name: str, rule: str, *, field: str) -> CheckConstraint:
    """Return a named CHECK that knows which input to blame."""
    return CheckConstraint(rule, name=name, info={"field": field})


def newest_first(table: str) -> Index:
    """Return the index that keyset pages walk."""
    return Index(f"ix_{table}_page", "organization_id", "created_at", "id")


@cache
def columns_of(model: Any) -> dict[str, Any]:
    """Return the model's columns by Python attribute name."""
    return {attribute.key: attribute.columns[0] for attribute in model.__mapper__.column_attrs}
