"""Conversations and their messages."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from procur.db.migrations import steps

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

COST = sa.Numeric(18, 10).with_variant(sa.BigInteger(), "sqlite")  # SQLite: units of the tenth decimal
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)

# Full text. PostgreSQL: the words as an index over the table, without the parser, which would split e-mail
# addresses and fold letters by the server's locale. SQLite: an index table that keeps words, not texts, kept
# by triggers; the organisation is a term of it, because filtering afterwards costs 14 times as much. Its rows
# are numbered by a table of ours, because VACUUM renumbers those of `messages`.
SEARCH_POSTGRESQL = (
    "CREATE INDEX search_messages ON messages USING gin "
    "(array_to_tsvector(array_remove(string_to_array(search_text, ' '), '')))"
)
_FORGET = (
    "INSERT INTO search_messages(search_messages, rowid, tenant, words) "
    "SELECT 'delete', number, OLD.organization_id, OLD.search_text FROM search_messages_keys "
    "WHERE organization_id = OLD.organization_id AND id = OLD.id"
)
_LEARN = (
    "INSERT INTO search_messages(rowid, tenant, words) "
    "SELECT number, NEW.organization_id, NEW.search_text FROM search_messages_keys "
    "WHERE organization_id = NEW.organization_id AND id = NEW.id"
)
_KEYS = (
    "CREATE TABLE search_messages_keys (number INTEGER PRIMARY KEY, organization_id CHAR(32) NOT NULL, "
    "id CHAR(32) NOT NULL, UNIQUE (organization_id, id))"
)
_WORDS = "CREATE VIRTUAL TABLE search_messages USING fts5(tenant, words, content='', tokenize='ascii')"
_NUMBER = "INSERT INTO search_messages_keys(organization_id, id) VALUES (NEW.organization_id, NEW.id)"
_UNNUMBER = "DELETE FROM search_messages_keys WHERE organization_id = OLD.organization_id AND id = OLD.id"
_RELEARN = f"{_FORGET}; {_LEARN}"
SEARCH_SQLITE = (
    _KEYS,
    _WORDS,
    f"CREATE TRIGGER search_messages_insert AFTER INSERT ON messages BEGIN {_NUMBER}; {_LEARN}; END",
    f"CREATE TRIGGER search_messages_update AFTER UPDATE OF search_text ON messages BEGIN {_RELEARN}; END",
    f"CREATE TRIGGER search_messages_delete AFTER DELETE ON messages BEGIN {_FORGET}; {_UNNUMBER}; END",
)


def upgrade() -> None:
    _conversations()
    _messages()
    for statement in (SEARCH_POSTGRESQL,) if steps.on_postgresql() else SEARCH_SQLITE:
        op.get_bind().exec_driver_sql(statement)
    for table in ("conversations", "messages"):
        steps.touch(table)
        steps.wall(table)


def downgrade() -> None:
    if not steps.on_postgresql():
        for verb in ("insert", "update", "delete"):
            op.execute(f"DROP TRIGGER search_messages_{verb}")
        op.execute("DROP TABLE search_messages")
        op.execute("DROP TABLE search_messages_keys")
    op.drop_table("messages")
    op.drop_table("conversations")


def _conversations() -> None:
    op.create_table(
        "conversations",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("report_id", sa.Uuid(), nullable=True),
        sa.Column("title", sa.String(255), nullable=True),
        sa.Column("title_words", sa.Text(), nullable=False),
        sa.Column("intent", sa.String(100), nullable=True),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("context_data", DOCUMENT, nullable=False),
        sa.Column("last_activity", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.Column("last_sequence", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=True),
        sa.Column("summary_sequence", sa.BigInteger(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_conversations"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_conversations_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "user_id"],
            ["user_accounts.organization_id", "user_accounts.id"],
            name="fk_conversations_user_id_user_accounts",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "report_id"],
            ["reports.organization_id", "reports.id"],
            name="fk_conversations_report_id_reports",
            ondelete="CASCADE",
        ),
        sa.CheckConstraint(
            "kind IN ('agent', 'export_chat', 'negotiation', 'support')", name=op.f("ck_conversations_kind")
        ),
        sa.CheckConstraint(
            "status IN ('active', 'archived', 'deleted')", name=op.f("ck_conversations_status")
        ),
        sa.CheckConstraint(
            "(status = 'deleted') = (deleted_at IS NOT NULL)", name=op.f("ck_conversations_deleted")
        ),
        sa.CheckConstraint("last_sequence >= 0", name=op.f("ck_conversations_last_sequence")),
        sa.CheckConstraint(
            "summary_sequence BETWEEN 0 AND last_sequence", name=op.f("ck_conversations_summary_sequence")
        ),
    )
    op.create_index(
        "uq_conversations_conversation_id",
        "conversations",
        ["organization_id", "conversation_id"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
        sqlite_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index("ix_conversations_page", "conversations", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_conversations_user_id",
        "conversations",
        ["organization_id", "user_id", "status", "last_activity"],
    )
    op.create_index("ix_conversations_report_id", "conversations", ["organization_id", "report_id"])
    op.create_index("ix_conversations_expires_at", "conversations", ["organization_id", "expires_at"])


def _messages() -> None:
    op.create_table(
        "messages",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("role_alias", sa.String(32), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("message_id", sa.String(255), nullable=True),
        sa.Column("intent", sa.String(100), nullable=True),
        sa.Column("model_used", sa.String(100), nullable=True),
        sa.Column("cost", COST, nullable=False),
        sa.Column("sources", DOCUMENT, nullable=False),
        sa.Column("extra_metadata", DOCUMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_messages"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_messages_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "conversation_id"],
            ["conversations.organization_id", "conversations.id"],
            name="fk_messages_conversation_id_conversations",
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint(
            "organization_id",
            "conversation_id",
            "sequence",
            name="uq_messages_organization_id_conversation_id_sequence",
        ),
        sa.UniqueConstraint("organization_id", "message_id", name="uq_messages_organization_id_message_id"),
        sa.CheckConstraint("role IN ('user', 'assistant', 'system', 'tool')", name=op.f("ck_messages_role")),
        sa.CheckConstraint("sequence > 0", name=op.f("ck_messages_sequence")),
        sa.CheckConstraint("cost >= 0", name=op.f("ck_messages_cost")),
    )
    op.create_index(
        "ix_messages_conversation_id", "messages", ["organization_id", "conversation_id", "created_at"]
    )
    op.create_index("ix_messages_page", "messages", ["organization_id", "created_at", "id"])
