# ruff: noqa: S608 - names and numbers are literals of this module
"""The audit trail is sealed after the commit: seals, head, checkpoints, and what waits.

The chain that 0001 kept inside the entries is given up: every entry is sealed anew, in its old order.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from procur.db.migrations import steps

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)
HASH = sa.String(64)
# Indexes of the entries, which ended in the sequence number.
INDEXES = (
    ("ix_audit_logs_action", ["action"]),
    ("ix_audit_logs_correlation_id", ["correlation_id"]),
    ("ix_audit_logs_resource", ["resource_type", "resource_id"]),
    ("ix_audit_logs_resource_id", ["resource_id"]),
    ("ix_audit_logs_user_id", ["user_id"]),
)
COPIED = (
    "organization_id",
    "id",
    "user_id",
    "actor_type",
    "actor_id",
    "action",
    "event_category",
    "severity",
    "resource_type",
    "resource_id",
    "negotiation_session_id",
    "event_data",
    "changes",
    "description",
    "ip_address",
    "user_agent",
    "correlation_id",
    "created_at",
)
NOTHING = "0" * 64
GUARDS = (
    ("update", "audit entries cannot be changed"),
    ("delete", "rows of audit_logs cannot be deleted"),
)
VIEW = (
    "CREATE VIEW audit_trail {} AS SELECT s.sequence, s.leaf_hash, s.chain_hash, s.sealed_at, l.* "
    "FROM audit_logs l LEFT JOIN audit_seals s "
    "ON s.organization_id = l.organization_id AND s.audit_log_id = l.id"
)


def upgrade() -> None:
    _unchain()
    _tables()
    op.execute(
        "INSERT INTO audit_unsealed (organization_id, created_at, id) "
        "SELECT organization_id, created_at, id FROM audit_logs"
    )
    op.execute("DELETE FROM number_sequences WHERE kind = 'audit'")
    op.drop_column("number_sequences", "state")
    op.execute(VIEW.format("WITH (security_invoker = true)" if steps.on_postgresql() else ""))


def downgrade() -> None:
    op.execute("DROP VIEW audit_trail")
    for table in ("audit_checkpoints", "audit_heads", "audit_seals", "audit_unsealed"):
        if not steps.on_postgresql():
            op.execute(f"DROP TRIGGER IF EXISTS append_only_{table}_delete")
        op.drop_table(table)
    op.add_column("number_sequences", sa.Column("state", sa.String(64), nullable=True))
    _chain_again()


def _unchain() -> None:
    _unguard()
    if steps.on_postgresql():
        for name, _ in INDEXES:
            op.drop_index(name, "audit_logs")
        op.drop_constraint("uq_audit_logs_organization_id_sequence", "audit_logs", type_="unique")
        for column in ("sequence", "previous_hash", "hash"):
            op.drop_column("audit_logs", column)
    else:
        _rebuild((), ", ".join(COPIED))
    for name, columns in (*INDEXES, ("ix_audit_logs_page", [])):
        op.create_index(name, "audit_logs", ["organization_id", *columns, "created_at", "id"])
    _guard()


def _chain_again() -> None:
    """Give the entries numbers again; their old hashes are gone, and a Procur before 0007 will say so."""
    _unguard()
    place = "row_number() OVER (PARTITION BY organization_id ORDER BY created_at, id)"
    if steps.on_postgresql():
        for name in ("ix_audit_logs_page", *(name for name, _ in INDEXES)):
            op.drop_index(name, "audit_logs")
        op.add_column("audit_logs", sa.Column("sequence", sa.BigInteger(), nullable=True))
        for column in ("previous_hash", "hash"):
            op.add_column("audit_logs", sa.Column(column, HASH, nullable=False, server_default=NOTHING))
            op.alter_column("audit_logs", column, server_default=None)
        op.execute(
            f"UPDATE audit_logs SET sequence = numbered.place FROM (SELECT organization_id, id, {place} "
            "AS place FROM audit_logs) AS numbered "
            "WHERE numbered.organization_id = audit_logs.organization_id AND numbered.id = audit_logs.id"
        )
        op.alter_column("audit_logs", "sequence", nullable=False)
    else:
        chain = (
            sa.Column("sequence", sa.BigInteger(), nullable=False),
            sa.Column("previous_hash", HASH, nullable=False),
            sa.Column("hash", HASH, nullable=False),
        )
        unique = sa.UniqueConstraint(
            "organization_id", "sequence", name="uq_audit_logs_organization_id_sequence"
        )
        _rebuild((*chain, unique), f"{', '.join(COPIED)}, {place}, '{NOTHING}', '{NOTHING}'")
    if steps.on_postgresql():
        op.create_unique_constraint(
            "uq_audit_logs_organization_id_sequence", "audit_logs", ["organization_id", "sequence"]
        )
    for name, columns in INDEXES:
        op.create_index(name, "audit_logs", ["organization_id", *columns, "sequence"])
    _guard()
    op.execute(
        "INSERT INTO number_sequences (organization_id, kind, year, value, state, created_at, updated_at) "
        f"SELECT organization_id, 'audit', 0, count(*), '{NOTHING}', max(created_at), max(created_at) "
        "FROM audit_logs GROUP BY organization_id"
    )


def _unguard() -> None:
    for verb, _ in GUARDS:
        name = f"append_only_audit_logs_{verb}"
        op.execute(f"DROP TRIGGER {name} ON audit_logs" if steps.on_postgresql() else f"DROP TRIGGER {name}")


def _guard() -> None:
    """Create the triggers of 0001 again, word for word."""
    for verb, message in GUARDS:
        name = f"append_only_audit_logs_{verb}"
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {verb.upper()} ON audit_logs FOR EACH ROW "
            f"EXECUTE FUNCTION procur_refuse('append_only', '{message}')"
            if steps.on_postgresql()
            else f"CREATE TRIGGER {name} BEFORE {verb.upper()} ON audit_logs "
            f"BEGIN SELECT RAISE(ABORT, 'procur:append_only:{message}'); END"
        )


def _rebuild(more: tuple[sa.schema.SchemaItem, ...], selected: str) -> None:
    """Build the table of entries anew, with `more` columns at its end: SQLite cannot drop a column in use."""
    for name in (*(name for name, _ in INDEXES), "ix_audit_logs_negotiation_session_id"):
        op.execute(f"DROP INDEX {name}")
    op.create_table(
        "audit_logs_anew",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.String(64), nullable=True),
        sa.Column("actor_type", sa.String(32), nullable=False),
        sa.Column("actor_id", sa.String(200), nullable=True),
        sa.Column("action", sa.String(120), nullable=False),
        sa.Column("event_category", sa.String(32), nullable=False),
        sa.Column("severity", sa.String(32), nullable=False),
        sa.Column("resource_type", sa.String(64), nullable=True),
        sa.Column("resource_id", sa.String(64), nullable=True),
        sa.Column("negotiation_session_id", sa.Uuid(), nullable=True),
        sa.Column("event_data", DOCUMENT, nullable=False),
        sa.Column("changes", DOCUMENT, nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("ip_address", sa.String(64), nullable=True),
        sa.Column("user_agent", sa.String(512), nullable=True),
        sa.Column("correlation_id", sa.String(64), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        *more,
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_audit_logs"),
        sa.CheckConstraint(
            "actor_type IN ('user', 'system', 'agent')", name=op.f("ck_audit_logs_actor_type")
        ),
        sa.CheckConstraint(
            "event_category IN ('security', 'compliance', 'access', 'system', 'general')",
            name=op.f("ck_audit_logs_event_category"),
        ),
        sa.CheckConstraint(
            "severity IN ('debug', 'info', 'warning', 'error', 'critical')",
            name=op.f("ck_audit_logs_severity"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_audit_logs_organization_id_organizations"
        ),
    )
    op.execute(f"INSERT INTO audit_logs_anew SELECT {selected} FROM audit_logs")
    op.drop_table("audit_logs")
    op.rename_table("audit_logs_anew", "audit_logs")
    op.create_index(
        "ix_audit_logs_negotiation_session_id", "audit_logs", ["organization_id", "negotiation_session_id"]
    )


def _tables() -> None:
    op.create_table(
        "audit_unsealed",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "created_at", "id", name="pk_audit_unsealed"),
        sa.ForeignKeyConstraint(
            ["organization_id", "id"],
            ["audit_logs.organization_id", "audit_logs.id"],
            name="fk_audit_unsealed_id_audit_logs",
        ),
    )
    op.create_table(
        "audit_seals",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("audit_log_id", sa.Uuid(), nullable=False),
        sa.Column("leaf_hash", HASH, nullable=False),
        sa.Column("chain_hash", HASH, nullable=False),
        sa.Column("sealed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "sequence", name="pk_audit_seals"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_audit_seals_organization_id_organizations"
        ),
        sa.UniqueConstraint(
            "organization_id", "audit_log_id", name="uq_audit_seals_organization_id_audit_log_id"
        ),
    )
    op.create_table(
        "audit_heads",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("chain_hash", HASH, nullable=False),
        sa.Column("frontier", DOCUMENT, nullable=False),
        sa.Column("sealed_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("organization_id", name="pk_audit_heads"),
        sa.CheckConstraint("size >= 0", name=op.f("ck_audit_heads_size")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_audit_heads_organization_id_organizations"
        ),
    )
    op.create_table(
        "audit_checkpoints",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("root_hash", HASH, nullable=False),
        sa.Column("chain_hash", HASH, nullable=False),
        sa.Column("frontier", DOCUMENT, nullable=False),
        sa.Column("key_name", sa.String(200), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "size", name="pk_audit_checkpoints"),
        sa.CheckConstraint("size >= 0", name=op.f("ck_audit_checkpoints_size")),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name="fk_audit_checkpoints_organization_id_organizations",
        ),
    )
    for table in ("audit_unsealed", "audit_seals", "audit_heads", "audit_checkpoints"):
        steps.wall(table)
    steps.append_only("audit_seals", called="audit seals")
    steps.append_only("audit_checkpoints", called="audit checkpoints")
