"""Jobs and schedules, deliveries of events, idempotency, webhooks, notifications."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from procur.db.migrations import steps

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)
TABLES = (
    "jobs",
    "job_steps",
    "schedules",
    "event_deliveries",
    "event_offsets",
    "inbox",
    "idempotency_keys",
    "webhook_endpoints",
    "notifications",
)


def upgrade() -> None:
    _jobs()
    _job_steps()
    _schedules()
    _event_deliveries()
    _event_offsets()
    _inbox()
    _idempotency_keys()
    _webhook_endpoints()
    _notifications()
    for table in TABLES:
        steps.wall(table)
        steps.touch(table)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(120), nullable=False),
        sa.Column("queue", sa.String(64), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("payload", DOCUMENT, nullable=False),
        sa.Column("dedupe_key", sa.String(200), nullable=True),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("run_at", MOMENT, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.Column("lease_token", sa.Uuid(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("result", DOCUMENT, nullable=True),
        sa.Column("correlation_id", sa.String(64), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_jobs"),
        sa.CheckConstraint("attempt >= 0", name=op.f("ck_jobs_attempt")),
        sa.CheckConstraint(
            "state IN ('ready', 'running') OR finished_at IS NOT NULL", name=op.f("ck_jobs_finished")
        ),
        sa.CheckConstraint(
            "state <> 'running' OR (lease_token IS NOT NULL AND lease_until IS NOT NULL)",
            name=op.f("ck_jobs_leased"),
        ),
        sa.CheckConstraint("max_attempts > 0", name=op.f("ck_jobs_max_attempts")),
        sa.CheckConstraint(
            "state IN ('ready', 'running', 'done', 'failed', 'dead', 'cancelled')", name=op.f("ck_jobs_state")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "created_by"],
            ["user_accounts.organization_id", "user_accounts.id"],
            name="fk_jobs_created_by_user_accounts",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_jobs_organization_id_organizations"
        ),
    )
    op.create_index("ix_jobs_correlation_id", "jobs", ["organization_id", "correlation_id"])
    op.create_index(
        "ix_jobs_leases",
        "jobs",
        ["lease_until"],
        postgresql_where=sa.text("state = 'running'"),
        sqlite_where=sa.text("state = 'running'"),
    )
    op.create_index("ix_jobs_page", "jobs", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_jobs_ready",
        "jobs",
        ["queue", "priority", "run_at"],
        postgresql_where=sa.text("state = 'ready'"),
        sqlite_where=sa.text("state = 'ready'"),
    )
    op.create_index("ix_jobs_state", "jobs", ["organization_id", "state", "created_at", "id"])
    op.create_index(
        "uq_jobs_dedupe_key",
        "jobs",
        ["organization_id", "kind", "dedupe_key"],
        unique=True,
        postgresql_where=sa.text("dedupe_key IS NOT NULL AND state <> 'cancelled'"),
        sqlite_where=sa.text("dedupe_key IS NOT NULL AND state <> 'cancelled'"),
    )


def _job_steps() -> None:
    op.create_table(
        "job_steps",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.String(200), nullable=False),
        sa.Column("result", DOCUMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_job_steps"),
        sa.ForeignKeyConstraint(
            ["organization_id", "job_id"],
            ["jobs.organization_id", "jobs.id"],
            name="fk_job_steps_job_id_jobs",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_job_steps_organization_id_organizations"
        ),
        sa.UniqueConstraint(
            "organization_id", "job_id", "step", name="uq_job_steps_organization_id_job_id_step"
        ),
    )


def _schedules() -> None:
    op.create_table(
        "schedules",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("kind", sa.String(120), nullable=False),
        sa.Column("queue", sa.String(64), nullable=False),
        sa.Column("payload", DOCUMENT, nullable=False),
        sa.Column("cron", sa.String(120), nullable=False),
        sa.Column("timezone", sa.String(64), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("next_run_at", MOMENT, nullable=False),
        sa.Column("last_run_at", MOMENT, nullable=True),
        sa.Column("last_job_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_schedules"),
        sa.ForeignKeyConstraint(
            ["organization_id", "last_job_id"],
            ["jobs.organization_id", "jobs.id"],
            name="fk_schedules_last_job_id_jobs",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_schedules_organization_id_organizations"
        ),
        sa.UniqueConstraint("organization_id", "name", name="uq_schedules_organization_id_name"),
    )
    op.create_index(
        "ix_schedules_due",
        "schedules",
        ["next_run_at"],
        postgresql_where=sa.text("is_active"),
        sqlite_where=sa.text("is_active"),
    )
    op.create_index("ix_schedules_page", "schedules", ["organization_id", "created_at", "id"])


def _event_deliveries() -> None:
    op.create_table(
        "event_deliveries",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("consumer", sa.String(120), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", MOMENT, nullable=False),
        sa.Column("delivered_at", MOMENT, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_event_deliveries"),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_event_deliveries_attempts")),
        sa.CheckConstraint("state IN ('pending', 'done', 'dead')", name=op.f("ck_event_deliveries_state")),
        sa.ForeignKeyConstraint(
            ["organization_id", "event_id"],
            ["events.organization_id", "events.id"],
            name="fk_event_deliveries_event_id_events",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name="fk_event_deliveries_organization_id_organizations",
        ),
        sa.UniqueConstraint(
            "organization_id",
            "consumer",
            "event_id",
            name="uq_event_deliveries_organization_id_consumer_event_id",
        ),
    )
    op.create_index(
        "ix_event_deliveries_due",
        "event_deliveries",
        ["consumer", "next_attempt_at"],
        postgresql_where=sa.text("state = 'pending'"),
        sqlite_where=sa.text("state = 'pending'"),
    )
    op.create_index("ix_event_deliveries_page", "event_deliveries", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_event_deliveries_state",
        "event_deliveries",
        ["organization_id", "state", "consumer", "created_at"],
    )


def _event_offsets() -> None:
    op.create_table(
        "event_offsets",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("consumer", sa.String(120), nullable=False),
        sa.Column("position", sa.String(200), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_event_offsets"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_event_offsets_organization_id_organizations"
        ),
        sa.UniqueConstraint("organization_id", "consumer", name="uq_event_offsets_organization_id_consumer"),
    )


def _inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("consumer", sa.String(120), nullable=False),
        sa.Column("event_id", sa.String(200), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_inbox"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_inbox_organization_id_organizations"
        ),
        sa.UniqueConstraint(
            "organization_id", "consumer", "event_id", name="uq_inbox_organization_id_consumer_event_id"
        ),
    )
    op.create_index("ix_inbox_created_at", "inbox", ["organization_id", "created_at"])


def _idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.String(200), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("request_hash", sa.String(64), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("claim", sa.Uuid(), nullable=False),
        sa.Column("response_status", sa.Integer(), nullable=True),
        sa.Column("response_body", DOCUMENT, nullable=True),
        sa.Column("locked_until", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_idempotency_keys"),
        sa.CheckConstraint(
            "state <> 'done' OR response_status IS NOT NULL", name=op.f("ck_idempotency_keys_answered")
        ),
        sa.CheckConstraint(
            "response_status BETWEEN 100 AND 599", name=op.f("ck_idempotency_keys_response_status")
        ),
        sa.CheckConstraint("state IN ('in_flight', 'done')", name=op.f("ck_idempotency_keys_state")),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name="fk_idempotency_keys_organization_id_organizations",
        ),
        sa.UniqueConstraint(
            "organization_id", "scope", "key", name="uq_idempotency_keys_organization_id_scope_key"
        ),
    )
    op.create_index("ix_idempotency_keys_expires_at", "idempotency_keys", ["organization_id", "expires_at"])


def _webhook_endpoints() -> None:
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


def _notifications() -> None:
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
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_notifications"),
        sa.CheckConstraint(
            "channel IN ('email', 'slack', 'webhook', 'in_app')", name=op.f("ck_notifications_channel")
        ),
        sa.CheckConstraint("state <> 'sent' OR sent_at IS NOT NULL", name=op.f("ck_notifications_sent")),
        sa.CheckConstraint("state IN ('pending', 'sent', 'failed')", name=op.f("ck_notifications_state")),
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
    op.create_index("ix_notifications_page", "notifications", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_notifications_recipient", "notifications", ["organization_id", "recipient", "created_at", "id"]
    )
    op.create_index(
        "ix_notifications_state", "notifications", ["organization_id", "state", "created_at", "id"]
    )
