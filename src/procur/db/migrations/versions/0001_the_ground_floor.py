"""The ground floor: organisations, people, buying, approvals, audit, events."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from procur.db.migrations import guards_0001 as guards

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MONEY = sa.Numeric(18, 4).with_variant(sa.BigInteger(), "sqlite")  # SQLite: ten-thousandths
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)

TABLES = (
    "organizations",
    "audit_logs",
    "events",
    "number_sequences",
    "user_accounts",
    "vendor_profiles",
    "approvals",
    "policy_configs",
    "requests",
    "vendor_evidence",
    "mandates",
    "negotiation_sessions",
    "offers",
    "contracts",
    "purchase_orders",
    "purchase_order_lines",
)
# Keys that close a circle between tables: SQLite takes them in CREATE TABLE, PostgreSQL only afterwards.
CIRCLES = (
    (
        "fk_requests_awarded_offer_id_offers",
        "requests",
        "offers",
        ["organization_id", "awarded_offer_id"],
        ["organization_id", "id"],
    ),
    (
        "fk_negotiation_sessions_final_offer_id_offers",
        "negotiation_sessions",
        "offers",
        ["organization_id", "final_offer_id"],
        ["organization_id", "id"],
    ),
)


def upgrade() -> None:
    _organizations()
    _audit_logs()
    _events()
    _number_sequences()
    _user_accounts()
    _vendor_profiles()
    _approvals()
    _policy_configs()
    _requests()
    _vendor_evidence()
    _mandates()
    _negotiation_sessions()
    _offers()
    _contracts()
    _purchase_orders()
    _purchase_order_lines()
    dialect = op.get_bind().dialect.name
    if dialect == "postgresql":
        for name, table, referred, columns, keys in CIRCLES:
            op.create_foreign_key(name, table, referred, columns, keys)
    for statement in guards.postgresql() if dialect == "postgresql" else guards.sqlite():
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    dialect = op.get_bind().dialect.name
    if dialect == "postgresql":
        for name, table, *_ in CIRCLES:
            op.drop_constraint(name, table, type_="foreignkey")
    for table in reversed(TABLES):
        if (
            dialect == "sqlite"
        ):  # dropping a table deletes its rows first, which the append-only triggers refuse
            op.execute(sa.text(f"DROP TRIGGER IF EXISTS append_only_{table}_delete"))
        op.drop_table(table)
    for function in guards.FUNCTIONS if dialect == "postgresql" else ():
        op.execute(sa.text(f"DROP FUNCTION {function}()"))


def _organizations() -> None:
    op.create_table(
        "organizations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("slug", sa.String(80), nullable=False),
        sa.Column("subscription_tier", sa.String(32), nullable=False),
        sa.Column("monthly_analysis_limit", sa.Integer(), nullable=False),
        sa.Column("monthly_analysis_count", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("industry", sa.String(120), nullable=True),
        sa.Column("country", sa.String(80), nullable=True),
        sa.Column("billing_email", sa.String(254), nullable=True),
        sa.Column("settings", DOCUMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_organizations"),
        sa.CheckConstraint(
            "monthly_analysis_count >= 0", name=op.f("ck_organizations_monthly_analysis_count")
        ),
        sa.CheckConstraint(
            "monthly_analysis_limit >= 0", name=op.f("ck_organizations_monthly_analysis_limit")
        ),
        sa.CheckConstraint(
            "subscription_tier IN ('free', 'basic', 'pro', 'enterprise')",
            name=op.f("ck_organizations_subscription_tier"),
        ),
    )
    op.create_index(
        "uq_organizations_slug",
        "organizations",
        ["slug"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
        sqlite_where=sa.text("deleted_at IS NULL"),
    )


def _audit_logs() -> None:
    op.create_table(
        "audit_logs",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.String(64), nullable=True),
        sa.Column("actor_type", sa.String(32), nullable=False),
        sa.Column("actor_id", sa.String(200), nullable=True),
        sa.Column("action", sa.String(120), nullable=False),
        sa.Column("event_category", sa.String(32), nullable=False),
        sa.Column("severity", sa.String(32), nullable=False),
        sa.Column("resource_type", sa.String(64), nullable=True),
        sa.Column("resource_id", sa.String(64), nullable=True),
        sa.Column("negotiation_session_id", sa.Uuid(), nullable=True),
        sa.Column("event_data", DOCUMENT, nullable=False),
        sa.Column("changes", DOCUMENT, nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("ip_address", sa.String(64), nullable=True),
        sa.Column("user_agent", sa.String(512), nullable=True),
        sa.Column("correlation_id", sa.String(64), nullable=True),
        sa.Column("previous_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_audit_logs"),
        sa.CheckConstraint(
            "actor_type IN ('user', 'system', 'agent')", name=op.f("ck_audit_logs_actor_type")
        ),
        sa.CheckConstraint(
            "event_category IN ('security', 'compliance', 'access', 'system', 'general')",
            name=op.f("ck_audit_logs_event_category"),
        ),
        sa.CheckConstraint(
            "severity IN ('debug', 'info', 'warning', 'error', 'critical')",
            name=op.f("ck_audit_logs_severity"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_audit_logs_organization_id_organizations"
        ),
        sa.UniqueConstraint("organization_id", "sequence", name="uq_audit_logs_organization_id_sequence"),
    )
    op.create_index("ix_audit_logs_action", "audit_logs", ["organization_id", "action", "sequence"])
    op.create_index(
        "ix_audit_logs_correlation_id", "audit_logs", ["organization_id", "correlation_id", "sequence"]
    )
    op.create_index(
        "ix_audit_logs_negotiation_session_id", "audit_logs", ["organization_id", "negotiation_session_id"]
    )
    op.create_index(
        "ix_audit_logs_resource",
        "audit_logs",
        ["organization_id", "resource_type", "resource_id", "sequence"],
    )
    op.create_index("ix_audit_logs_resource_id", "audit_logs", ["organization_id", "resource_id", "sequence"])
    op.create_index("ix_audit_logs_user_id", "audit_logs", ["organization_id", "user_id", "sequence"])


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.String(120), nullable=False),
        sa.Column("aggregate_type", sa.String(64), nullable=False),
        sa.Column("aggregate_id", sa.String(64), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("payload", DOCUMENT, nullable=False),
        sa.Column("metadata", DOCUMENT, nullable=False),
        sa.Column("correlation_id", sa.String(64), nullable=True),
        sa.Column("causation_id", sa.String(64), nullable=True),
        sa.Column("actor_type", sa.String(32), nullable=True),
        sa.Column("actor_id", sa.String(200), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.Column("published_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_events"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_events_organization_id_organizations"
        ),
    )
    op.create_index(
        "ix_events_aggregate", "events", ["organization_id", "aggregate_type", "aggregate_id", "occurred_at"]
    )
    op.create_index("ix_events_correlation_id", "events", ["organization_id", "correlation_id"])
    op.create_index("ix_events_page", "events", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_events_unpublished",
        "events",
        ["created_at", "id"],
        postgresql_where=sa.text("published_at IS NULL"),
        sqlite_where=sa.text("published_at IS NULL"),
    )
    op.create_index(
        "uq_events_version",
        "events",
        ["organization_id", "aggregate_type", "aggregate_id", "version"],
        unique=True,
    )


def _number_sequences() -> None:
    op.create_table(
        "number_sequences",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(64), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "kind", "year", name="pk_number_sequences"),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name="fk_number_sequences_organization_id_organizations",
        ),
    )


def _user_accounts() -> None:
    op.create_table(
        "user_accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("email_key", sa.String(508), nullable=False),
        sa.Column("username", sa.String(150), nullable=False),
        sa.Column("hashed_password", sa.String(255), nullable=False),
        sa.Column("full_name", sa.String(200), nullable=True),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("is_superuser", sa.Boolean(), nullable=False),
        sa.Column("is_verified", sa.Boolean(), nullable=False),
        sa.Column("team", sa.String(120), nullable=True),
        sa.Column("last_login_at", MOMENT, nullable=True),
        sa.Column("preferences", DOCUMENT, nullable=False),
        sa.Column("business_type", sa.String(32), nullable=True),
        sa.Column("company_size", sa.String(32), nullable=True),
        sa.Column("company_name", sa.String(200), nullable=True),
        sa.Column("monthly_volume", MONEY, nullable=True),
        sa.Column("password_changed_at", MOMENT, nullable=True),
        sa.Column("must_change_password", sa.Boolean(), nullable=False),
        sa.Column("failed_login_attempts", sa.Integer(), nullable=False),
        sa.Column("locked_until", MOMENT, nullable=True),
        sa.Column("mfa_enabled", sa.Boolean(), nullable=False),
        sa.Column("mfa_secret", sa.String(512), nullable=True),
        sa.Column("mfa_backup_codes", DOCUMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_user_accounts"),
        sa.CheckConstraint(
            "business_type IN ('Manufacturing', 'SaaS', 'Merchant')",
            name=op.f("ck_user_accounts_business_type"),
        ),
        sa.CheckConstraint(
            "company_size IN ('Micro', 'Small', 'Medium')", name=op.f("ck_user_accounts_company_size")
        ),
        sa.CheckConstraint("failed_login_attempts >= 0", name=op.f("ck_user_accounts_failed_login_attempts")),
        sa.CheckConstraint(
            "role IN ('owner', 'admin', 'approver', 'buyer', 'member', 'viewer', 'vendor')",
            name=op.f("ck_user_accounts_role"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_user_accounts_organization_id_organizations"
        ),
        sa.UniqueConstraint("organization_id", "id", name="uq_user_accounts_organization_id_id"),
    )
    op.create_index("ix_user_accounts_page", "user_accounts", ["organization_id", "created_at", "id"])
    op.create_index(
        "uq_user_accounts_email_key",
        "user_accounts",
        ["email_key"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
        sqlite_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "uq_user_accounts_username",
        "user_accounts",
        ["username"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
        sqlite_where=sa.text("deleted_at IS NULL"),
    )


def _vendor_profiles() -> None:
    op.create_table(
        "vendor_profiles",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("website", sa.String(500), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("category", sa.String(120), nullable=True),
        sa.Column("list_price", MONEY, nullable=True),
        sa.Column("price_tiers", DOCUMENT, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("features", DOCUMENT, nullable=False),
        sa.Column("integrations", DOCUMENT, nullable=False),
        sa.Column("certifications", DOCUMENT, nullable=False),
        sa.Column("compliance_frameworks", DOCUMENT, nullable=False),
        sa.Column("guardrails", DOCUMENT, nullable=False),
        sa.Column("exchange_policy", DOCUMENT, nullable=False),
        sa.Column("rating", sa.Double(), nullable=True),
        sa.Column("review_count", sa.Integer(), nullable=False),
        sa.Column("vendor_metadata", DOCUMENT, nullable=False),
        sa.Column("confidence_score", sa.Double(), nullable=True),
        sa.Column("data_source", sa.String(200), nullable=True),
        sa.Column("last_enriched_at", MOMENT, nullable=True),
        sa.Column("contact_email", sa.String(254), nullable=True),
        sa.Column("country", sa.String(80), nullable=True),
        sa.Column("tax_id", sa.String(64), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_vendor_profiles"),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_vendor_profiles_currency")),
        sa.CheckConstraint("list_price >= 0", name=op.f("ck_vendor_profiles_list_price")),
        sa.CheckConstraint("review_count >= 0", name=op.f("ck_vendor_profiles_review_count")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_vendor_profiles_organization_id_organizations"
        ),
    )
    op.create_index("ix_vendor_profiles_category", "vendor_profiles", ["organization_id", "category"])
    op.create_index("ix_vendor_profiles_name", "vendor_profiles", ["organization_id", "name"])
    op.create_index("ix_vendor_profiles_page", "vendor_profiles", ["organization_id", "created_at", "id"])
    op.create_index(
        "uq_vendor_profiles_vendor_id",
        "vendor_profiles",
        ["organization_id", "vendor_id"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
        sqlite_where=sa.text("deleted_at IS NULL"),
    )


def _approvals() -> None:
    op.create_table(
        "approvals",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject_type", sa.String(64), nullable=False),
        sa.Column("subject_id", sa.String(64), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("required_role", sa.String(64), nullable=True),
        sa.Column("required_permission", sa.String(120), nullable=True),
        sa.Column("required_person_id", sa.Uuid(), nullable=True),
        sa.Column("requester_id", sa.Uuid(), nullable=True),
        sa.Column("amount", MONEY, nullable=True),
        sa.Column("currency", sa.String(3), nullable=True),
        sa.Column("decision", sa.String(32), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("policy_trace", DOCUMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_approvals"),
        sa.CheckConstraint(
            "decision NOT IN ('approved', 'rejected') OR decided_by IS NOT NULL",
            name=op.f("ck_approvals_decided_by_somebody"),
        ),
        sa.CheckConstraint(
            "decision IN ('pending', 'approved', 'rejected', 'delegated', 'expired')",
            name=op.f("ck_approvals_decision"),
        ),
        sa.CheckConstraint("decided_by <> requester_id", name=op.f("ck_approvals_own_request")),
        sa.CheckConstraint("step > 0", name=op.f("ck_approvals_step")),
        sa.ForeignKeyConstraint(
            ["organization_id", "decided_by"],
            ["user_accounts.organization_id", "user_accounts.id"],
            name="fk_approvals_decided_by_user_accounts",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_approvals_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "requester_id"],
            ["user_accounts.organization_id", "user_accounts.id"],
            name="fk_approvals_requester_id_user_accounts",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "required_person_id"],
            ["user_accounts.organization_id", "user_accounts.id"],
            name="fk_approvals_required_person_id_user_accounts",
        ),
    )
    op.create_index("ix_approvals_decision", "approvals", ["organization_id", "decision", "created_at"])
    op.create_index("ix_approvals_page", "approvals", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_approvals_subject", "approvals", ["organization_id", "subject_type", "subject_id", "step"]
    )


def _policy_configs() -> None:
    op.create_table(
        "policy_configs",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("policy_name", sa.String(120), nullable=False),
        sa.Column("policy_type", sa.String(64), nullable=False),
        sa.Column("policy_data", DOCUMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_policy_configs"),
        sa.CheckConstraint("version > 0", name=op.f("ck_policy_configs_version")),
        sa.ForeignKeyConstraint(
            ["organization_id", "created_by"],
            ["user_accounts.organization_id", "user_accounts.id"],
            name="fk_policy_configs_created_by_user_accounts",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_policy_configs_organization_id_organizations"
        ),
        sa.UniqueConstraint(
            "organization_id",
            "policy_name",
            "version",
            name="uq_policy_configs_organization_id_policy_name_version",
        ),
    )
    op.create_index("ix_policy_configs_page", "policy_configs", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_policy_configs_policy_type", "policy_configs", ["organization_id", "policy_type", "is_active"]
    )


def _requests() -> None:
    op.create_table(
        "requests",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(200), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("request_type", sa.String(32), nullable=False),
        sa.Column("category", sa.String(120), nullable=True),
        sa.Column("budget_min", MONEY, nullable=True),
        sa.Column("budget_max", MONEY, nullable=True),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("billing_cadence", sa.String(32), nullable=True),
        sa.Column("must_haves", DOCUMENT, nullable=False),
        sa.Column("nice_to_haves", DOCUMENT, nullable=False),
        sa.Column("compliance_requirements", DOCUMENT, nullable=False),
        sa.Column("specs", DOCUMENT, nullable=False),
        sa.Column("needed_by", sa.Date(), nullable=True),
        sa.Column("department", sa.String(120), nullable=True),
        sa.Column("cost_center", sa.String(64), nullable=True),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("approved_at", MOMENT, nullable=True),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("awarded_offer_id", sa.Uuid(), nullable=True),
        sa.Column("seed", sa.BigInteger(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_requests"),
        sa.CheckConstraint("budget_max >= 0", name=op.f("ck_requests_budget_max")),
        sa.CheckConstraint("budget_min >= 0", name=op.f("ck_requests_budget_min")),
        sa.CheckConstraint("budget_min <= budget_max", name=op.f("ck_requests_budget_order")),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_requests_currency")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_requests_quantity")),
        sa.CheckConstraint(
            "request_type IN ('saas', 'hardware', 'services', 'goods')", name=op.f("ck_requests_request_type")
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'pending', 'sourcing', 'negotiating', 'awaiting_approval', "
            "'approved', 'rejected', 'contracted', 'cancelled')",
            name=op.f("ck_requests_status"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "approved_by"],
            ["user_accounts.organization_id", "user_accounts.id"],
            name="fk_requests_approved_by_user_accounts",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "awarded_offer_id"],
            ["offers.organization_id", "offers.id"],
            name="fk_requests_awarded_offer_id_offers",
            use_alter=True,
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_requests_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "user_id"],
            ["user_accounts.organization_id", "user_accounts.id"],
            name="fk_requests_user_id_user_accounts",
        ),
    )
    op.create_index("ix_requests_category", "requests", ["organization_id", "category"])
    op.create_index("ix_requests_page", "requests", ["organization_id", "created_at", "id"])
    op.create_index("ix_requests_status", "requests", ["organization_id", "status", "created_at"])
    op.create_index("ix_requests_user_id", "requests", ["organization_id", "user_id"])
    op.create_index(
        "uq_requests_request_id",
        "requests",
        ["organization_id", "request_id"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
        sqlite_where=sa.text("deleted_at IS NULL"),
    )


def _vendor_evidence() -> None:
    op.create_table(
        "vendor_evidence",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("framework", sa.String(120), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("source", sa.String(500), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_vendor_evidence"),
        sa.CheckConstraint(
            "kind IN ('certified', 'report', 'in_progress', 'claimed')", name=op.f("ck_vendor_evidence_kind")
        ),
        sa.CheckConstraint("trim(source) <> ''", name=op.f("ck_vendor_evidence_source")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_vendor_evidence_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "vendor_id"],
            ["vendor_profiles.organization_id", "vendor_profiles.id"],
            name="fk_vendor_evidence_vendor_id_vendor_profiles",
        ),
    )
    op.create_index(
        "uq_vendor_evidence_claim",
        "vendor_evidence",
        ["organization_id", "vendor_id", "framework", "kind", "source"],
        unique=True,
    )


def _mandates() -> None:
    op.create_table(
        "mandates",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("max_total", MONEY, nullable=False),
        sa.Column("max_yearly", MONEY, nullable=True),
        sa.Column("max_unit_price", MONEY, nullable=False),
        sa.Column("min_quantity", sa.BigInteger(), nullable=False),
        sa.Column("max_quantity", sa.BigInteger(), nullable=False),
        sa.Column("terms_months", DOCUMENT, nullable=False),
        sa.Column("payment_terms", DOCUMENT, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.Column("source", sa.String(32), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_mandates"),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_mandates_currency")),
        sa.CheckConstraint("max_quantity >= min_quantity", name=op.f("ck_mandates_max_quantity")),
        sa.CheckConstraint("max_total >= 0", name=op.f("ck_mandates_max_total")),
        sa.CheckConstraint("max_unit_price >= 0", name=op.f("ck_mandates_max_unit_price")),
        sa.CheckConstraint("max_yearly >= 0", name=op.f("ck_mandates_max_yearly")),
        sa.CheckConstraint("min_quantity > 0", name=op.f("ck_mandates_min_quantity")),
        sa.CheckConstraint("source IN ('person', 'policy')", name=op.f("ck_mandates_source")),
        sa.CheckConstraint("version > 0", name=op.f("ck_mandates_version")),
        sa.ForeignKeyConstraint(
            ["organization_id", "created_by"],
            ["user_accounts.organization_id", "user_accounts.id"],
            name="fk_mandates_created_by_user_accounts",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_mandates_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "request_id"],
            ["requests.organization_id", "requests.id"],
            name="fk_mandates_request_id_requests",
        ),
        sa.UniqueConstraint(
            "organization_id", "request_id", "version", name="uq_mandates_organization_id_request_id_version"
        ),
    )


def _negotiation_sessions() -> None:
    op.create_table(
        "negotiation_sessions",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.String(64), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mandate_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("current_round", sa.Integer(), nullable=False),
        sa.Column("max_rounds", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(32), nullable=True),
        sa.Column("outcome_reason", sa.Text(), nullable=True),
        sa.Column("final_offer_id", sa.Uuid(), nullable=True),
        sa.Column("counterpart", sa.String(32), nullable=False),
        sa.Column("plan", sa.String(120), nullable=True),
        sa.Column("list_unit_price", MONEY, nullable=True),
        sa.Column("seed", sa.BigInteger(), nullable=True),
        sa.Column("buyer_state", DOCUMENT, nullable=False),
        sa.Column("seller_state", DOCUMENT, nullable=False),
        sa.Column("opponent_model", DOCUMENT, nullable=False),
        sa.Column("started_at", MOMENT, nullable=True),
        sa.Column("completed_at", MOMENT, nullable=True),
        sa.Column("total_messages", sa.Integer(), nullable=False),
        sa.Column("savings_achieved", MONEY, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_negotiation_sessions"),
        sa.CheckConstraint(
            "counterpart IN ('simulated', 'person', 'agent')",
            name=op.f("ck_negotiation_sessions_counterpart"),
        ),
        sa.CheckConstraint(
            "current_round BETWEEN 0 AND max_rounds", name=op.f("ck_negotiation_sessions_current_round")
        ),
        sa.CheckConstraint("list_unit_price >= 0", name=op.f("ck_negotiation_sessions_list_unit_price")),
        sa.CheckConstraint("max_rounds > 0", name=op.f("ck_negotiation_sessions_max_rounds")),
        sa.CheckConstraint(
            "outcome IN ('accepted', 'no_agreement', 'withdrawn', 'escalated')",
            name=op.f("ck_negotiation_sessions_outcome"),
        ),
        sa.CheckConstraint(
            "status IN ('active', 'completed', 'failed', 'cancelled')",
            name=op.f("ck_negotiation_sessions_status"),
        ),
        sa.CheckConstraint("total_messages >= 0", name=op.f("ck_negotiation_sessions_total_messages")),
        sa.ForeignKeyConstraint(
            ["organization_id", "final_offer_id"],
            ["offers.organization_id", "offers.id"],
            name="fk_negotiation_sessions_final_offer_id_offers",
            use_alter=True,
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "mandate_id"],
            ["mandates.organization_id", "mandates.id"],
            name="fk_negotiation_sessions_mandate_id_mandates",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name="fk_negotiation_sessions_organization_id_organizations",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "request_id"],
            ["requests.organization_id", "requests.id"],
            name="fk_negotiation_sessions_request_id_requests",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "vendor_id"],
            ["vendor_profiles.organization_id", "vendor_profiles.id"],
            name="fk_negotiation_sessions_vendor_id_vendor_profiles",
        ),
    )
    op.create_index(
        "ix_negotiation_sessions_page", "negotiation_sessions", ["organization_id", "created_at", "id"]
    )
    op.create_index(
        "ix_negotiation_sessions_status", "negotiation_sessions", ["organization_id", "status", "created_at"]
    )
    op.create_index(
        "uq_negotiation_sessions_request_id_vendor_id",
        "negotiation_sessions",
        ["organization_id", "request_id", "vendor_id"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
        sqlite_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "uq_negotiation_sessions_session_id",
        "negotiation_sessions",
        ["organization_id", "session_id"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
        sqlite_where=sa.text("deleted_at IS NULL"),
    )


def _offers() -> None:
    op.create_table(
        "offers",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("offer_id", sa.String(64), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("negotiation_session_id", sa.Uuid(), nullable=True),
        sa.Column("mandate_id", sa.Uuid(), nullable=True),
        sa.Column("unit_price", MONEY, nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("term_months", sa.Integer(), nullable=False),
        sa.Column("payment_terms", sa.String(32), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("discount_percent", MONEY, nullable=True),
        sa.Column("value_adds", DOCUMENT, nullable=False),
        sa.Column("conditions", DOCUMENT, nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("utility_buyer", sa.Double(), nullable=True),
        sa.Column("utility_seller", sa.Double(), nullable=True),
        sa.Column("tco", MONEY, nullable=True),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("accepted_at", MOMENT, nullable=True),
        sa.Column("rejected", sa.Boolean(), nullable=False),
        sa.Column("round_number", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(32), nullable=False),
        sa.Column("rationale", DOCUMENT, nullable=False),
        sa.Column("strategy", sa.String(120), nullable=True),
        sa.Column("valid_until", MOMENT, nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_offers"),
        sa.CheckConstraint("accepted_at IS NULL OR accepted", name=op.f("ck_offers_accepted_at")),
        sa.CheckConstraint("actor IN ('buyer', 'seller')", name=op.f("ck_offers_actor")),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_offers_currency")),
        sa.CheckConstraint("NOT (accepted AND rejected)", name=op.f("ck_offers_decided_once")),
        sa.CheckConstraint(
            "payment_terms IN ('PREPAID', 'NET15', 'NET30', 'NET45', 'NET60', 'NET90', 'MILESTONES')",
            name=op.f("ck_offers_payment_terms"),
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_offers_quantity")),
        sa.CheckConstraint("round_number >= 0", name=op.f("ck_offers_round_number")),
        sa.CheckConstraint("term_months >= 0", name=op.f("ck_offers_term_months")),
        sa.CheckConstraint("unit_price >= 0", name=op.f("ck_offers_unit_price")),
        sa.ForeignKeyConstraint(
            ["organization_id", "mandate_id"],
            ["mandates.organization_id", "mandates.id"],
            name="fk_offers_mandate_id_mandates",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "negotiation_session_id"],
            ["negotiation_sessions.organization_id", "negotiation_sessions.id"],
            name="fk_offers_negotiation_session_id_negotiation_sessions",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_offers_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "request_id"],
            ["requests.organization_id", "requests.id"],
            name="fk_offers_request_id_requests",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "vendor_id"],
            ["vendor_profiles.organization_id", "vendor_profiles.id"],
            name="fk_offers_vendor_id_vendor_profiles",
        ),
    )
    op.create_index("ix_offers_request_id", "offers", ["organization_id", "request_id", "created_at"])
    op.create_index("ix_offers_vendor_id", "offers", ["organization_id", "vendor_id"])
    op.create_index(
        "uq_offers_offer_id",
        "offers",
        ["organization_id", "offer_id"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
        sqlite_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "uq_offers_one_accepted",
        "offers",
        ["organization_id", "negotiation_session_id"],
        unique=True,
        postgresql_where=sa.text("accepted AND deleted_at IS NULL"),
        sqlite_where=sa.text("accepted AND deleted_at IS NULL"),
    )
    op.create_index(
        "uq_offers_round",
        "offers",
        ["organization_id", "negotiation_session_id", "round_number", "actor"],
        unique=True,
    )


def _contracts() -> None:
    op.create_table(
        "contracts",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.String(64), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("final_offer_id", sa.Uuid(), nullable=False),
        sa.Column("unit_price", MONEY, nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("term_months", sa.Integer(), nullable=False),
        sa.Column("payment_terms", sa.String(32), nullable=False),
        sa.Column("total_value", MONEY, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("start_date", sa.Date(), nullable=False),
        sa.Column("end_date", sa.Date(), nullable=True),
        sa.Column("renewal_date", sa.Date(), nullable=True),
        sa.Column("renewal_notice_days", sa.Integer(), nullable=True),
        sa.Column("auto_renew", sa.Boolean(), nullable=False),
        sa.Column("document_url", sa.String(1000), nullable=True),
        sa.Column("document_path", sa.String(1000), nullable=True),
        sa.Column("document_hash", sa.String(128), nullable=True),
        sa.Column("template_version", sa.String(64), nullable=True),
        sa.Column("signed_by_buyer", sa.Boolean(), nullable=False),
        sa.Column("signed_by_vendor", sa.Boolean(), nullable=False),
        sa.Column("buyer_signature_date", MOMENT, nullable=True),
        sa.Column("vendor_signature_date", MOMENT, nullable=True),
        sa.Column("buyer_signer_id", sa.String(200), nullable=True),
        sa.Column("vendor_signer_id", sa.String(200), nullable=True),
        sa.Column("docusign_envelope_id", sa.String(128), nullable=True),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("purchase_order_id", sa.String(128), nullable=True),
        sa.Column("erp_sync_status", sa.String(32), nullable=True),
        sa.Column("erp_synced_at", MOMENT, nullable=True),
        sa.Column("value_adds", DOCUMENT, nullable=False),
        sa.Column("special_terms", DOCUMENT, nullable=False),
        sa.Column("sla_terms", DOCUMENT, nullable=False),
        sa.Column("payment_schedule", DOCUMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_contracts"),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_contracts_currency")),
        sa.CheckConstraint(
            "payment_terms IN ('PREPAID', 'NET15', 'NET30', 'NET45', 'NET60', 'NET90', 'MILESTONES')",
            name=op.f("ck_contracts_payment_terms"),
        ),
        sa.CheckConstraint("end_date >= start_date", name=op.f("ck_contracts_period")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_contracts_quantity")),
        sa.CheckConstraint("renewal_notice_days >= 0", name=op.f("ck_contracts_renewal_notice_days")),
        sa.CheckConstraint(
            "status IN ('draft', 'pending_signature', 'active', 'expired', 'terminated')",
            name=op.f("ck_contracts_status"),
        ),
        sa.CheckConstraint("term_months >= 0", name=op.f("ck_contracts_term_months")),
        sa.CheckConstraint("total_value >= 0", name=op.f("ck_contracts_total_value")),
        sa.CheckConstraint("unit_price >= 0", name=op.f("ck_contracts_unit_price")),
        sa.ForeignKeyConstraint(
            ["organization_id", "final_offer_id"],
            ["offers.organization_id", "offers.id"],
            name="fk_contracts_final_offer_id_offers",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_contracts_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "request_id"],
            ["requests.organization_id", "requests.id"],
            name="fk_contracts_request_id_requests",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "vendor_id"],
            ["vendor_profiles.organization_id", "vendor_profiles.id"],
            name="fk_contracts_vendor_id_vendor_profiles",
        ),
    )
    op.create_index("ix_contracts_page", "contracts", ["organization_id", "created_at", "id"])
    op.create_index("ix_contracts_request_id", "contracts", ["organization_id", "request_id"])
    op.create_index("ix_contracts_status", "contracts", ["organization_id", "status", "end_date"])
    op.create_index(
        "uq_contracts_contract_id",
        "contracts",
        ["organization_id", "contract_id"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
        sqlite_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "uq_contracts_request_id",
        "contracts",
        ["organization_id", "request_id"],
        unique=True,
        postgresql_where=sa.text("status <> 'terminated' AND deleted_at IS NULL"),
        sqlite_where=sa.text("status <> 'terminated' AND deleted_at IS NULL"),
    )


def _purchase_orders() -> None:
    op.create_table(
        "purchase_orders",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("po_number", sa.String(64), nullable=False),
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("issue_date", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("line_total", MONEY, nullable=False),
        sa.Column("tax_total", MONEY, nullable=False),
        sa.Column("payable", MONEY, nullable=False),
        sa.Column("xml_path", sa.String(1000), nullable=True),
        sa.Column("xml_hash", sa.String(128), nullable=True),
        sa.Column("document_path", sa.String(1000), nullable=True),
        sa.Column("document_hash", sa.String(128), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_purchase_orders"),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_purchase_orders_currency")),
        sa.CheckConstraint(
            "status IN ('draft', 'issued', 'acknowledged', 'received', 'invoiced', 'closed', 'cancelled')",
            name=op.f("ck_purchase_orders_status"),
        ),
        sa.CheckConstraint("payable = line_total + tax_total", name=op.f("ck_purchase_orders_totals")),
        sa.ForeignKeyConstraint(
            ["organization_id", "contract_id"],
            ["contracts.organization_id", "contracts.id"],
            name="fk_purchase_orders_contract_id_contracts",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_purchase_orders_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "vendor_id"],
            ["vendor_profiles.organization_id", "vendor_profiles.id"],
            name="fk_purchase_orders_vendor_id_vendor_profiles",
        ),
    )
    op.create_index("ix_purchase_orders_contract_id", "purchase_orders", ["organization_id", "contract_id"])
    op.create_index("ix_purchase_orders_page", "purchase_orders", ["organization_id", "created_at", "id"])
    op.create_index(
        "uq_purchase_orders_contract_id",
        "purchase_orders",
        ["organization_id", "contract_id"],
        unique=True,
        postgresql_where=sa.text("status <> 'cancelled' AND deleted_at IS NULL"),
        sqlite_where=sa.text("status <> 'cancelled' AND deleted_at IS NULL"),
    )
    op.create_index(
        "uq_purchase_orders_po_number",
        "purchase_orders",
        ["organization_id", "po_number"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
        sqlite_where=sa.text("deleted_at IS NULL"),
    )


def _purchase_order_lines() -> None:
    op.create_table(
        "purchase_order_lines",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("purchase_order_id", sa.Uuid(), nullable=False),
        sa.Column("line_number", sa.Integer(), nullable=False),
        sa.Column("item_name", sa.String(200), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("quantity", MONEY, nullable=False),
        sa.Column("unit_code", sa.String(16), nullable=False),
        sa.Column("unit_price", MONEY, nullable=False),
        sa.Column("line_total", MONEY, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_purchase_order_lines"),
        sa.CheckConstraint("line_number > 0", name=op.f("ck_purchase_order_lines_line_number")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_purchase_order_lines_quantity")),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name="fk_purchase_order_lines_organization_id_organizations",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "purchase_order_id"],
            ["purchase_orders.organization_id", "purchase_orders.id"],
            name="fk_purchase_order_lines_purchase_order_id_purchase_orders",
        ),
        sa.UniqueConstraint(
            "organization_id",
            "purchase_order_id",
            "line_number",
            name="uq_purchase_order_lines_line_number",
        ),
    )
