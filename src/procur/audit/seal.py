"""Seals what was written: gives each committed entry its number, leaf hash and chain hash."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from uuid import UUID

from procur.audit.leaves import chained, leaf_of
from procur.audit.merkle import HASH, Tree
from procur.core.errors import Conflict
from procur.db import Session
from procur.db.repositories import AuditSealRepository
from procur.db.repositories.audit_seals import Head

BATCH = 1000


@dataclass(frozen=True, slots=True)
class Sealing:
    """How many entries got their seal, and how many the sealed trail has now."""

    sealed: int
    size: int


def seal(session: Session, *, limit: int = BATCH) -> Sealing:
    """Seal up to `limit` waiting entries of the session's organisation in this transaction.

    One sealer per organisation at a time: the others wait for its head. Stopped at any point, nothing has
    happened; run again, the rest is done.
    """
    seals = AuditSealRepository(session)
    head = seals.locked_head()
    tree, chain = end_of(head)
    rows = []
    for entry in seals.take_waiting(limit):
        leaf = leaf_of(entry)
        chain = chained(chain, leaf)
        tree.append(leaf)
        rows.append(
            {
                "sequence": tree.size,
                "audit_log_id": UUID(entry["id"]),
                "leaf_hash": leaf.hex(),
                "chain_hash": chain.hex(),
            }
        )
    if rows:
        seals.append(rows, Head(tree.size, chain.hex(), [peak.hex() for peak in tree.peaks]))
    return Sealing(len(rows), tree.size)


def seal_waiting(
    open_session: Callable[[], AbstractContextManager[Session]], *, batch: int = BATCH
) -> Sealing:
    """Seal all that waits, a transaction per batch; `open_session` opens one that commits at its end."""
    sealed = 0
    while True:
        with open_session() as session:
            done = seal(session, limit=batch)
        sealed += done.sealed
        if done.sealed < batch:
            return Sealing(sealed, done.size)


def end_of(head: Head) -> tuple[Tree, bytes]:
    """Return the tree and the chain hash that a head stands for; Conflict where they are none."""
    try:
        tree, chain = (
            Tree(head.size, [bytes.fromhex(one) for one in head.frontier]),
            bytes.fromhex(head.chain_hash),
        )
    except ValueError:
        tree, chain = Tree(1), b""
    if not tree.fits or any(len(one) != HASH for one in (*tree.peaks, chain)):
        raise Conflict("the head of the audit trail was changed", hint="procur audit verify")
    return tree, chain
