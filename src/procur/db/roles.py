"""The PostgreSQL role that Procur's processes connect as: it reads and writes rows and nothing else.

The owner of the tables keeps the schema and may take walls down; a superuser walks through them. Neither is
what the application runs as.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, text

from procur.core.errors import InvalidInput, NotConfigured

# Rows that nobody changes once written; triggers say the same to the owner.
APPEND_ONLY = frozenset({"audit_checkpoints", "audit_logs", "audit_seals"})
LONGEST_NAME = 63

_STANDING = text(
    "SELECT current_user, rolsuper OR rolbypassrls, "
    "EXISTS (SELECT 1 FROM pg_class WHERE oid = to_regclass('organizations') "
    "AND pg_has_role(current_user, relowner, 'MEMBER')) FROM pg_roles WHERE rolname = current_user"
)


_OWNER = text(
    "SELECT pg_get_userbyid(relowner) FROM pg_class "
    "WHERE oid = to_regclass('organizations') AND pg_has_role(current_user, relowner, 'MEMBER')"
)
# A member of the owner, or of a superuser, may become it.
_TOO_MUCH = text(
    "SELECT rolsuper OR rolbypassrls, "
    "EXISTS (SELECT 1 FROM pg_roles other WHERE other.oid <> one.oid "
    "AND (other.rolsuper OR other.rolbypassrls) AND pg_has_role(one.oid, other.oid, 'MEMBER')), "
    "EXISTS (SELECT 1 FROM pg_class WHERE oid = to_regclass('organizations') "
    "AND pg_has_role(one.oid, relowner, 'MEMBER')) FROM pg_roles one WHERE rolname = :role"
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the role of a connection may do beyond reading and writing rows."""

    role: str
    bypasses_walls: bool
    owns_tables: bool


def standing(engine: Engine) -> Standing | None:
    """Tell what the connection's role may do; None on SQLite, which has no roles."""
    if engine.dialect.name != "postgresql":
        return None
    with engine.connect() as connection:
        role, bypasses, owns = connection.execute(_STANDING).one()
    return Standing(role, bypasses_walls=bypasses, owns_tables=owns)


def statements(connection: Connection, role: str, password: str | None) -> Iterator[str]:
    """Yield the SQL that makes or mends the role; running it again changes nothing.

    To be run by the owner of Procur's tables, who also needs CREATEROLE where the role does not exist yet.
    """
    name = _quoted(connection, role)
    database = _quoted(connection, str(connection.execute(text("SELECT current_database()")).scalar()))
    schema = _quoted(connection, str(connection.execute(text("SELECT current_schema()")).scalar()))
    if not connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}).scalar():
        yield f"CREATE ROLE {name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION"
    if password is not None:
        yield f"ALTER ROLE {name} PASSWORD {_literal(password)}"
    yield f"GRANT CONNECT ON DATABASE {database} TO {name}"
    yield f"GRANT USAGE ON SCHEMA {schema} TO {name}"
    yield f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {name}"
    yield f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {name}"
    # Tables of later versions, which their owner creates, whoever runs this.
    owner = connection.execute(_OWNER).scalar()
    maker = "" if owner is None else f"FOR ROLE {_quoted(connection, owner)} "
    yield (
        f"ALTER DEFAULT PRIVILEGES {maker}IN SCHEMA {schema} "
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {name}"
    )
    yield f"REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {name}"
    found = set(connection.execute(text("SELECT tablename FROM pg_tables")).scalars())
    for table in sorted(found.intersection(APPEND_ONLY)):
        yield f"REVOKE UPDATE, DELETE ON {table} FROM {name}"
    yield f"REVOKE DELETE ON events FROM {name}"


def create(engine: Engine, role: str, password: str | None) -> list[str]:
    """Make the role, or mend its rights; return what was run, without the password."""
    _check(engine, role)
    with engine.begin() as connection:
        done = list(statements(connection, role, password))
        for statement in done:
            connection.exec_driver_sql(statement.replace("%", "%%"))
    return [one for one in done if " PASSWORD " not in one]


def script(engine: Engine, role: str) -> list[str]:
    """Return what `create` would run, for somebody else to run."""
    _check(engine, role)
    with engine.connect() as connection:
        return list(statements(connection, role, None))


def _check(engine: Engine, role: str) -> None:
    if engine.dialect.name != "postgresql":
        raise NotConfigured(
            "SQLite has no roles: whoever opens the file reads all of it",
            hint="protect the file by its permissions, or use PostgreSQL",
        )
    if not role or len(role) > LONGEST_NAME or not role.isprintable():
        raise InvalidInput(f"a role's name has 1 to {LONGEST_NAME} printable characters", field="role")
    found = standing(engine)
    if found is not None and found.role == role:
        raise InvalidInput(
            f"this connection is {role} itself; connect as the owner of the tables", field="role"
        )
    with engine.connect() as connection:
        _refuse_mighty(connection, role)


def _refuse_mighty(connection: Connection, role: str) -> None:
    """Refuse a role there is that walls do not hold: granting to it would look like safety and be none."""
    found = connection.execute(_TOO_MUCH, {"role": role}).one_or_none()
    if found is None or not any(found):
        return
    passes, _, owns = found
    if passes:
        why = "passes row-level security (SUPERUSER or BYPASSRLS)"
    elif owns:
        why = "is the owner of Procur's tables or a member of it"
    else:
        why = "is a member of a role that passes row-level security"
    raise InvalidInput(f"the role {role} {why}", field="role", hint="name another one, or one not made yet")


def _quoted(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote_identifier(name)


def _literal(value: str) -> str:
    if "\x00" in value:
        raise InvalidInput("password contains a NUL character", field="password")
    return "E'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
