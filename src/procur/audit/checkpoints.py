"""Checkpoints (c2sp.org/tlog-checkpoint): signed statements of size and root, to be kept outside."""

import base64
import re
from dataclasses import dataclass
from uuid import UUID

from procur.audit.leaves import GENESIS, chained
from procur.audit.merkle import Tree
from procur.audit.notes import Signer, read_note
from procur.audit.seal import end_of
from procur.core.errors import Conflict, InvalidInput
from procur.db import Session
from procur.db.models import AuditCheckpointRecord
from procur.db.repositories import AuditSealRepository
from procur.db.tenancy import clock_of

_SIZE = re.compile(r"0|[1-9]\d{0,18}", re.ASCII)
_HASH = 32


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint says: whose trail, how many entries, their Merkle root; also when, and the chain."""

    origin: str
    size: int
    root: bytes
    time: str = ""
    chain: str = ""

    def text(self) -> str:
        """Return the lines that are signed."""
        root = base64.b64encode(self.root).decode()
        return f"{self.origin}\n{self.size}\n{root}\ntime {self.time}\nchain {self.chain}\n"


def origin_of(organization: UUID) -> str:
    """Return the name of an organisation's trail, which is also the name its key signs under."""
    return f"procur/{organization}"


def read_checkpoint(text: str) -> Checkpoint:
    """Read the text of a note; InvalidInput where it is no checkpoint."""
    lines = text.removesuffix("\n").split("\n")
    try:
        origin, size, encoded, *more = lines
        root = base64.b64decode(encoded, validate=True)
        if not origin or not _SIZE.fullmatch(size) or len(root) != _HASH or "" in more:
            raise ValueError("no checkpoint")  # noqa: TRY301 - one answer to every flaw
    except ValueError as error:
        raise InvalidInput("this is no checkpoint of an audit trail", field="checkpoint") from error
    said = dict(line.partition(" ")[::2] for line in more)
    return Checkpoint(origin, int(size), root, said.get("time", ""), said.get("chain", ""))


def make_checkpoint(session: Session, signer: Signer) -> str:
    """Sign what is sealed so far, keep the note beside the trail and return it.

    Nothing is signed that does not continue the last checkpoint: the seals since are hashed again, and where
    they do not lead to the head, or the last checkpoint is not what this key signed, it is a Conflict.
    """
    seals = AuditSealRepository(session)
    tree, chain = end_of(seals.locked_head())
    last = seals.last_checkpoint()
    signed = None if last is None else read_note(last.note).signed_by(signer.verifier)
    if signed is False:
        raise _broken("the last checkpoint was changed")
    # Without one, or after one of an earlier key, there is nothing to build on: all seals are hashed again.
    grown, link = _end_of(last) if last is not None and signed else (Tree(), GENESIS)
    for number, leaf in seals.leaves(after=grown.size):
        if number != grown.size + 1:
            raise _broken(f"entry {grown.size + 1} has no seal")
        grown.append(_hash(leaf))
        link = chained(link, _hash(leaf))
    if (grown.size, grown.root(), link) != (tree.size, tree.root(), chain):
        raise _broken("the seals since the last checkpoint do not lead to the head")
    if last is not None and last.size == tree.size and signed:
        return last.note
    now = clock_of(session).now().isoformat(timespec="seconds")
    note = signer.sign(Checkpoint(signer.name, tree.size, tree.root(), now, chain.hex()).text())
    if last is None or last.size < tree.size:
        seals.add_checkpoint(
            size=tree.size,
            root_hash=tree.root().hex(),
            chain_hash=chain.hex(),
            frontier=[peak.hex() for peak in tree.peaks],
            key_name=signer.name,
            note=note,
        )
    return note


def _end_of(row: AuditCheckpointRecord) -> tuple[Tree, bytes]:
    """Return tree and chain at a checkpoint; its subtrees are stored beside the note and have to fit it."""
    said = read_checkpoint(read_note(row.note).text)
    tree = Tree(said.size, [_hash(peak) for peak in row.frontier])
    if not tree.fits or tree.root() != said.root:
        raise _broken("the last checkpoint was changed")
    return tree, _hash(said.chain)


def _hash(text: object) -> bytes:
    try:
        return bytes.fromhex(str(text))
    except ValueError:
        return b""


def _broken(what: str) -> Conflict:
    return Conflict(f"the audit trail was changed, so nothing is signed: {what}", hint="procur audit verify")
