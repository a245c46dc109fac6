"""Whose rows a session sees. The organisation rides on `session.info`; crossing is a visible act."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, Uuid, bindparam, column, select, table, text
from sqlalchemy.orm import Session

from procur.core.clock import Clock, SystemClock
from procur.core.errors import InvalidInput, NotConfigured, NotFound
from procur.core.ids import IdSource, uuid7
from procur.db.engine import EVERY
from procur.db.types import UtcDateTime, clean_text

_SYSTEM_CLOCK = SystemClock()

_organizations = table(
    "organizations",
    column("id", Uuid()),
    column("slug"),
    column("settings"),
    column("deleted_at", UtcDateTime()),
)
_BY_SLUG = select(_organizations.c.id).where(
    _organizations.c.slug == bindparam("reference"), _organizations.c.deleted_at.is_(None)
)
_BY_ID = select(_organizations.c.id).where(
    _organizations.c.id == bindparam("reference", type_=Uuid()), _organizations.c.deleted_at.is_(None)
)


_IS_LIVE = select(_organizations.c.slug).where(
    _organizations.c.id == bindparam("key", type_=Uuid()), _organizations.c.deleted_at.is_(None)
)
_ENTER = text(
    "SELECT set_config('procur.every', '', true), set_config('procur.organization', :organization, true)"
)
_EVERY = text("SELECT current_setting('procur.every', true)")
_SET_EVERY = text("SELECT set_config('procur.every', :value, true)")


def as_uuid(value: object) -> UUID | None:
    """Return the key that `value` spells, or None when it spells none."""
    if isinstance(value, UUID):
        return value
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def find_organization(connection: Connection, reference: UUID | str) -> UUID | None:
    """Return the key of the live organisation with this id or slug, whatever the transaction may see."""
    key = as_uuid(reference)
    statement = _BY_SLUG if key is None else _BY_ID
    with across(connection):
        found: UUID | None = connection.execute(statement, {"reference": key or reference}).scalar()
    return found


def enter(connection: Connection, organization: UUID) -> None:
    """Let the rest of the transaction see the rows of one organisation (SQLite has no such wall)."""
    if connection.dialect.name == "postgresql":
        connection.execute(_ENTER, {"organization": str(organization)})


@contextmanager
def across(connection: Connection) -> Iterator[None]:
    """Lift PostgreSQL's wall for a few statements: to find an organisation before one is entered."""
    if connection.dialect.name != "postgresql":
        yield
        return
    before = connection.execute(_EVERY).scalar() or ""
    connection.execute(_SET_EVERY, {"value": "on"})
    yield
    # Not after an error: the transaction is void then, and its settings with it.
    connection.execute(_SET_EVERY, {"value": before})


def check_reference(reference: object) -> None:
    """Refuse what cannot name an organisation; nothing falls back to the default one but None."""
    if reference is None or isinstance(reference, UUID):
        return
    if not isinstance(reference, str) or not reference.strip():
        raise InvalidInput("organization must be an id or a slug", field="organization")
    clean_text(reference, field="organization")


def crosses_organizations(session: Session) -> bool:
    """Say whether this is a system session."""
    return bool(session.info.get("organization") == EVERY)


def is_bound(session: Session) -> bool:
    """Say whether somebody named this session's organisation (rather than leaving it to the default)."""
    return session.info.get("organization") is not None and not crosses_organizations(session)


def organization_id(session: Session) -> UUID | None:
    """Return the session's organisation, None in a system session; refuse a session that has none."""
    if "organization" not in session.info:
        raise NotConfigured(
            "this database session belongs to no organisation",
            hint="open it with procur.db.get_session(organization=...) or system_session()",
        )
    if crosses_organizations(session):
        return None
    if not session.info.get("organization_entered"):
        session.connection()  # its beginning resolves the name
    known: UUID = session.info["organization_id"]
    return known


def required_organization_id(session: Session) -> UUID:
    """Return the session's organisation; a system session has to name one itself."""
    found = organization_id(session)
    if found is None:
        raise InvalidInput("a system session has to name the organisation", field="organization_id")
    return found


def resolve(session: Session, connection: Connection) -> None:
    """Find out, in every transaction, which organisation the session was opened for, and enter it.

    A key that is known already is only checked: others may have closed or renamed the organisation, and its
    slug may have gone to another one since.
    """
    reference = session.info["organization"] or session.info["default_organization"]
    known: UUID | None = session.info.get("organization_id")
    if known is not None and _still_named(connection, known, reference):
        session.info["organization_entered"] = True
        return
    cache: dict[UUID | str, UUID] = session.info["organization_cache"]
    cache.pop(reference, None)
    found = None
    if not session.info.get("organization_entered"):  # what a session has loaded stays of one organisation
        found = find_organization(connection, reference)
    if found is None:
        raise NotFound(
            f"no organisation {str(reference)[:80]!r}",
            field="organization",
            hint=None if is_bound(session) else "run procur.db.init_db(create_tables=True) once",
        )
    cache[reference] = session.info["organization_id"] = found
    session.info["organization_entered"] = True
    enter(connection, found)


def _still_named(connection: Connection, key: UUID, reference: UUID | str) -> bool:
    slug: str | None = connection.execute(_IS_LIVE, {"key": key}).scalar()
    return slug is not None and (as_uuid(reference) == key or slug == reference)


def clock_of(session: Session) -> Clock:
    """Return the session's clock: the machine's, or the one a demo or test has put there."""
    clock: Clock = session.info.get("clock") or _SYSTEM_CLOCK
    return clock


def new_id(session: Session) -> UUID:
    """Return the next key: random, or from the repeatable source a demo has put on the session."""
    ids: IdSource = session.info.get("ids") or uuid7
    return ids()


def moment_after(session: Session, previous: datetime | None) -> datetime:
    """Return the time now, at least a microsecond after `previous`, so that every update shows."""
    now = clock_of(session).now()
    if previous is not None and now <= previous:
        return previous + timedelta(microseconds=1)
    return now
