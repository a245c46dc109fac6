"""The door to the database. Importing it registers every table; nothing is opened before the first use."""

from sqlalchemy.orm import Session

from procur.db import models as models
from procur.db.config import DatabaseConfig
from procur.db.names import Database, check_db_connection, db_connection, get_db, session_scope
from procur.db.session import (
    DatabaseSession,
    SessionScope,
    get_db_session,
    get_session,
    init_db,
    system_session,
)

__all__ = [
    "Database",
    "DatabaseConfig",
    "DatabaseSession",
    "Session",
    "SessionScope",
    "check_db_connection",
    "db_connection",
    "get_db",
    "get_db_session",
    "get_session",
    "init_db",
    "session_scope",
    "system_session",
]
