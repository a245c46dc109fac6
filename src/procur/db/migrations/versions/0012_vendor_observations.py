"""What was seen of vendors: field by field, from where, when, and in which words."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from procur.db.migrations import steps

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)
KINDS = "'person', 'import', 'feed', 'json_ld', 'price_page', 'compliance_page'"


def upgrade() -> None:
    op.create_table(
        "vendor_observations",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("field", sa.String(120), nullable=False),
        sa.Column("value", DOCUMENT, nullable=False),
        sa.Column("source", sa.String(500), nullable=False),
        sa.Column("source_kind", sa.String(32), nullable=False),
        sa.Column("method", sa.String(80), nullable=False),
        sa.Column("quote", sa.String(200), nullable=True),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("observed_at", MOMENT, nullable=False),
        sa.Column("value_since", MOMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_vendor_observations"),
        sa.CheckConstraint(f"source_kind IN ({KINDS})", name=op.f("ck_vendor_observations_source_kind")),
        sa.CheckConstraint("trim(source) <> ''", name=op.f("ck_vendor_observations_source")),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name="fk_vendor_observations_organization_id_organizations",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "vendor_id"],
            ["vendor_profiles.organization_id", "vendor_profiles.id"],
            name="fk_vendor_observations_vendor_id_vendor_profiles",
        ),
    )
    op.create_index(
        "uq_vendor_observations_field",
        "vendor_observations",
        ["organization_id", "vendor_id", "field", "source"],
        unique=True,
    )
    op.create_index(
        "ix_vendor_observations_page", "vendor_observations", ["organization_id", "created_at", "id"]
    )
    steps.wall("vendor_observations")
    steps.touch("vendor_observations")
    op.create_index(
        "ix_vendor_profiles_enriched", "vendor_profiles", ["organization_id", "last_enriched_at", "id"]
    )


def downgrade() -> None:
    op.drop_index("ix_vendor_profiles_enriched", "vendor_profiles")
    op.drop_table("vendor_observations")
