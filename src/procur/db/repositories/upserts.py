"""INSERT ... ON CONFLICT, spelled for the session's database."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Table, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from procur.db import tenancy


def insert_into(session: Session, table: Table) -> Any:
    """Return the database's own insert statement, which knows `on_conflict_do_update`."""
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def write_rows(
    session: Session,
    model: Any,
    rows: Iterable[Mapping[str, Any]],
    *,
    key: Sequence[str],
    where: str | None = None,
) -> None:
    """Insert checked rows of the session's organisation; update those whose `key` is there already.

    Fields left out stay as they are. `where` is the condition of the unique index on the key. Rows that the
    session has loaded are read anew when they are used next.
    """
    session.flush()
    groups: dict[frozenset[str], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[frozenset(row)].append(dict(row))
    now = tenancy.clock_of(session).now()
    owner = tenancy.required_organization_id(session)
    stamps = {"organization_id": owner, "created_at": now, "updated_at": now}
    for fields, group in groups.items():
        insert = insert_into(session, model.__table__)
        statement = insert.on_conflict_do_update(
            index_elements=["organization_id", *key],
            index_where=None if where is None else text(where),
            set_={name: insert.excluded[name] for name in (*sorted(fields - set(key)), "updated_at")},
        )
        session.connection().execute(
            statement, [{**row, **stamps, "id": tenancy.new_id(session)} for row in group]
        )
    for loaded in list(session.identity_map.values()):
        if isinstance(loaded, model):
            session.expire(loaded)
