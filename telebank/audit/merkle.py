"""Merkle trees by RFC 6962 section 2.1 and their proofs, as pure functions.

What a verifier needs too (hashes, the growing tree, checks of proofs) is in `verify`, the file that
auditors take away; here is how proofs are made.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

from telebank.audit.verify import HASH_BYTES, CompactRange, leaf_hash, node_hash

__all__ = [
    "HASH_BYTES",
    "CompactRange",
    "consistency_spans",
    "inclusion_spans",
    "leaf_hash",
    "merkle_root",
    "node_hash",
    "proof",
]

Span = tuple[int, int]
"""Leaves from the first number (from 0) up to the second, which is not among them."""
Leaves = Callable[[int, int], Iterable[bytes]]
"""Leaf hashes of a span, in order."""


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """The tree hash of leaf hashes, oldest first; of none, SHA-256 of nothing.

    Works level by level: an odd last node goes up unchanged, which gives the same tree as the
    RFC's recursion by the largest power of two.
    """
    if not leaves:
        return hashlib.sha256(b"").digest()
    level = list(leaves)
    while len(level) > 1:
        odd = level[-1:] if len(level) % 2 else []
        pairs = zip(level[0::2], level[1::2], strict=False)
        level = [node_hash(left, right) for left, right in pairs] + odd
    return level[0]


def inclusion_spans(index: int, size: int) -> list[Span]:
    """The subtrees whose hashes prove leaf `index` (from 0) of a tree (RFC 9162 section 2.1.3.1),
    in the order of the path. Raises `ValueError` where it has no such leaf."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no number {index}")
    begin, end = 0, size
    spans: list[Span] = []
    while end - begin > 1:
        middle = begin + _half(end - begin)
        if index < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((begin, middle))
            begin = middle
    return spans[::-1]


def consistency_spans(old: int, new: int) -> list[Span]:
    """The subtrees whose hashes prove that a tree of `new` leaves begins with that of `old` (RFC
    9162 section 2.1.4.1), in the order of the path; none where `old` is 0 or `new`."""
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} leaves does not begin with one of {old}")
    if old in {0, new}:
        return []
    begin, end = 0, new
    spans: list[Span] = []
    while end != old:
        middle = begin + _half(end - begin)
        if old <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((begin, middle))
            begin = middle
    return ([(begin, end)] if begin else []) + spans[::-1]


def proof(spans: Iterable[Span], leaves: Leaves) -> list[bytes]:
    """The hashes of the spans' subtrees. Leaves are read once and not kept."""
    path = []
    for begin, end in spans:
        tree = CompactRange()
        for leaf in leaves(begin, end):
            tree.append(leaf)
        if tree.size != end - begin:
            raise ValueError(f"of leaves {begin} to {end} there are {tree.size}")
        path.append(tree.root())
    return path


def _half(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1
