"""Verifies the audit trail: hashes everything again, compares with checkpoints, says what changed where."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from procur.audit.checkpoints import Checkpoint, Flaw, assess, origin_of
from procur.audit.leaves import GENESIS, chained, leaf_of
from procur.audit.merkle import EMPTY_ROOT, Tree
from procur.audit.notes import Verifier
from procur.audit.seal import end_of
from procur.core.errors import Conflict
from procur.db import Session
from procur.db.repositories import AuditSealRepository
from procur.db.repositories.audit_seals import Head

BATCH = 1000
MOST_TOLD = 100


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as it was written. `sequence` and `entry_id` say where, as far as that is known.

    Kinds: edited, removed, inserted, seal_missing, seal_changed, seal_inserted, head_changed, truncated,
    checkpoint_differs, checkpoint_invalid, checkpoint_foreign, checkpoint_unknown_key.
    """

    kind: str
    says: str
    sequence: int | None = None
    entry_id: str | None = None


@dataclass(slots=True)
class Report:
    """What verifying found. `problems` holds the first ones, `found` counts all."""

    entries: int = 0
    sealed: int = 0
    waiting: int = 0
    size: int = 0
    root: str = EMPTY_ROOT.hex()
    checkpoints: int = 0
    found: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def intact(self) -> bool:
        """Whether nothing was found."""
        return self.found == 0

    def add(self, kind: str, says: str, sequence: int | None = None, entry_id: str | None = None) -> None:
        """Take a problem in; the first ones in words, all in the count."""
        self.found += 1
        if len(self.problems) < MOST_TOLD:
            self.problems.append(Problem(kind, says, sequence, entry_id))

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON-compatible values."""
        return {"intact": self.intact, **asdict(self)}


def verify(
    session: Session, *, checkpoints: Sequence[str] = (), public_keys: Sequence[str] = (), batch: int = BATCH
) -> Report:
    """Verify the trail of the session's organisation; nothing is written.

    `checkpoints` are signed notes from outside, beside those the database keeps; `public_keys` verifier keys,
    without which signatures are not checked; with them, only what one of them has signed counts, in the
    database too. Entries that wait for their seal are counted, not doubted.
    """
    seals = AuditSealRepository(session)
    report = Report()
    keys = [Verifier.read(key) for key in public_keys]
    marks = _marks(report, seals, checkpoints, keys)
    # The head before the seals, and sums in one statement each: a sealer may be at work meanwhile.
    head = seals.head() or Head(0, GENESIS.hex(), [])
    beyond = seals.seals_beyond_head()
    if beyond:
        report.add("seal_inserted", f"{beyond} seals stand behind the head", head.size + 1)
    walk = _Walk(report, marks)
    for seal, entry in seals.walk(batch=batch):
        if walk.place == head.size and not beyond:
            break  # what follows was sealed since
        walk.take(seal, entry)
    walk.end(head)
    for entry in seals.strays(MOST_TOLD):
        report.add(
            "inserted", f"was written at {entry['created_at']} past the trail", entry_id=str(entry["id"])
        )
    counts = seals.counts()
    report.entries, report.sealed, report.waiting = counts.entries, counts.sealed, counts.waiting
    return report


def _marks(
    report: Report, seals: AuditSealRepository, given: Sequence[str], keys: Sequence[Verifier]
) -> list[Checkpoint]:
    """Return the checkpoints to compare with, smallest first; tell those that are none."""
    origin = origin_of(seals.owner)
    found = []
    for note, kept in (
        *((note, True) for note in seals.checkpoint_notes()),
        *((note, False) for note in given),
    ):
        where = "kept in the database" if kept else "given"
        mark = assess(note, origin, keys)
        if isinstance(mark, Flaw):
            report.add(mark.kind, f"a checkpoint {where} {mark.says}", mark.size)
        else:
            found.append(mark)
    report.checkpoints = len(found)
    return sorted(found, key=lambda mark: mark.size)


class _Walk:
    """Goes over the seals in order and hashes everything again."""

    def __init__(self, report: Report, marks: Sequence[Checkpoint]) -> None:
        self.report, self.marks = report, list(marks)
        self.tree, self.chain, self.place = Tree(), GENESIS, 0
        self.whole = True  # every seal so far stood in its place
        self.fitted = 0  # the size of the last checkpoint that fits
        self.differs = False
        self._compare()

    def take(self, seal: dict[str, Any], entry: dict[str, Any]) -> None:
        """Check one seal, its entry, and that it follows the one before."""
        number, key = seal["sequence"], str(seal["audit_log_id"])
        if not isinstance(number, int) or number <= self.place:
            self.report.add("seal_inserted", f"a seal has the number {number}", entry_id=key)
            return
        stored, chain = _hash(seal["leaf_hash"]), _hash(seal["chain_hash"])
        if entry["id"] is None:
            self.report.add("removed", "the entry is gone", number, key)
        elif leaf_of(entry) != stored:
            self.report.add("edited", "the entry is not what was sealed", number, key)
        if number > self.place + 1:
            self._missing(number - 1)
        elif chained(self.chain, stored) != chain:
            self.report.add("seal_changed", "the seal does not follow the one before it", number, key)
        self.place, self.chain = number, chain
        self.tree.append(stored)
        self._compare()

    def end(self, head: Head) -> None:
        """Check that the walk ended where the head is, and the checkpoints behind it."""
        if self.place < head.size:
            self._missing(head.size)
        elif head.size < 0 or (self.whole and self.place == head.size and not self._is_at(head)):
            self.report.add("head_changed", "the head is not where the seals lead", self.place)
        self.report.size, self.report.root = self.place, self.tree.root().hex()
        if self.marks and not self.differs:
            size = self.marks[0].size
            self.report.add(
                "truncated",
                f"a checkpoint counts {size} entries, {self.place} are left: the last ones are gone",
                self.place + 1,
            )

    def _missing(self, last: int) -> None:
        first, self.whole = self.place + 1, False
        gone = f"the entry {first} is gone" if first == last else f"the entries {first} to {last} are gone"
        self.report.add("seal_missing", f"{gone}, with their seals", first)

    def _is_at(self, head: Head) -> bool:
        try:
            tree, chain = end_of(head)
        except Conflict:
            return False
        return (tree.root(), chain) == (self.tree.root(), self.chain)

    def _compare(self) -> None:
        """Compare with the checkpoints up to here; the first that differs bounds where the past changed."""
        while self.marks and self.marks[0].size <= self.place:
            mark = self.marks.pop(0)
            fits = (mark.size, mark.root) == (self.tree.size, self.tree.root())
            if fits and self.whole and mark.chain in {"", self.chain.hex()}:
                self.fitted = mark.size
            elif not self.differs:
                self.differs = True
                first = min(self.fitted + 1, max(mark.size, 1))
                self.report.add("checkpoint_differs", self._differing(mark, first), first)

    def _differing(self, mark: Checkpoint, first: int) -> str:
        if mark.size == 0:
            return "the checkpoint at 0 does not fit: it is of no empty trail"
        if mark.size == self.fitted:
            return f"two checkpoints at {mark.size} contradict each other, and one of them fits"
        where = (
            f"at the entry {first}" if first == mark.size else f"between the entries {first} and {mark.size}"
        )
        return f"the past was rewritten {where}: the checkpoint at {mark.size} does not fit"


def _hash(text: object) -> bytes:
    """Return the bytes of a stored hash; nothing where it is none, which fits nowhere."""
    try:
        return bytes.fromhex(text) if isinstance(text, str) and text == text.lower() else b""
    except ValueError:
        return b""
