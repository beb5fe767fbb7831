"""Merkle tree hashes against published roots and against the RFC's recursion written out."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebank.audit.entry import Entry, personal_hash
from telebank.audit.merkle import leaf_hash, merkle_root

# The eight leaves and nine roots that Certificate Transparency implementations are tested with.
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
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.mark.parametrize("count", range(9))
def test_published_roots(count: int) -> None:
    assert merkle_root([leaf_hash(leaf) for leaf in LEAVES[:count]]).hex() == ROOTS[count]


def _by_the_rfc(data: list[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, as written there."""
    if not data:
        return hashlib.sha256(b"").digest()
    if len(data) == 1:
        return hashlib.sha256(b"\x00" + data[0]).digest()
    k = 1
    while k * 2 < len(data):
        k *= 2
    return hashlib.sha256(b"\x01" + _by_the_rfc(data[:k]) + _by_the_rfc(data[k:])).digest()


@given(st.lists(st.binary(max_size=4), max_size=70))
def test_equals_the_recursion(data: list[bytes]) -> None:
    assert merkle_root([leaf_hash(leaf) for leaf in data]) == _by_the_rfc(data)


ENTRY = Entry(
    node="01",
    sequence=7,
    utc_us=1_774_929_600_000_000,
    monotonic_us=12_345,
    boot="b",
    kind="key",
    call="c1",
    leg=None,
    request=None,
    actor="system",
    role="system",
    origin="",
    outcome="",
    detail={"digit": "1", "node": "menu"},
    personal_hash=None,
)


def test_the_leaf_of_an_entry_written_out() -> None:
    text = (
        '{"actor":"system","boot":"b","call":"c1","detail":{"digit":"1","node":"menu"},'
        '"kind":"key","leg":null,"monotonic_us":12345,"node":"01","origin":"","outcome":"",'
        '"personal_hash":null,"request":null,"role":"system","schema":1,"sequence":7,'
        '"utc_us":1774929600000000}'
    )
    assert ENTRY.leaf() == hashlib.sha256(b"\x00" + text.encode()).digest()


def test_personal_detail_is_hashed_with_its_salt() -> None:
    expected = hashlib.sha256(b"s" * 16 + b'{"from_masked":"138****5678"}').hexdigest()
    assert personal_hash(b"s" * 16, {"from_masked": "138****5678"}) == expected
    assert personal_hash(b"t" * 16, {"from_masked": "138****5678"}) != expected
