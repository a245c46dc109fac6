"""Bidding, model calls, usage meters."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from procur.db.migrations import steps

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MONEY = sa.Numeric(18, 4).with_variant(sa.BigInteger(), "sqlite")  # SQLite: ten-thousandths
COST = sa.Numeric(18, 10).with_variant(sa.BigInteger(), "sqlite")  # SQLite: ten-billionths
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _tenders()
    _analysis_results()
    _bid_documents()
    _llm_calls()
    _usage_counters()
    for table in ("tenders", "analysis_results", "bid_documents", "llm_calls", "usage_counters"):
        steps.wall(table)
    for table in ("tenders", "analysis_results", "bid_documents"):
        steps.touch(table)
    steps.touch("usage_counters", "organization_id", "meter", "period")
    steps.append_only("llm_calls", called="model calls")


def downgrade() -> None:
    op.drop_table("usage_counters")
    if not steps.on_postgresql():  # dropping a table deletes its rows first, which this trigger refuses
        op.execute("DROP TRIGGER append_only_llm_calls_delete")
    op.drop_table("llm_calls")
    op.drop_table("bid_documents")
    op.drop_table("analysis_results")
    op.drop_table("tenders")


def _keys() -> list[sa.Column[object]]:
    return [
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
    ]


def _times() -> list[sa.Column[object]]:
    return [
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
    ]


def _of_organization(table: str) -> list[sa.Constraint]:
    return [
        sa.PrimaryKeyConstraint("organization_id", "id", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=f"fk_{table}_organization_id_organizations"
        ),
    ]


def _of_tender(table: str) -> sa.Constraint:
    return sa.ForeignKeyConstraint(
        ["organization_id", "tender_id"],
        ["tenders.organization_id", "tenders.id"],
        name=f"fk_{table}_tender_id_tenders",
    )


def _check(table: str, name: str, rule: str) -> sa.Constraint:
    return sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}"))


def _page(table: str) -> None:
    op.create_index(f"ix_{table}_page", table, ["organization_id", "created_at", "id"])


def _unique_where(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(
        name,
        table,
        columns,
        unique=True,
        postgresql_where=sa.text(where),
        sqlite_where=sa.text(where),
    )


def _tenders() -> None:
    op.create_table(
        "tenders",
        *_keys(),
        sa.Column("external_id", sa.String(255), nullable=True),
        sa.Column("source", sa.String(100), nullable=True),
        sa.Column("title", sa.String(500), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("organization_name", sa.String(255), nullable=False),
        sa.Column("deadline", sa.String(100), nullable=True),
        sa.Column("deadline_at", MOMENT, nullable=True),
        sa.Column("estimated_value", sa.String(100), nullable=True),
        sa.Column("estimated_amount", MONEY, nullable=True),
        sa.Column("estimated_currency", sa.String(3), nullable=True),
        sa.Column("url", sa.String(1000), nullable=True),
        sa.Column("location", sa.String(255), nullable=True),
        sa.Column("country", sa.String(80), nullable=True),
        sa.Column("cpv_codes", DOCUMENT, nullable=False),
        sa.Column("categories", DOCUMENT, nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("processing_time", sa.Double(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("published_at", MOMENT, nullable=True),
        sa.Column("raw", DOCUMENT, nullable=False),
        sa.Column("warnings", DOCUMENT, nullable=False),
        sa.Column("lots", DOCUMENT, nullable=False),
        *_times(),
        sa.Column("deleted_at", MOMENT, nullable=True),
        *_of_organization("tenders"),
        _check("tenders", "processing_time", "processing_time >= 0"),
        _check("tenders", "estimated_amount", "estimated_amount >= 0"),
        _check("tenders", "estimated_currency", "length(estimated_currency) = 3"),
        _check(
            "tenders",
            "status",
            "status IN ('pending', 'processing', 'filtered_out', 'rated_low', 'complete', 'error')",
        ),
    )
    _page("tenders")
    op.create_index("ix_tenders_status", "tenders", ["organization_id", "status", "created_at"])
    _unique_where(
        "uq_tenders_source_external_id",
        "tenders",
        ["organization_id", "source", "external_id"],
        "external_id IS NOT NULL AND deleted_at IS NULL",
    )
    _unique_where(
        "uq_tenders_external_id",
        "tenders",
        ["organization_id", "external_id"],
        "external_id IS NOT NULL AND source IS NULL AND deleted_at IS NULL",
    )


def _analysis_results() -> None:
    ratings = (
        "overall_score",
        "strategic_fit",
        "financial_attractiveness",
        "win_probability",
        "resource_requirements",
    )
    op.create_table(
        "analysis_results",
        *_keys(),
        sa.Column("tender_id", sa.Uuid(), nullable=False),
        sa.Column("is_relevant", sa.Boolean(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("filter_categories", DOCUMENT, nullable=False),
        sa.Column("filter_reasoning", sa.Text(), nullable=True),
        *(sa.Column(rating, sa.Double(), nullable=True) for rating in ratings),
        sa.Column("strengths", DOCUMENT, nullable=False),
        sa.Column("risks", DOCUMENT, nullable=False),
        sa.Column("requirements", DOCUMENT, nullable=False),
        sa.Column("recommendation", sa.Text(), nullable=True),
        sa.Column("llm_model", sa.String(100), nullable=True),
        sa.Column("processing_cost", COST, nullable=True),
        *_times(),
        *_of_organization("analysis_results"),
        _of_tender("analysis_results"),
        sa.UniqueConstraint(
            "organization_id", "tender_id", name="uq_analysis_results_organization_id_tender_id"
        ),
        _check("analysis_results", "confidence", "confidence BETWEEN 0 AND 1"),
        *(_check("analysis_results", rating, f"{rating} BETWEEN 0 AND 10") for rating in ratings),
        _check("analysis_results", "processing_cost", "processing_cost >= 0"),
    )
    _page("analysis_results")
    op.create_index(
        "ix_analysis_results_overall_score", "analysis_results", ["organization_id", "overall_score"]
    )


def _bid_documents() -> None:
    op.create_table(
        "bid_documents",
        *_keys(),
        sa.Column("tender_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("executive_summary", sa.Text(), nullable=False),
        sa.Column("capabilities", sa.Text(), nullable=False),
        sa.Column("approach", sa.Text(), nullable=False),
        sa.Column("value_proposition", sa.Text(), nullable=False),
        sa.Column("technical_approach", sa.Text(), nullable=True),
        sa.Column("timeline_estimate", sa.Text(), nullable=True),
        sa.Column("additional_sections", DOCUMENT, nullable=False),
        sa.Column("llm_model", sa.String(100), nullable=True),
        sa.Column("generation_cost", COST, nullable=True),
        *_times(),
        *_of_organization("bid_documents"),
        _of_tender("bid_documents"),
        _check("bid_documents", "version", "version >= 1"),
        _check("bid_documents", "generation_cost", "generation_cost >= 0"),
    )
    _page("bid_documents")
    op.create_index(
        "uq_bid_documents_version", "bid_documents", ["organization_id", "tender_id", "version"], unique=True
    )


def _llm_calls() -> None:
    op.create_table(
        "llm_calls",
        *_keys(),
        sa.Column("purpose", sa.String(64), nullable=False),
        sa.Column("model", sa.String(100), nullable=False),
        sa.Column("tokens_in", sa.BigInteger(), nullable=False),
        sa.Column("tokens_out", sa.BigInteger(), nullable=False),
        sa.Column("cost", COST, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("latency_ms", sa.Integer(), nullable=True),
        sa.Column("subject_type", sa.String(64), nullable=True),
        sa.Column("subject_id", sa.String(64), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        *_of_organization("llm_calls"),
        _check("llm_calls", "tokens_in", "tokens_in >= 0"),
        _check("llm_calls", "tokens_out", "tokens_out >= 0"),
        _check("llm_calls", "cost", "cost >= 0"),
        _check("llm_calls", "currency", "length(currency) = 3"),
        _check("llm_calls", "latency_ms", "latency_ms >= 0"),
    )
    _page("llm_calls")
    op.create_index("ix_llm_calls_subject", "llm_calls", ["organization_id", "subject_type", "subject_id"])


def _usage_counters() -> None:
    op.create_table(
        "usage_counters",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("meter", sa.String(64), nullable=False),
        sa.Column("period", sa.String(16), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        *_times(),
        sa.PrimaryKeyConstraint("organization_id", "meter", "period", name="pk_usage_counters"),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name="fk_usage_counters_organization_id_organizations",
        ),
        _check("usage_counters", "used", "used >= 0"),
    )
    op.create_index("ix_usage_counters_period", "usage_counters", ["organization_id", "period"])
