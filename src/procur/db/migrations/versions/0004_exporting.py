"""Exporting: reports and what belongs to them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from procur.db.migrations import steps

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MONEY = sa.Numeric(18, 4).with_variant(sa.BigInteger(), "sqlite")  # SQLite: ten-thousandths
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)

TABLES = (
    "reports",
    "certification_progress",
    "generated_documents",
    "action_plan_progress",
    "finance_analysis",
    "logistics_analysis",
    "user_metrics",
)


def upgrade() -> None:
    _reports()
    _certification_progress()
    _generated_documents()
    _action_plan_progress()
    _finance_analysis()
    _logistics_analysis()
    _user_metrics()
    for table in TABLES:
        op.create_index(f"ix_{table}_page", table, ["organization_id", "created_at", "id"])
        steps.wall(table)
        steps.touch(table)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _reports() -> None:
    table = "reports"
    op.create_table(
        table,
        *_keys(),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("product_name", sa.String(255), nullable=False),
        sa.Column("product_image_url", sa.String(500), nullable=True),
        sa.Column("ingredients", sa.Text(), nullable=True),
        sa.Column("bom", sa.Text(), nullable=True),
        sa.Column("destination_country", sa.String(100), nullable=False),
        sa.Column("business_type", sa.String(32), nullable=False),
        sa.Column("company_size", sa.String(32), nullable=False),
        sa.Column("monthly_volume", sa.BigInteger(), nullable=True),
        sa.Column("price_range", sa.String(100), nullable=True),
        sa.Column("payment_mode", sa.String(100), nullable=True),
        sa.Column("hs_code", sa.String(20), nullable=True),
        sa.Column("hs_code_confidence", sa.Numeric(5, 2), nullable=True),
        sa.Column("risk_score", sa.Integer(), nullable=True),
        sa.Column("estimated_cost", MONEY, nullable=True),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("estimated_timeline_days", sa.Integer(), nullable=True),
        sa.Column("report_data", DOCUMENT, nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        *_times(),
        sa.Column("deleted_at", MOMENT, nullable=True),
        *_of_organization(table),
        _goes_with(table, "user_id", "user_accounts"),
        _check(table, "business_type", "business_type IN ('Manufacturing', 'SaaS', 'Merchant')"),
        _check(table, "company_size", "company_size IN ('Micro', 'Small', 'Medium')"),
        _check(table, "status", "status IN ('processing', 'completed', 'failed')"),
        _check(table, "monthly_volume", "monthly_volume >= 0"),
        _check(table, "hs_code_confidence", "hs_code_confidence >= 0 AND hs_code_confidence <= 100"),
        _check(table, "risk_score", "risk_score >= 0 AND risk_score <= 100"),
        _check(table, "estimated_cost", "estimated_cost >= 0"),
        _check(table, "currency", "length(currency) = 3"),
        _check(table, "estimated_timeline_days", "estimated_timeline_days >= 0"),
    )
    _index(table, "user_id", "created_at", "id")
    _index(table, "hs_code")
    _index(table, "destination_country", "created_at")
    _index(table, "status", "created_at")


def _certification_progress() -> None:
    table = "certification_progress"
    op.create_table(
        table,
        *_keys(),
        *_of_report_columns(),
        sa.Column("certification_id", sa.String(100), nullable=False),
        sa.Column("certification_name", sa.String(255), nullable=False),
        sa.Column("certification_type", sa.String(50), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("documents_completed", DOCUMENT, nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("started_at", MOMENT, nullable=True),
        sa.Column("completed_at", MOMENT, nullable=True),
        *_times(),
        *_of_organization(table),
        *_of_report(table),
        sa.UniqueConstraint(
            "organization_id", "report_id", "certification_id", name="uq_certification_progress_certification"
        ),
        _check(table, "status", "status IN ('not_started', 'in_progress', 'completed', 'rejected')"),
    )
    _index(table, "user_id")
    _index(table, "status")


def _generated_documents() -> None:
    table = "generated_documents"
    op.create_table(
        table,
        *_keys(),
        *_of_report_columns(),
        sa.Column("document_type", sa.String(32), nullable=False),
        sa.Column("document_data", DOCUMENT, nullable=False),
        sa.Column("pdf_url", sa.String(500), nullable=True),
        sa.Column("editable_url", sa.String(500), nullable=True),
        sa.Column("validation_results", DOCUMENT, nullable=False),
        sa.Column("is_valid", sa.Boolean(), nullable=False),
        *_times(),
        *_of_organization(table),
        *_of_report(table),
        _check(
            table,
            "document_type",
            "document_type IN ('commercial_invoice', 'packing_list', 'shipping_bill', 'gst_lut', 'softex', "
            "'certificate_of_origin')",
        ),
    )
    _index(table, "user_id")
    _index(table, "report_id", "document_type", "created_at")
    _index(table, "document_type")


def _action_plan_progress() -> None:
    table = "action_plan_progress"
    op.create_table(
        table,
        *_keys(),
        *_of_report_columns(),
        sa.Column("task_id", sa.String(100), nullable=False),
        sa.Column("day_number", sa.Integer(), nullable=False),
        sa.Column("task_title", sa.String(255), nullable=False),
        sa.Column("task_description", sa.Text(), nullable=True),
        sa.Column("task_category", sa.String(50), nullable=True),
        sa.Column("completed", sa.Boolean(), nullable=False),
        sa.Column("completed_at", MOMENT, nullable=True),
        *_times(),
        *_of_organization(table),
        *_of_report(table),
        _unique(table, "report_id", "task_id"),
        _check(table, "day_number", "day_number >= 1 AND day_number <= 7"),
    )
    _index(table, "user_id")
    _index(table, "completed")


def _finance_analysis() -> None:
    table = "finance_analysis"
    op.create_table(
        table,
        *_keys(),
        *_of_report_columns(),
        sa.Column("working_capital_data", DOCUMENT, nullable=False),
        sa.Column("pre_shipment_credit_data", DOCUMENT, nullable=True),
        sa.Column("rodtep_benefit_data", DOCUMENT, nullable=True),
        sa.Column("gst_refund_data", DOCUMENT, nullable=True),
        sa.Column("cash_flow_timeline", DOCUMENT, nullable=True),
        sa.Column("financing_options", DOCUMENT, nullable=True),
        *_times(),
        *_of_organization(table),
        *_of_report(table),
        _unique(table, "report_id"),
    )
    _index(table, "user_id")


def _logistics_analysis() -> None:
    table = "logistics_analysis"
    op.create_table(
        table,
        *_keys(),
        *_of_report_columns(),
        sa.Column("lcl_fcl_comparison", DOCUMENT, nullable=True),
        sa.Column("rms_probability_data", DOCUMENT, nullable=True),
        sa.Column("route_analysis", DOCUMENT, nullable=True),
        sa.Column("freight_estimate", DOCUMENT, nullable=True),
        sa.Column("insurance_recommendation", DOCUMENT, nullable=True),
        *_times(),
        *_of_organization(table),
        *_of_report(table),
        _unique(table, "report_id"),
    )
    _index(table, "user_id")


def _user_metrics() -> None:
    table = "user_metrics"
    counters = (
        "reports_generated",
        "certifications_completed",
        "documents_generated",
        "exports_completed",
        "timeline_reduction_days",
    )
    op.create_table(
        table,
        *_keys(),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in counters),
        sa.Column("cost_savings", MONEY, nullable=False),
        sa.Column("last_export_date", MOMENT, nullable=True),
        *_times(),
        *_of_organization(table),
        _goes_with(table, "user_id", "user_accounts"),
        _unique(table, "user_id"),
        *(_check(table, name, f"{name} >= 0") for name in (*counters, "cost_savings")),
    )


def _keys() -> list[sa.Column[object]]:
    return [
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
    ]


def _of_report_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
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


def _of_report(table: str) -> list[sa.Constraint]:
    return [_goes_with(table, "user_id", "user_accounts"), _goes_with(table, "report_id", "reports")]


def _goes_with(table: str, column: str, parent: str) -> sa.Constraint:
    return sa.ForeignKeyConstraint(
        ["organization_id", column],
        [f"{parent}.organization_id", f"{parent}.id"],
        name=f"fk_{table}_{column}_{parent}",
        ondelete="CASCADE",
    )


def _unique(table: str, *columns: str) -> sa.Constraint:
    keys = ("organization_id", *columns)
    return sa.UniqueConstraint(*keys, name=f"uq_{table}_{'_'.join(keys)}")


def _check(table: str, name: str, rule: str) -> sa.Constraint:
    return sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}"))


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{columns[0]}", table, ["organization_id", *columns])
