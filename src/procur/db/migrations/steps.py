# ruff: noqa: S608 - names are literals of the revisions
"""What revisions after 0001 have in common: update times, append-only tables, the tenant wall.

Revisions call these with literal names, so a helper here may gain arguments but never change what it creates.
"""

from alembic import op

TENANT = "NULLIF((SELECT current_setting('procur.organization', true)), '')::uuid"
EVERY = "(SELECT current_setting('procur.every', true)) = 'on'"


def on_postgresql() -> bool:
    """Say whether the migration runs on PostgreSQL."""
    return op.get_bind().dialect.name == "postgresql"


def touch(table: str, *key: str) -> None:
    """Keep `updated_at` of a table, whoever writes; `key` is its primary key if not (organization_id, id)."""
    if on_postgresql():
        op.execute(
            f"CREATE TRIGGER touch_{table} BEFORE UPDATE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION procur_touch()"
        )
        return
    where = " AND ".join(f"{name} = NEW.{name}" for name in key or ("organization_id", "id"))
    op.execute(
        f"CREATE TRIGGER touch_{table} AFTER UPDATE ON {table} WHEN NEW.updated_at IS OLD.updated_at "
        f"BEGIN UPDATE {table} SET updated_at = strftime('%Y-%m-%d %H:%M:%f', 'now') || '000' "
        f"WHERE {where}; END"
    )


def append_only(table: str, *, called: str) -> None:
    """Refuse every UPDATE, DELETE and TRUNCATE of a table; `called` names its rows in the message."""
    for verb, what in (("update", "changed"), ("delete", "deleted"), ("truncate", "deleted")):
        message = f"{called} cannot be {what}"
        name = f"append_only_{table}_{verb}"
        if on_postgresql():
            rows = "STATEMENT" if verb == "truncate" else "ROW"
            op.execute(
                f"CREATE TRIGGER {name} BEFORE {verb.upper()} ON {table} FOR EACH {rows} "
                f"EXECUTE FUNCTION procur_refuse('append_only', '{message}')"
            )
        elif verb != "truncate":
            op.execute(
                f"CREATE TRIGGER {name} BEFORE {verb.upper()} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, 'procur:append_only:{message}'); END"
            )


def wall(table: str, column: str = "organization_id") -> None:
    """Hide a table's rows of other organisations, from its owner too (PostgreSQL's row-level security).

    The session says whose rows in a transaction-local setting; without it there are none. A system session
    sets `procur.every`. Sub-selects, so that the settings are read once per statement and not per row.
    """
    if not on_postgresql():
        return
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON {table} USING ({column} = {TENANT} OR {EVERY})")


def unwall(table: str) -> None:
    """Take the wall down again."""
    if not on_postgresql():
        return
    op.execute(f"DROP POLICY tenant ON {table}")
    op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
