"""Growing trees and proofs: published vectors of Certificate Transparency, and what is proved for
every size against the tree made at once."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebank.audit.merkle import (
    CompactRange,
    consistency_spans,
    inclusion_spans,
    leaf_hash,
    merkle_root,
    proof,
)
from telebank.audit.verify import consistency_holds, inclusion_holds

DATA = "|00|10|2021|3031|40414243|5051525354555657|606162636465666768696a6b6c6d6e6f"
LEAVES = [leaf_hash(bytes.fromhex(text)) for text in DATA.split("|")]
# (leaf from 0, size, path) and (old, new, path), as other implementations have them.
INCLUSION = [
    (0, 1, []),
    (
        0,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (
        1,
        5,
        [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]
CONSISTENCY = [
    (1, 1, []),
    (
        1,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        6,
        8,
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        5,
        [
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]
sizes = st.integers(1, 70)


def _tree(size: int) -> list[bytes]:
    return [leaf_hash(b"%d" % number) for number in range(size)]


def _path(spans: list[tuple[int, int]], leaves: list[bytes]) -> list[bytes]:
    return proof(spans, lambda begin, end: leaves[begin:end])


@pytest.mark.parametrize(("index", "size", "path"), INCLUSION)
def test_published_inclusion_proofs(index: int, size: int, path: list[str]) -> None:
    made = _path(inclusion_spans(index, size), LEAVES)
    assert [each.hex() for each in made] == path
    assert inclusion_holds(LEAVES[index], index, size, made, merkle_root(LEAVES[:size]))


@pytest.mark.parametrize(("old", "new", "path"), CONSISTENCY)
def test_published_consistency_proofs(old: int, new: int, path: list[str]) -> None:
    made = _path(consistency_spans(old, new), LEAVES)
    assert [each.hex() for each in made] == path
    roots = merkle_root(LEAVES[:old]), merkle_root(LEAVES[:new])
    assert consistency_holds(old, new, made, *roots)


@given(st.integers(0, 300))
def test_a_growing_tree_has_the_root_of_the_whole(size: int) -> None:
    tree = CompactRange()
    for leaf in _tree(size):
        tree.append(leaf)
    assert (tree.size, tree.root()) == (size, merkle_root(_tree(size)))
    assert CompactRange(tree.size, tree.peaks).root() == tree.root()


def test_what_a_tree_is_gone_on_from_must_fit_its_size() -> None:
    with pytest.raises(ValueError, match="a tree of 3 leaves has 2 peaks"):
        CompactRange(3, [bytes(32)])
    with pytest.raises(ValueError, match="hash of 32 bytes"):
        CompactRange(1, [b"short"])


@given(sizes, st.data())
def test_an_inclusion_proof_holds_for_its_leaf_alone(size: int, data: st.DataObject) -> None:
    leaves = _tree(size)
    index, other = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size - 1))
    path, root = _path(inclusion_spans(index, size), leaves), merkle_root(leaves)
    assert inclusion_holds(leaves[index], index, size, path, root)
    assert inclusion_holds(leaves[other], other, size, path, root) == (index == other)
    assert not inclusion_holds(leaves[index], index, size, [*path, bytes(32)], root)
    assert not inclusion_holds(leaf_hash(b"x"), index, size, path, root)
    assert not path or not inclusion_holds(leaves[index], index, size, path[:-1], root)


@given(sizes, st.data())
def test_a_consistency_proof_holds_for_its_trees_alone(size: int, data: st.DataObject) -> None:
    leaves = _tree(size)
    old = data.draw(st.integers(1, size))
    path, root = _path(consistency_spans(old, size), leaves), merkle_root(leaves)
    was = merkle_root(leaves[:old])
    assert consistency_holds(old, size, path, was, root)
    assert not consistency_holds(old, size, path, hashlib.sha256(was).digest(), root)
    assert not consistency_holds(old, size, path, was, hashlib.sha256(root).digest())
    assert not consistency_holds(old, size, [*path, bytes(32)], was, root)


def test_the_empty_tree_begins_every_other() -> None:
    assert consistency_holds(0, 3, [], merkle_root([]), merkle_root(_tree(3)))
    assert not consistency_holds(4, 3, [], bytes(32), bytes(32))


def test_what_is_not_in_the_tree_has_no_proof() -> None:
    with pytest.raises(ValueError, match="no number 3"):
        inclusion_spans(3, 3)
    with pytest.raises(ValueError, match="does not begin"):
        consistency_spans(4, 3)
    with pytest.raises(ValueError, match="there are 2"):
        proof([(0, 3)], lambda begin, end: _tree(3)[begin : end - 1])
