"""One tree for both databases: models, migrations and triggers say the same."""

import os
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection, Double, Enum, Integer, LargeBinary, MetaData, String, Uuid, inspect, text

from procur.core.errors import Unavailable
from procur.db import DatabaseSession, migrate
from procur.db.base import SCHEMA_VERSION, Base, utc_now
from procur.db.migrations import guards_0001 as guards
from procur.db.types import Json, Money, UtcDateTime

TABLES = sorted(Base.metadata.tables)
TOUCHED = [name for name in TABLES if "updated_at" in Base.metadata.tables[name].columns]
# Looked up before a tenant is known (by e-mail, by the hash of a secret): their key is `id` alone.
IDENTITY = {"api_keys", "oauth_connections", "organizations", "user_accounts", "user_sessions"}


def test_the_schema_version_is_the_newest_revision() -> None:
    assert migrate.head() == SCHEMA_VERSION


def test_up_down_and_up_again_leaves_no_difference(empty_database: DatabaseSession) -> None:
    engine = empty_database.engine
    assert migrate.current(engine) is None
    migrate.upgrade(engine)
    assert migrate.check(engine) == []
    before = _describe(empty_database)
    migrate.downgrade(engine)
    assert migrate.current(engine) is None
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    assert _triggers(empty_database) == []
    migrate.upgrade(engine)
    assert migrate.current(engine) == SCHEMA_VERSION
    assert migrate.check(engine) == []
    assert _describe(empty_database) == before


def test_a_newer_schema_is_left_alone(owner: DatabaseSession) -> None:
    with owner.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for change in (owner.create_all_tables, owner.drop_all_tables, lambda: migrate.upgrade(owner.engine)):
        with pytest.raises(Unavailable) as caught:
            change()
        assert caught.value.message == (
            f"the database was made by a newer Procur (schema 9999; this one knows {SCHEMA_VERSION})"
        )
        assert caught.value.hint == "install that Procur, or restore a backup"
    assert migrate.current(owner.engine) == "9999"


@pytest.mark.skipif(sys.platform == "win32", reason="files have no such mode there")
def test_a_new_file_is_for_its_owner_only(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        for path, made in ((tmp_path / "new.db", False), (tmp_path / "shared.db", True)):
            if made:
                path.touch(0o644)
            database = DatabaseSession(f"sqlite:///{path}")
            database.create_all_tables()
            modes = {found.name: found.stat().st_mode & 0o777 for found in tmp_path.glob(f"{path.stem}*")}
            database.close()
            assert path.name + "-wal" in modes
            assert set(modes.values()) == {0o644 if made else 0o600}
    finally:
        os.umask(before)


def test_rows_do_not_stop_the_way_down(owner: DatabaseSession) -> None:
    from procur.db.repositories import AuditRepository

    with owner.get_session() as session:
        AuditRepository(session).log_action(action="test")
    owner.drop_all_tables()
    assert set(inspect(owner.engine).get_table_names()) <= {"alembic_version"}


def test_upgrading_twice_does_nothing(database: DatabaseSession) -> None:
    database.create_all_tables()
    with database.system_session() as session:
        assert session.execute(text("SELECT count(*) FROM organizations")).scalar() == 1


def test_the_migrated_schema_is_the_models_schema(empty_database: DatabaseSession) -> None:
    """Names of constraints and the text of CHECKs too, which Alembic does not compare."""
    empty_database.create_all_tables()
    migrated = _describe(empty_database, triggers=False)
    empty_database.drop_all_tables()
    # A copy: create_all() on PostgreSQL marks the circular keys for good as added later.
    models = MetaData(naming_convention=Base.metadata.naming_convention)
    for table in Base.metadata.tables.values():
        table.to_metadata(models)
    models.create_all(empty_database.engine)
    assert _describe(empty_database, triggers=False) == migrated


@pytest.mark.parametrize("table", TABLES)
def test_every_constraint_has_a_name_that_says_what_it_is(table: str) -> None:
    for constraint in Base.metadata.tables[table].constraints:
        assert str(constraint.name).partition("_")[0] in {"pk", "fk", "uq", "ck"} or constraint.name is None
    for index in Base.metadata.tables[table].indexes:
        assert str(index.name).startswith("uq_" if index.unique else "ix_")


@pytest.mark.parametrize("table", [name for name in TABLES if name not in IDENTITY])
def test_tenant_tables_lead_with_the_organisation(table: str) -> None:
    found = Base.metadata.tables[table]
    assert next(iter(found.primary_key.columns)).name == "organization_id"
    for key in found.foreign_key_constraints:
        assert key.columns[0].name == "organization_id"
        assert key.ondelete != "SET NULL"


def test_every_table_accepts_a_row_and_moves_its_time(owner: DatabaseSession) -> None:
    with owner.system_session() as session:
        connection = session.connection()
        rows: dict[str, dict[str, Any]] = {}
        for table in Base.metadata.sorted_tables:
            rows[table.name] = _row(table, rows)
            connection.execute(table.insert().values(**rows[table.name]))
    with owner.system_session() as session:
        connection = session.connection()
        for table in TOUCHED:
            moved = "published_at = created_at" if table == "events" else "created_at = created_at"
            before = _updated_at(connection, table)
            connection.execute(text(f"UPDATE {table} SET {moved}"))
            assert _updated_at(connection, table) > before, table


def _updated_at(connection: Connection, table: str) -> str:
    return str(connection.execute(text(f"SELECT max(updated_at) FROM {table}")).scalar_one())


def _row(table: Any, rows: dict[str, dict[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for column in table.columns:
        parents = [
            key for key in column.foreign_keys if key.column.name == "id" and not key.constraint.use_alter
        ]
        if column.name == "organization_id":
            values[column.name] = rows["organizations"]["id"]
        elif parents and parents[0].column.table.name in rows:
            values[column.name] = rows[parents[0].column.table.name]["id"]
        elif column.name == "id":
            values["id"] = uuid4()
        elif not column.nullable:
            values[column.name] = _value(column)
    if table.name == "approvals":
        values["decided_by"] = None
    return values


def _value(column: Any) -> Any:  # noqa: C901, PLR0911 - one per kind of column
    if column.name == "currency":
        return "USD"
    if isinstance(column.type, Enum):
        return column.type.enums[0]
    if isinstance(column.type, Json):
        return column.type.holds()
    if isinstance(column.type, Money):
        return Decimal(0) if column.name == "tax_total" else Decimal(5)
    if isinstance(column.type, UtcDateTime):
        return utc_now()
    if isinstance(column.type, Double):
        return 1.0
    if isinstance(column.type, Uuid):
        return uuid4()
    if isinstance(column.type, LargeBinary):
        return b"{}"
    if isinstance(column.type, String):
        return f"{column.name}"
    if isinstance(column.type, Integer):
        return 0 if column.name == "current_round" else 1
    return utc_now().date() if column.type.python_type.__name__ == "date" else False


def test_triggers_stand_where_the_guards_say(database: DatabaseSession) -> None:
    found = _triggers(database)
    for table in TOUCHED:
        assert f"touch_{table}" in found
    assert {"mandate_insert", "mandate_update", "append_only_audit_logs_delete", "fixed_offers"} <= set(found)


def test_an_empty_file_is_migrated_in_time(empty_database: DatabaseSession) -> None:
    start = time.process_time()  # of this process alone, whatever else the machine does
    empty_database.create_all_tables()
    assert time.process_time() - start < 1.5


def test_two_processes_may_start_together(empty_database: DatabaseSession) -> None:
    program = "import sys; from procur.db import init_db; init_db(sys.argv[1], create_tables=True).close()"
    command = [sys.executable, "-c", program, empty_database.config.database_url]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    told = [(process.communicate()[1], process.returncode) for process in running]
    assert told == [("", 0)] * 3
    empty_database.check_schema()
    with empty_database.system_session() as session:
        assert session.execute(text("SELECT count(*) FROM organizations")).scalar() == 1


def test_a_failed_migration_leaves_nothing(
    empty_database: DatabaseSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in ("sqlite", "postgresql"):
        original = list(getattr(guards, kind)())
        broken = [*original, "CREATE NONSENSE"]
        monkeypatch.setattr(guards, kind, lambda broken=broken: iter(broken))
    with pytest.raises(Exception, match="NONSENSE"):
        migrate.upgrade(empty_database.engine)
    assert inspect(empty_database.engine).get_table_names() == []
    monkeypatch.undo()
    empty_database.create_all_tables()


def _triggers(database: DatabaseSession) -> list[str]:
    query = (
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
        if database.engine.dialect.name == "postgresql"
        else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    )
    with database.engine.connect() as connection:
        return sorted(connection.execute(text(query)).scalars())


def _describe(database: DatabaseSession, *, triggers: bool = True) -> dict[str, Any]:
    found = inspect(database.engine)
    tables = {
        table: {
            "columns": [
                (column["name"], str(column["type"]), column["nullable"])
                for column in found.get_columns(table)
            ],
            "pk": found.get_pk_constraint(table),
            "fks": sorted(map(str, found.get_foreign_keys(table))),
            "uniques": sorted(map(str, found.get_unique_constraints(table))),
            "checks": sorted(map(str, found.get_check_constraints(table))),
            "indexes": sorted(_index(one) for one in found.get_indexes(table) if not _is_search(one)),
        }
        for table in TABLES
    }
    return {"tables": tables, "triggers": _triggers(database) if triggers else []}


def _is_search(index: Any) -> bool:
    return str(index["name"]).startswith("search_")


def _index(found: Any) -> str:
    where = {name: str(option) for name, option in found.get("dialect_options", {}).items()}
    return str({**found, "dialect_options": where})
