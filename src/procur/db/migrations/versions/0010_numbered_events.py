"""Facts get their place in a log after the commit; jobs say who has them and why they were asked for."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from procur.db.migrations import guards_0001, steps

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
READY = sa.text("state = 'ready'")
UNNUMBERED, UNPUBLISHED = sa.text("position IS NULL"), sa.text("published_at IS NULL")
_CHANGED = "an event cannot be changed"
# All that a fact says; version and position are given to it later, once.
_CONTENT = (*(name for name in guards_0001.FIXED["events"][1] if name != "version"), "trace")


def upgrade() -> None:
    _jobs()
    op.add_column("events", sa.Column("position", sa.BigInteger(), nullable=True))
    op.add_column("events", sa.Column("trace", sa.String(64), nullable=True))
    op.create_index("uq_events_position", "events", ["organization_id", "position"], unique=True)
    op.drop_index("ix_events_unpublished", "events")
    op.create_index(
        "ix_events_unnumbered",
        "events",
        ["organization_id", "created_at", "id"],
        postgresql_where=UNNUMBERED,
        sqlite_where=UNNUMBERED,
    )
    _refuse_changes(_CONTENT, once=("version", "position"))
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
        sa.BigInteger(),
        sa.Column("trying", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("trying_until", MOMENT, nullable=True),
        sa.CheckConstraint("position >= 0", name=op.f("ck_event_offsets_position")),
    )


def downgrade() -> None:
    op.drop_table("event_offsets")
    _event_offsets(sa.String(200))
    op.drop_table("event_heads")
    _refuse_changes(guards_0001.FIXED["events"][1])
    op.drop_index("ix_events_unnumbered", "events")
    op.create_index(
        "ix_events_unpublished",
        "events",
        ["created_at", "id"],
        postgresql_where=UNPUBLISHED,
        sqlite_where=UNPUBLISHED,
    )
    op.drop_index("uq_events_position", "events")
    op.drop_column("events", "trace")
    op.drop_column("events", "position")
    op.drop_index("ix_jobs_due", "jobs")
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
    op.create_index(
        "ix_jobs_due", "jobs", ["queue", "kind", "run_at"], postgresql_where=READY, sqlite_where=READY
    )


def _event_offsets(position: "sa.types.TypeEngine[Any]", *more: "sa.schema.SchemaItem") -> None:
    op.create_table(
        "event_offsets",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("consumer", sa.String(120), nullable=False),
        sa.Column("position", position, nullable=False),
        *more,
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_event_offsets"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_event_offsets_organization_id_organizations"
        ),
        sa.UniqueConstraint("organization_id", "consumer", name="uq_event_offsets_organization_id_consumer"),
    )
    steps.wall("event_offsets")
    steps.touch("event_offsets")


def _refuse_changes(fixed: Sequence[str], *, once: Sequence[str] = ()) -> None:
    """Let nobody change these columns of a fact, nor, once they are set, the others."""
    differs = "IS DISTINCT FROM" if steps.on_postgresql() else "IS NOT"
    changed = [f"NEW.{name} {differs} OLD.{name}" for name in fixed]
    changed += [f"(OLD.{name} IS NOT NULL AND NEW.{name} {differs} OLD.{name})" for name in once]
    when = " OR ".join(changed)
    if steps.on_postgresql():
        op.execute("DROP TRIGGER fixed_events ON events")
        op.execute(
            f"CREATE TRIGGER fixed_events BEFORE UPDATE ON events FOR EACH ROW WHEN ({when}) "
            f"EXECUTE FUNCTION procur_refuse('append_only', '{_CHANGED}')"
        )
        return
    op.execute("DROP TRIGGER fixed_events")
    op.execute(
        f"CREATE TRIGGER fixed_events BEFORE UPDATE ON events WHEN {when} "
        f"BEGIN SELECT RAISE(ABORT, 'procur:append_only:{_CHANGED}'); END"
    )
