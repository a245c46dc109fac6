"""What is done once a transaction has been committed, and not at all when it has been rolled back."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

_WAITING = "after_commit"


def after_commit(session: Session, call: Callable[[], None]) -> None:
    """Call after the commit. Any rollback, of a savepoint too, forgets it: it may concern what was undone."""
    waiting: list[Callable[[], None]] | None = session.info.get(_WAITING)
    if waiting is None:
        waiting = session.info[_WAITING] = []
        event.listen(session, "after_commit", _run)
        event.listen(session, "after_soft_rollback", _forget)
    waiting.append(call)


def _run(session: Session) -> None:
    if session.in_nested_transaction():  # a savepoint was released; the transaction goes on
        return
    waiting = list(session.info[_WAITING])
    session.info[_WAITING].clear()
    for call in waiting:
        call()


def _forget(session: Session, _transaction: Any) -> None:
    session.info[_WAITING].clear()
