# ruff: noqa: S608 - names are literals of this file
"""What was sent: endpoints of two kinds that can be switched off, and a log of every message and attempt."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from procur.db.migrations import steps

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)
ENDPOINT = (
    *("organization_id", "id", "url", "description", "event_types", "signing_key", "is_active"),
    *("created_by", "created_at", "updated_at", "deleted_at"),
)
NOTIFICATION = (
    *("organization_id", "id", "recipient", "user_id", "channel", "subject", "body", "state", "sent_at"),
    *("read_at", "message_id", "error", "created_at", "updated_at"),
)


def upgrade() -> None:
    _rebuild(
        {"webhook_endpoints": ENDPOINT, "notifications": NOTIFICATION},
        fill={
            "webhook_endpoints": {"kind": "'json'"},
            "notifications": {"attempts": "0", "content": "'{}'"},
        },
        new=True,
    )


def downgrade() -> None:
    op.execute("UPDATE notifications SET state = 'failed' WHERE state = 'suppressed'")
    _rebuild({"webhook_endpoints": ENDPOINT, "notifications": NOTIFICATION}, fill={}, new=False)


def _rebuild(tables: dict[str, tuple[str, ...]], *, fill: dict[str, dict[str, str]], new: bool) -> None:
    """Make the tables anew around their rows: SQLite cannot change a CHECK or add a reference in place."""
    for table in reversed(tables):
        op.execute(f"CREATE TABLE {table}_kept AS SELECT * FROM {table}")
        op.drop_table(table)
    _webhook_endpoints(new=new)
    _notifications(new=new)
    for table, columns in tables.items():
        given = dict.fromkeys(columns) | fill.get(table, {})
        values = ", ".join(
            f"CAST({value} AS {'jsonb' if steps.on_postgresql() else 'text'})"
            if name == "content"
            else value or name
            for name, value in given.items()
        )
        op.execute(f"INSERT INTO {table} ({', '.join(given)}) SELECT {values} FROM {table}_kept")
        op.drop_table(f"{table}_kept")
        steps.wall(table)
        steps.touch(table)


def _webhook_endpoints(*, new: bool) -> None:
    more: list[Any] = [
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("previous_key", sa.String(512), nullable=True),
        sa.Column("previous_key_until", MOMENT, nullable=True),
        sa.Column("failing_since", MOMENT, nullable=True),
        sa.Column("disabled_at", MOMENT, nullable=True),
        sa.Column("disabled_reason", sa.String(300), nullable=True),
        sa.CheckConstraint("kind IN ('json', 'slack')", name=op.f("ck_webhook_endpoints_kind")),
    ]
    op.create_table(
        "webhook_endpoints",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.String(2000), nullable=False),
        sa.Column("description", sa.String(300), nullable=True),
        sa.Column("event_types", DOCUMENT, nullable=False),
        sa.Column("signing_key", sa.String(512), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        *(more if new else []),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_webhook_endpoints"),
        sa.ForeignKeyConstraint(
            ["organization_id", "created_by"],
            ["user_accounts.organization_id", "user_accounts.id"],
            name="fk_webhook_endpoints_created_by_user_accounts",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name="fk_webhook_endpoints_organization_id_organizations",
        ),
    )
    op.create_index("ix_webhook_endpoints_page", "webhook_endpoints", ["organization_id", "created_at", "id"])
    op.create_index(
        "uq_webhook_endpoints_url",
        "webhook_endpoints",
        ["organization_id", "url"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
        sqlite_where=sa.text("deleted_at IS NULL"),
    )


def _notifications(*, new: bool) -> None:
    states = "'pending', 'sent', 'failed', 'suppressed'" if new else "'pending', 'sent', 'failed'"
    more: list[Any] = [
        sa.Column("topic", sa.String(120), nullable=True),
        sa.Column("event_id", sa.Uuid(), nullable=True),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("endpoint_id", sa.Uuid(), nullable=True),
        sa.Column("content", DOCUMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("last_attempt_at", MOMENT, nullable=True),
        sa.Column("next_attempt_at", MOMENT, nullable=True),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_notifications_attempts")),
        sa.ForeignKeyConstraint(
            ["organization_id", "endpoint_id"],
            ["webhook_endpoints.organization_id", "webhook_endpoints.id"],
            name="fk_notifications_endpoint_id_webhook_endpoints",
        ),
    ]
    op.create_table(
        "notifications",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recipient", sa.String(254), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("channel", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(300), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("sent_at", MOMENT, nullable=True),
        sa.Column("read_at", MOMENT, nullable=True),
        sa.Column("message_id", sa.String(255), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        *(more if new else []),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_notifications"),
        sa.CheckConstraint(
            "channel IN ('email', 'slack', 'webhook', 'in_app')", name=op.f("ck_notifications_channel")
        ),
        sa.CheckConstraint("state <> 'sent' OR sent_at IS NOT NULL", name=op.f("ck_notifications_sent")),
        sa.CheckConstraint(f"state IN ({states})", name=op.f("ck_notifications_state")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_notifications_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "user_id"],
            ["user_accounts.organization_id", "user_accounts.id"],
            name="fk_notifications_user_id_user_accounts",
        ),
        sa.UniqueConstraint(
            "organization_id", "message_id", name="uq_notifications_organization_id_message_id"
        ),
    )
    indexes: dict[str, list[str]] = {
        "page": ["created_at", "id"],
        "recipient": ["recipient", "created_at", "id"],
        "state": ["state", "created_at", "id"],
    }
    if new:
        indexes |= {
            "user_id": ["user_id", "created_at", "id"],
            "endpoint_id": ["endpoint_id", "created_at", "id"],
            "event_id": ["event_id"],
        }
    for name, columns in indexes.items():
        op.create_index(f"ix_notifications_{name}", "notifications", ["organization_id", *columns])
