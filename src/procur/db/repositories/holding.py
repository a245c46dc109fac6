"""Locks on what has no row of its own to lock."""

from hashlib import sha256

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from procur.db import tenancy


def hold(session: Session, *names: str, shared: bool = False) -> None:
    """Make others who hold the same thing of this organisation wait until the transaction ends.

    Those who share it wait only for those who do not. SQLite lets one writer in at a time anyway.
    """
    if session.get_bind().dialect.name != "postgresql":
        return
    owner = tenancy.required_organization_id(session)
    digest = sha256("\x00".join([owner.hex, *names]).encode()).digest()
    lock = func.pg_advisory_xact_lock_shared if shared else func.pg_advisory_xact_lock
    session.execute(select(lock(int.from_bytes(digest[:8], signed=True))))


def hold_everywhere(session: Session, *names: str) -> None:
    """Make others who hold the same thing of the whole installation wait until the transaction ends."""
    if session.get_bind().dialect.name == "postgresql":
        digest = sha256("\x00".join(names).encode()).digest()
        session.execute(select(func.pg_advisory_xact_lock(int.from_bytes(digest[:8], signed=True))))
