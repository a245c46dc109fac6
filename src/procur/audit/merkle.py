"""The Merkle tree of RFC 6962 over leaf hashes: roots, growth, proofs. Hashes are 32 bytes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

HASH = 32  # bytes
EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(content: bytes) -> bytes:
    """Return the hash of one leaf."""
    return sha256(b"\x00" + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node above two others."""
    return sha256(b"\x01" + left + right).digest()


@dataclass
class Tree:
    """What a tree of `size` leaves needs to grow: the roots of its complete subtrees, largest first."""

    size: int = 0
    peaks: list[bytes] = field(default_factory=list)

    def append(self, leaf: bytes) -> None:
        """Add a leaf at the end."""
        peak, below = leaf, self.size
        while below & 1:
            peak = node_hash(self.peaks.pop(), peak)
            below >>= 1
        self.peaks.append(peak)
        self.size += 1

    def root(self) -> bytes:
        """Return the root of the leaves so far."""
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root

    @property
    def fits(self) -> bool:
        """Say whether there are as many peaks as a tree of this size has."""
        return self.size >= 0 and len(self.peaks) == self.size.bit_count()


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Return the root over these leaf hashes."""
    tree = Tree()
    for leaf in leaves:
        tree.append(leaf)
    return tree.root()


def inclusion_proof(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Return the hashes that lead from leaf `index` to the root (RFC 6962, 2.1.1)."""
    if not 0 <= index < len(leaves):
        raise ValueError(f"no leaf {index} in a tree of {len(leaves)}")
    if len(leaves) == 1:
        return []
    split = _split(len(leaves))
    if index < split:
        return [*inclusion_proof(index, leaves[:split]), root_of(leaves[split:])]
    return [*inclusion_proof(index - split, leaves[split:]), root_of(leaves[:split])]


def included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Say whether the proof shows that `leaf` is number `index` of the tree with this root (RFC 9162)."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf
    for other in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node_hash(other, found)
            place, last = _climb(place, last)
        else:
            found = node_hash(found, other)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def consistency_proof(old: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Return the hashes that show that the first `old` leaves are still the first ones (RFC 6962, 2.1.2)."""
    if not 0 <= old <= len(leaves):
        raise ValueError(f"a tree of {len(leaves)} has no first {old} leaves")
    return [] if old == 0 else _subproof(old, leaves, whole=True)


def consistent(old: int, size: int, old_root: bytes, root: bytes, proof: Sequence[bytes]) -> bool:
    """Say whether the proof shows that the tree under `root` begins with the old one (RFC 9162)."""
    if not 0 < old < size:
        fits = old_root == (EMPTY_ROOT if old == 0 else root)
        return 0 <= old <= size and not proof and fits
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    place, last = old - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = path[0]
    for other in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            before, after = node_hash(other, before), node_hash(other, after)
            place, last = _climb(place, last)
        else:
            after = node_hash(after, other)
        place, last = place >> 1, last >> 1
    return last == 0 and before == old_root and after == root


def _climb(place: int, last: int) -> tuple[int, int]:
    """Skip the levels on which a node has no sibling to its right."""
    while place and not place & 1:
        place, last = place >> 1, last >> 1
    return place, last


def _subproof(old: int, leaves: Sequence[bytes], *, whole: bool) -> list[bytes]:
    if old == len(leaves):
        return [] if whole else [root_of(leaves)]
    split = _split(len(leaves))
    if old <= split:
        return [*_subproof(old, leaves[:split], whole=whole), root_of(leaves[split:])]
    return [*_subproof(old - split, leaves[split:], whole=False), root_of(leaves[:split])]


def _split(size: int) -> int:
    """Return the largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)
