"""Copies of the PostgreSQL template that were used by a test, emptied for the next one.

Making and dropping a copy takes hundreds of files; emptying it takes a few statements. A copy whose schema or
statistics a test has touched is dropped, and so is one that was used often: deleted rows stay in its files.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import make_url

from postgres import Server

USES = 40
_SHAPE = """
SELECT (SELECT md5(string_agg(concat(relname, relacl, relrowsecurity, relforcerowsecurity), '' ORDER BY oid))
          FROM pg_class WHERE relnamespace = 'public'::regnamespace),
       (SELECT count(*) || '-' || max(xmin::text::bigint) FROM pg_attribute WHERE attnum > 0),
       (SELECT count(*) || '-' || max(xmin::text::bigint) FROM pg_constraint),
       (SELECT count(*) || '-' || max(xmin::text::bigint) FROM pg_index),
       (SELECT count(*) || '-' || max(xmin::text::bigint) FROM pg_trigger),
       (SELECT count(*) || '-' || max(xmin::text::bigint) FROM pg_policy),
       (SELECT count(*) || '-' || max(xmin::text::bigint) FROM pg_proc),
       (SELECT count(*) FROM pg_namespace),
       (SELECT count(*) FROM pg_db_role_setting),
       (SELECT count(*) FROM pg_statistic WHERE starelid >= 16384)
"""


@dataclass
class _Kept:
    """What a clean copy looks like: its shape, its tables, and the rows it is made with."""

    shape: Any
    tables: list[str]
    rows: dict[str, Any]


_free: dict[str, list[str]] = defaultdict(list)
_uses: dict[str, int] = defaultdict(int)
_kept: dict[str, _Kept] = {}


def left(template: str) -> list[str]:
    """Return the copies that wait for a test."""
    return _free[template]


def take(template: str) -> str | None:
    """Return a clean copy of the template that was used before, None when there is none."""
    return _free[template].pop() if _free[template] else None


def give_back(template: str, server: Server, name: str) -> bool:
    """Empty a copy for the next test; False: it is to be dropped."""
    _uses[name] += 1
    with psycopg.connect(_url(server, name), autocommit=True) as connection:
        clean = _uses[name] < USES and _clean(connection, template)
    if clean:
        _free[template].append(name)
    return clean


def note(template: str, server: Server, name: str) -> None:
    """Look at what a copy is like before the first test uses one."""
    if template in _kept:
        return
    with psycopg.connect(_url(server, name), autocommit=True) as connection:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        tables = [table for (table,) in found.fetchall()]
        rows = {}
        for table in tables:
            read = sql.SQL("SELECT jsonb_agg(to_jsonb(row)) FROM {} row").format(sql.Identifier(table))
            (kept,) = _one(connection, read)
            if kept:
                rows[table] = kept
        _kept[template] = _Kept(_one(connection, sql.SQL(_SHAPE)), tables, rows)


def _clean(connection: "psycopg.Connection[Any]", template: str) -> bool:
    """Bring a copy back to what the template is; False when it cannot be."""
    kept = _kept[template]
    try:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        if _one(connection, sql.SQL(_SHAPE)) != kept.shape:
            return False
        # Neither foreign keys nor the triggers that keep the audit trail from being emptied.
        connection.execute("SET session_replication_role = replica")
        for table in _filled(connection, kept.tables):
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
        for table, rows in kept.rows.items():
            insert = sql.SQL("INSERT INTO {0} SELECT * FROM jsonb_populate_recordset(NULL::{0}, %s)")
            connection.execute(insert.format(sql.Identifier(table)), [Jsonb(rows)])
        connection.execute("SELECT setval(seqrelid, seqstart, false) FROM pg_sequence")
    except psycopg.Error:
        return False  # a server that is not ours alone may refuse
    return True


def _filled(connection: "psycopg.Connection[Any]", tables: list[str]) -> list[str]:
    one = sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})")
    asked = [one.format(sql.Literal(table), sql.Identifier(table)) for table in tables]
    return [table for (table,) in connection.execute(sql.SQL(" UNION ALL ").join(asked)).fetchall()]


def _one(connection: "psycopg.Connection[Any]", query: sql.Composable) -> tuple[Any, ...]:
    found = connection.execute(query).fetchone()
    if found is None:
        raise RuntimeError("the server says nothing of its database")
    return tuple(found)


def _url(server: Server, name: str) -> str:
    return make_url(server.url).set(database=name).render_as_string(hide_password=False)
