"""PostgreSQL's row-level security on the tables of 0001; SQLite has none and relies on the session."""

from procur.db.migrations import steps

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = (
    "approvals",
    "audit_logs",
    "contracts",
    "events",
    "mandates",
    "negotiation_sessions",
    "number_sequences",
    "offers",
    "policy_configs",
    "purchase_order_lines",
    "purchase_orders",
    "requests",
    "user_accounts",
    "vendor_evidence",
    "vendor_profiles",
)


def upgrade() -> None:
    for table in TABLES:
        steps.wall(table)
    steps.wall("organizations", "id")


def downgrade() -> None:
    steps.unwall("organizations")
    for table in reversed(TABLES):
        steps.unwall(table)
