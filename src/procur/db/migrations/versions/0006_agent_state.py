"""What agent libraries keep between runs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from procur.db.migrations import steps

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)
ORDERED = sa.String(100).with_variant(sa.String(100, collation="C"), "postgresql")

TABLES = (
    "agent_items",
    "agent_checkpoints",
    "agent_checkpoint_blobs",
    "agent_checkpoint_writes",
    "agent_entries",
    "agent_records",
)


def upgrade() -> None:
    _items()
    _checkpoints()
    _checkpoint_blobs()
    _checkpoint_writes()
    _entries()
    _records()
    for table in TABLES:
        steps.wall(table)
    steps.touch("agent_checkpoints", "organization_id", "thread_id", "checkpoint_ns", "checkpoint_id")
    steps.touch("agent_records", "organization_id", "conversation_id")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _owner(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organization_id"], ["organizations.id"], name=f"fk_{table}_organization_id_organizations"
    )


def _items() -> None:
    op.create_table(
        "agent_items",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("conversation_id", sa.String(400), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint(
            "organization_id", "kind", "conversation_id", "sequence", name="pk_agent_items"
        ),
        sa.CheckConstraint("kind IN ('openai_agents', 'langchain')", name=op.f("ck_agent_items_kind")),
        _owner("agent_items"),
    )


def _checkpoints() -> None:
    op.create_table(
        "agent_checkpoints",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("thread_id", sa.String(400), nullable=False),
        sa.Column("checkpoint_ns", sa.String(1000), nullable=False),
        sa.Column("checkpoint_id", ORDERED, nullable=False),
        sa.Column("parent_checkpoint_id", sa.String(100), nullable=True),
        sa.Column("run_id", sa.String(200), nullable=True),
        sa.Column("channel_versions", DOCUMENT, nullable=False),
        sa.Column("type", sa.String(100), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("metadata_type", sa.String(100), nullable=False),
        sa.Column("metadata_payload", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint(
            "organization_id", "thread_id", "checkpoint_ns", "checkpoint_id", name="pk_agent_checkpoints"
        ),
        _owner("agent_checkpoints"),
    )
    op.create_index("ix_agent_checkpoints_newest", "agent_checkpoints", ["organization_id", "checkpoint_id"])
    op.create_index("ix_agent_checkpoints_run_id", "agent_checkpoints", ["organization_id", "run_id"])


def _checkpoint_blobs() -> None:
    op.create_table(
        "agent_checkpoint_blobs",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("thread_id", sa.String(400), nullable=False),
        sa.Column("checkpoint_ns", sa.String(1000), nullable=False),
        sa.Column("channel", sa.String(400), nullable=False),
        sa.Column("version", sa.String(100), nullable=False),
        sa.Column("type", sa.String(100), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint(
            "organization_id",
            "thread_id",
            "checkpoint_ns",
            "channel",
            "version",
            name="pk_agent_checkpoint_blobs",
        ),
        _owner("agent_checkpoint_blobs"),
    )


def _checkpoint_writes() -> None:
    op.create_table(
        "agent_checkpoint_writes",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("thread_id", sa.String(400), nullable=False),
        sa.Column("checkpoint_ns", sa.String(1000), nullable=False),
        sa.Column("checkpoint_id", sa.String(100), nullable=False),
        sa.Column("task_id", sa.String(200), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("task_path", sa.Text(), nullable=False),
        sa.Column("channel", sa.String(400), nullable=False),
        sa.Column("type", sa.String(100), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint(
            "organization_id",
            "thread_id",
            "checkpoint_ns",
            "checkpoint_id",
            "task_id",
            "position",
            name="pk_agent_checkpoint_writes",
        ),
        _owner("agent_checkpoint_writes"),
    )


def _entries() -> None:
    op.create_table(
        "agent_entries",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.String(200), nullable=False),
        sa.Column("parent_id", sa.String(200), nullable=True),
        sa.Column("conversation_id", sa.String(400), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "entry_id", name="pk_agent_entries"),
        _owner("agent_entries"),
        sa.ForeignKeyConstraint(
            ["organization_id", "parent_id"],
            ["agent_entries.organization_id", "agent_entries.entry_id"],
            name="fk_agent_entries_parent_id_agent_entries",
        ),
    )
    op.create_index("ix_agent_entries_parent_id", "agent_entries", ["organization_id", "parent_id"])
    op.create_index(
        "ix_agent_entries_conversation_id", "agent_entries", ["organization_id", "conversation_id"]
    )


def _records() -> None:
    op.create_table(
        "agent_records",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.String(400), nullable=False),
        sa.Column("revision", sa.String(200), nullable=False),
        sa.Column("scope", sa.String(400), nullable=True),
        sa.Column("head_id", sa.String(200), nullable=True),
        sa.Column("branches", sa.Text(), nullable=False),
        sa.Column("saved_at", MOMENT, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "conversation_id", name="pk_agent_records"),
        _owner("agent_records"),
        sa.ForeignKeyConstraint(
            ["organization_id", "head_id"],
            ["agent_entries.organization_id", "agent_entries.entry_id"],
            name="fk_agent_records_head_id_agent_entries",
        ),
    )
    op.create_index("ix_agent_records_saved_at", "agent_records", ["organization_id", "saved_at"])
    op.create_index("ix_agent_records_scope", "agent_records", ["organization_id", "scope", "saved_at"])
    op.create_index("ix_agent_records_head_id", "agent_records", ["organization_id", "head_id"])
    op.create_index(
        "ix_agent_records_branches",
        "agent_records",
        ["organization_id"],
        postgresql_where=sa.text("branches <> '[]'"),
        sqlite_where=sa.text("branches <> '[]'"),
    )
