"""The door to the database. Importing it registers every table; nothing is opened before the first use."""

import importlib
from typing import TYPE_CHECKING

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

if not TYPE_CHECKING:  # type checkers know the true places, and would take any name otherwise

    def __getattr__(name: str) -> type:
        """Find models and repositories here too, as the packages of other systems have them in one place."""
        places = ("procur.db.models", "procur.db.repositories") if name[:1].isupper() else ()
        for place in places:
            found = importlib.import_module(place)
            if name in found.__all__:
                return getattr(found, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
