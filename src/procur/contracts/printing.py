"""Documents are printed and stored while no transaction is open: plan, print, record.

A plan is read in one transaction. The document is rendered and put into the store in none, however long the
store takes. A second transaction locks the rows, looks whether a plan made now would be the same, and records
it; otherwise the document is outdated and printed again. A stop in between leaves at most a file that no row
names: the store gives other content another name, and equal content is the same file.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from procur.core.errors import Conflict
from procur.db import Session

P = TypeVar("P")
D = TypeVar("D")
R = TypeVar("R")
_TRIES = 5


class Outdated(Conflict):
    """What a document was printed from has changed meanwhile; printed again it is right."""


class OpenSession(Protocol):
    """Opens a transaction of one organisation that commits when its block ends well."""

    def __call__(self, *, read_only: bool = False) -> AbstractContextManager[Session]:
        """Open it; a read-only one keeps nobody waiting."""


def in_turn(
    open_session: OpenSession,
    plan: Callable[[Session], P],
    print_: Callable[[P], D],
    record: Callable[[Session, D], R],
) -> R:
    """Plan, print and record, again while others change what it is printed from; Conflict if they go on."""
    for _ in range(_TRIES):
        with open_session(read_only=True) as session:
            planned = plan(session)
        printed = print_(planned)
        try:
            with open_session() as session:
                return record(session, printed)
        except Outdated as outdated:
            last = outdated
    raise last
