"""The tree against the known roots of certificate-transparency and against its definition."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from procur.audit.merkle import (
    EMPTY_ROOT,
    Tree,
    consistency_proof,
    consistent,
    included,
    inclusion_proof,
    leaf_hash,
    root_of,
)

# The test vectors that certificate-transparency's implementations share.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def naive(leaves: list[bytes]) -> bytes:
    """The definition: RFC 6962, section 2.1, on leaf hashes."""
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + naive(leaves[:split]) + naive(leaves[split:])).digest()


def test_the_roots_are_those_of_certificate_transparency() -> None:
    tree = Tree()
    assert tree.root() == EMPTY_ROOT
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    for content, root in zip(LEAVES, ROOTS, strict=True):
        tree.append(leaf_hash(content))
        assert tree.root().hex() == root
        assert tree.fits


MANY = st.lists(st.binary(min_size=32, max_size=32), max_size=40)


@given(MANY)
def test_the_root_is_what_the_definition_says(leaves: list[bytes]) -> None:
    assert root_of(leaves) == naive(leaves)


@settings(max_examples=40)
@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=24, unique=True))
def test_each_leaf_is_proved_in_its_place_and_in_no_other(leaves: list[bytes]) -> None:
    root, size = root_of(leaves), len(leaves)
    for index, leaf in enumerate(leaves):
        proof = inclusion_proof(index, leaves)
        assert included(leaf, index, size, proof, root)
        assert not any(
            included(leaf, other, size, proof, root) for other in range(-1, size + 2) if other != index
        )
        assert not included(leaf[::-1] + b"x", index, size, proof, root)
        assert not included(leaf, index, size, [*proof, leaf], root)
        assert not proof or not included(leaf, index, size, proof[:-1], root)
    with pytest.raises(ValueError, match="no leaf"):
        inclusion_proof(size, leaves)


@settings(max_examples=40)
@given(st.lists(st.binary(min_size=32, max_size=32), max_size=20, unique=True), st.data())
def test_a_tree_that_grew_is_proved_and_one_that_was_rewritten_is_not(leaves: list[bytes], data) -> None:
    size, root = len(leaves), root_of(leaves)
    for old in range(size + 1):
        proof, before = consistency_proof(old, leaves), root_of(leaves[:old])
        assert consistent(old, size, before, root, proof)
        if old:
            other = [*leaves[: old - 1], sha256(leaves[old - 1]).digest()]
            assert not consistent(old, size, root_of(other), root, proof)
            assert not consistent(old, size, before, sha256(root).digest(), proof)
            assert not consistent(old, size, before, root, [*proof, root])
        if proof:
            place = data.draw(st.integers(0, len(proof) - 1))
            bent = [*proof[:place], sha256(proof[place]).digest(), *proof[place + 1 :]]
            assert not consistent(old, size, before, root, bent)
    with pytest.raises(ValueError, match="first"):
        consistency_proof(size + 1, leaves)
