"""Checkpoints (c2sp.org/tlog-checkpoint): signed statements of size and root, to be kept outside."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from procur.audit.leaves import GENESIS, chained
from procur.audit.merkle import HASH, Tree
from procur.audit.notes import Signer, Verifier, read_note
from procur.audit.seal import end_of
from procur.audit.signed import Signed
from procur.core.errors import Conflict, InvalidInput
from procur.db import Session
from procur.db.repositories import AuditSealRepository
from procur.db.repositories.audit_seals import KeptCheckpoint
from procur.db.tenancy import clock_of

_SIZE = re.compile(r"0|[1-9]\d{0,18}", re.ASCII)


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


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why a checkpoint proves nothing: a kind of problem (see `verify`), in words, and the size it names."""

    kind: str
    says: str
    size: int | None = None


def origin_of(organization: UUID) -> str:
    """Return the name of an organisation's trail, which is also the name its key signs under."""
    return f"procur/{organization}"


def read_checkpoint(text: str) -> Checkpoint:
    """Read the text of a note; InvalidInput where it is no checkpoint."""
    lines = text.removesuffix("\n").split("\n")
    try:
        origin, size, encoded, *more = lines
        root = base64.b64decode(encoded, validate=True)
        if not origin or not _SIZE.fullmatch(size) or len(root) != HASH or "" in more:
            raise ValueError("no checkpoint")  # noqa: TRY301 - one answer to every flaw
    except ValueError as error:
        raise InvalidInput("this is no checkpoint of an audit trail", field="checkpoint") from error
    said = dict(line.partition(" ")[::2] for line in more)
    return Checkpoint(origin, int(size), root, said.get("time", ""), said.get("chain", ""))


def assess(note: str, origin: str, keys: Sequence[Verifier]) -> Checkpoint | Flaw:
    """Return what a note says of this trail, or its flaw; without keys no signature is checked."""
    try:
        read = read_note(note)
        mark = read_checkpoint(read.text)
    except InvalidInput as error:
        return Flaw("checkpoint_invalid", f"cannot be read: {error.message}")
    if mark.origin != origin:
        return Flaw("checkpoint_foreign", f"is of another trail: {mark.origin}", mark.size)
    signed = [verdict for key in keys if (verdict := read.signed_by(key)) is not None]
    if False in signed:
        return Flaw("checkpoint_invalid", "has a signature that is not right", mark.size)
    if keys and not signed:
        made_with = ", ".join(read.key_ids)
        return Flaw("checkpoint_unknown_key", f"was made with another key (key id {made_with})", mark.size)
    return mark


def make_checkpoint(
    session: Session, signer: Signer, *, signed: Signed | None = None, earlier: Sequence[Verifier] = ()
) -> str:
    """Sign what is sealed so far, keep the note beside the trail and return it.

    `signed` is what was signed last, as it was kept beside the key; `earlier` are keys that one had before.
    Nothing is signed that does not continue both that and the last checkpoint in the database, which has to
    be of this key or an earlier one: anything else is a Conflict.
    """
    seals = AuditSealRepository(session)
    tree, chain = end_of(seals.locked_head())
    kept = seals.last_checkpoint()
    last = None if kept is None else _trusted(kept, signer.name, (signer.verifier, *earlier))
    marks: list[Checkpoint | Signed] = [mark for mark in (last, signed) if mark is not None]
    # What was signed before the last checkpoint is only seen from the beginning.
    behind = last is not None and (signed is None or signed.size >= last.size)
    grown, link = _end_of(last, kept.frontier) if last and kept and behind else (Tree(), GENESIS)
    _continues(grown, marks)
    for number, leaf in seals.leaves(after=grown.size):
        if number != grown.size + 1:
            raise _broken(f"entry {grown.size + 1} has no seal")
        grown.append(_hash(leaf))
        link = chained(link, _hash(leaf))
        _continues(grown, marks)
    if any(mark.size > grown.size for mark in marks):
        raise _broken("there are fewer entries than were signed")
    if (grown.size, grown.root(), link) != (tree.size, tree.root(), chain):
        raise _broken("the seals since the last checkpoint do not lead to the head")
    unchanged = last is not None and last.size == tree.size
    if kept is not None and unchanged and read_note(kept.note).signed_by(signer.verifier):
        return kept.note
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


def _trusted(kept: KeptCheckpoint, origin: str, keys: Sequence[Verifier]) -> Checkpoint:
    """Return the last checkpoint, where one of the keys has signed it."""
    found = assess(kept.note, origin, keys)
    if isinstance(found, Checkpoint):
        return found
    if found.kind == "checkpoint_unknown_key":
        raise Conflict(
            f"nothing is signed: the last checkpoint in the database {found.says}",
            hint="if that key was yours, say so: procur audit checkpoint --rotate-from VKEY",
        )
    raise _broken("the last checkpoint was changed")


def _end_of(said: Checkpoint, frontier: Sequence[str]) -> tuple[Tree, bytes]:
    """Return tree and chain at a checkpoint; its subtrees are stored beside the note and have to fit it."""
    tree = Tree(said.size, [_hash(peak) for peak in frontier])
    if not tree.fits or tree.root() != said.root:
        raise _broken("the last checkpoint was changed")
    return tree, _hash(said.chain)


def _continues(tree: Tree, marks: Sequence[Checkpoint | Signed]) -> None:
    for mark in marks:
        if mark.size == tree.size and mark.root != tree.root():
            raise _broken("it does not continue what was signed last")


def _hash(text: object) -> bytes:
    try:
        return bytes.fromhex(str(text))
    except ValueError:
        return b""


def _broken(what: str) -> Conflict:
    return Conflict(f"the audit trail was changed, so nothing is signed: {what}", hint="procur audit verify")
