"""The names that documents of other systems use for the same database (docs/reference/coming-from.md)."""

from typing import Any

from procur.db.session import DatabaseSession, get_db_session, get_session

Database = DatabaseSession
get_db = session_scope = get_session


class _ProcessDatabase:
    """The process's database at the time of each call: importing it opens nothing and binds nothing."""

    def __getattr__(self, name: str) -> Any:
        return getattr(get_db_session(), name)


db_connection = _ProcessDatabase()


def check_db_connection() -> bool:
    """Say whether the process's database answers."""
    return get_db_session().check_connection()
