"""The one Alembic tree for SQLite and PostgreSQL."""
