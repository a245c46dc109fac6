"""Facts get their place in a log after the commit; jobs say who has them and why they were asked for."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from procur.db.migrations import steps

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
READY = sa.text("state = 'ready'")


def upgrade() -> None:
    _jobs()
    op.add_column("events", sa.Column("position", sa.BigInteger(), nullable=True))
    op.add_column("events", sa.Column("trace", sa.String(64), nullable=True))
    op.create_index("uq_events_position", "events", ["organization_id", "position"], unique=True)
    op.create_table(
        "event_heads",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", name="pk_event_heads"),
        sa.CheckConstraint("position >= 0", name=op.f("ck_event_heads_position")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_event_heads_organization_id_organizations"
        ),
    )
    steps.wall("event_heads")
    # Positions were texts that nothing has written yet; now they are places in the log.
    op.drop_table("event_offsets")
    _event_offsets(
        sa.BigInteger(), sa.CheckConstraint("position >= 0", name=op.f("ck_event_offsets_position"))
    )


def downgrade() -> None:
    op.drop_table("event_offsets")
    _event_offsets(sa.String(200))
    op.drop_table("event_heads")
    op.drop_index("uq_events_position", "events")
    op.drop_column("events", "trace")
    op.drop_column("events", "position")
    op.drop_index("ix_jobs_ready", "jobs")
    for column in ("started_at", "worker", "trace", "causation_id"):
        op.drop_column("jobs", column)
    op.create_index(
        "ix_jobs_ready", "jobs", ["queue", "priority", "run_at"], postgresql_where=READY, sqlite_where=READY
    )


def _jobs() -> None:
    op.add_column("jobs", sa.Column("causation_id", sa.String(64), nullable=True))
    op.add_column("jobs", sa.Column("trace", sa.String(64), nullable=True))
    op.add_column("jobs", sa.Column("worker", sa.String(120), nullable=True))
    op.add_column("jobs", sa.Column("started_at", MOMENT, nullable=True))
    op.drop_index("ix_jobs_ready", "jobs")
    op.create_index(
        "ix_jobs_ready",
        "jobs",
        ["queue", "organization_id", "priority", "run_at", "id"],
        postgresql_where=READY,
        sqlite_where=READY,
    )


def _event_offsets(position: "sa.types.TypeEngine[Any]", *checks: sa.CheckConstraint) -> None:
    op.create_table(
        "event_offsets",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("consumer", sa.String(120), nullable=False),
        sa.Column("position", position, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_event_offsets"),
        *checks,
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_event_offsets_organization_id_organizations"
        ),
        sa.UniqueConstraint("organization_id", "consumer", name="uq_event_offsets_organization_id_consumer"),
    )
    steps.wall("event_offsets")
    steps.touch("event_offsets")
