"""Sign-in: sessions, keys, past passwords, attempts, outside accounts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from procur.db.migrations import steps

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)
TABLES = (
    "user_sessions",
    "api_keys",
    "password_history",
    "login_attempts",
    "oauth_connections",
)
# Looked up before a tenant is known: their key is `id` alone.
IDENTITY = ("user_sessions", "api_keys", "oauth_connections")


def upgrade() -> None:
    _user_sessions()
    _api_keys()
    _password_history()
    _login_attempts()
    _oauth_connections()
    for table in TABLES:
        steps.wall(table)
        steps.touch(table, *(("id",) if table in IDENTITY else ()))


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _user_sessions() -> None:
    op.create_table(
        "user_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("last_seen_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.Column("ip_address", sa.String(64), nullable=True),
        sa.Column("user_agent", sa.String(512), nullable=True),
        sa.Column("rotated_from", sa.Uuid(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_user_sessions"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_user_sessions_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "rotated_from"],
            ["user_sessions.organization_id", "user_sessions.id"],
            name="fk_user_sessions_rotated_from_user_sessions",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "user_id"],
            ["user_accounts.organization_id", "user_accounts.id"],
            name="fk_user_sessions_user_id_user_accounts",
        ),
        sa.UniqueConstraint("organization_id", "id", name="uq_user_sessions_organization_id_id"),
        sa.UniqueConstraint("token_hash", name="uq_user_sessions_token_hash"),
    )
    op.create_index("ix_user_sessions_page", "user_sessions", ["organization_id", "created_at", "id"])
    op.create_index("ix_user_sessions_user_id", "user_sessions", ["organization_id", "user_id", "expires_at"])


def _api_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("key_prefix", sa.String(20), nullable=False),
        sa.Column("key_hash", sa.String(64), nullable=False),
        sa.Column("key_hint", sa.String(8), nullable=False),
        sa.Column("scopes", DOCUMENT, nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.Column("last_used_at", MOMENT, nullable=True),
        sa.Column("total_requests", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.Column("revoked_by", sa.Uuid(), nullable=True),
        sa.Column("revoked_reason", sa.String(300), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.CheckConstraint("total_requests >= 0", name=op.f("ck_api_keys_total_requests")),
        sa.ForeignKeyConstraint(
            ["organization_id", "created_by"],
            ["user_accounts.organization_id", "user_accounts.id"],
            name="fk_api_keys_created_by_user_accounts",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_api_keys_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "revoked_by"],
            ["user_accounts.organization_id", "user_accounts.id"],
            name="fk_api_keys_revoked_by_user_accounts",
        ),
        sa.UniqueConstraint("key_hash", name="uq_api_keys_key_hash"),
        sa.UniqueConstraint("organization_id", "id", name="uq_api_keys_organization_id_id"),
    )
    op.create_index("ix_api_keys_page", "api_keys", ["organization_id", "created_at", "id"])


def _password_history() -> None:
    op.create_table(
        "password_history",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("hashed_password", sa.String(255), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_password_history"),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name="fk_password_history_organization_id_organizations",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "user_id"],
            ["user_accounts.organization_id", "user_accounts.id"],
            name="fk_password_history_user_id_user_accounts",
        ),
    )
    op.create_index(
        "ix_password_history_user_id", "password_history", ["organization_id", "user_id", "created_at", "id"]
    )


def _login_attempts() -> None:
    op.create_table(
        "login_attempts",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("succeeded", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(120), nullable=True),
        sa.Column("ip_address", sa.String(64), nullable=True),
        sa.Column("user_agent", sa.String(512), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_login_attempts"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_login_attempts_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "user_id"],
            ["user_accounts.organization_id", "user_accounts.id"],
            name="fk_login_attempts_user_id_user_accounts",
        ),
    )
    op.create_index("ix_login_attempts_ip_address", "login_attempts", ["ip_address", "created_at"])
    op.create_index("ix_login_attempts_page", "login_attempts", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_login_attempts_user_id", "login_attempts", ["organization_id", "user_id", "created_at", "id"]
    )


def _oauth_connections() -> None:
    op.create_table(
        "oauth_connections",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("email", sa.String(254), nullable=True),
        sa.Column("last_login_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_oauth_connections"),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name="fk_oauth_connections_organization_id_organizations",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "user_id"],
            ["user_accounts.organization_id", "user_accounts.id"],
            name="fk_oauth_connections_user_id_user_accounts",
        ),
        sa.UniqueConstraint("organization_id", "id", name="uq_oauth_connections_organization_id_id"),
        sa.UniqueConstraint("provider", "subject", name="uq_oauth_connections_provider_subject"),
    )
    op.create_index("ix_oauth_connections_page", "oauth_connections", ["organization_id", "created_at", "id"])
    op.create_index("ix_oauth_connections_user_id", "oauth_connections", ["organization_id", "user_id"])
